use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use stonework_core::Problem;

use crate::ApiVersion;
use crate::rejection::PROBLEM_BASE;

/// Why an [`ApiVersion`] could not be extracted: the layer is missing, or the request has none. Extract an
/// `Option` where that may be.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NotVersioned;

impl IntoResponse for NotVersioned {
    fn into_response(self) -> Response {
        Problem::new(
            format!("{PROBLEM_BASE}not-versioned"),
            "Request has no API version",
            StatusCode::INTERNAL_SERVER_ERROR,
        )
        .into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for ApiVersion {
    type Rejection = NotVersioned;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotVersioned> {
        parts.extensions.get().cloned().ok_or(NotVersioned)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for ApiVersion {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}
