use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use stonework_core::Problem;

use crate::rejection::PROBLEM_BASE;
use crate::{Charge, Decision};

/// Why a [`Decision`] or a [`Charge`] could not be extracted: the layer is missing, leaves none, or
/// no policy concerns the request. Extract an `Option` where that may be.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NotLimited;

impl IntoResponse for NotLimited {
    fn into_response(self) -> Response {
        Problem::new(
            format!("{PROBLEM_BASE}not-limited"),
            "Request is not under a rate limit",
            StatusCode::INTERNAL_SERVER_ERROR,
        )
        .into_response()
    }
}

macro_rules! extract {
    ($($extension:ty),*) => {$(
        impl<S: Sync> FromRequestParts<S> for $extension {
            type Rejection = NotLimited;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotLimited> {
                parts.extensions.get().cloned().ok_or(NotLimited)
            }
        }

        impl<S: Sync> OptionalFromRequestParts<S> for $extension {
            type Rejection = Infallible;

            async fn from_request_parts(
                parts: &mut Parts,
                _: &S,
            ) -> Result<Option<Self>, Infallible> {
                Ok(parts.extensions.get().cloned())
            }
        }
    )*};
}

extract!(Charge, Decision);
