use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use stonework_core::Problem;

use crate::Idempotency;
use crate::rejection::PROBLEM_BASE;

/// Why an [`Idempotency`] could not be extracted: the layer is missing, or the request has no key
/// and the layer does not require one. Extract `Option<Idempotency>` where keys are optional.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NotProtected;

impl IntoResponse for NotProtected {
    fn into_response(self) -> Response {
        Problem::new(
            format!("{PROBLEM_BASE}not-protected"),
            "Request is not protected by an idempotency key",
            StatusCode::INTERNAL_SERVER_ERROR,
        )
        .into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Idempotency {
    type Rejection = NotProtected;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotProtected> {
        parts.extensions.get().cloned().ok_or(NotProtected)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Idempotency {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}
