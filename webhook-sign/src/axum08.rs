use std::fmt;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;
use stonework_core::Problem;

use crate::Verified;
use crate::rejection::PROBLEM_BASE;

/// The body of a verified request, as JSON.
///
/// It refuses with 500 where no [`VerifyLayer`](crate::VerifyLayer) is in front of the handler: a handler that takes this
/// cannot be reached by what nobody signed. A body that cannot be read as a `T` is answered with 422, and the event is
/// delivered again. axum's `DefaultBodyLimit` does not apply: the layer has a cap of its own, and the body is in memory.
///
/// ```
/// use axum::{Router, routing::post};
/// use stonework_webhook_sign::{Verified, VerifiedJson};
///
/// #[derive(serde::Deserialize)]
/// struct Event {
///     r#type: String,
/// }
///
/// async fn handle(verified: Verified, VerifiedJson(event): VerifiedJson<Event>) {
///     println!("{} of {:?}", event.r#type, verified.id());
/// }
///
/// let app: Router = Router::new().route("/webhooks", post(handle));
/// # let _ = app;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // What it holds, by definition.
pub struct VerifiedJson<T>(pub T);

/// Why [`Verified`] or [`VerifiedJson`] could not be extracted.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotVerified {
    /// No layer has verified the request. 500: it is the service that is put together wrongly.
    NoLayer,
    /// The body cannot be read as what the handler wants. 422.
    Unreadable(serde_json::Error),
    /// The body could not be read to its end. 400.
    BodyIncomplete,
}

impl NotVerified {
    fn problem(&self) -> Problem {
        let (slug, title, status) = match self {
            Self::NoLayer => {
                ("not-verified", "Request was not verified", StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::Unreadable(_) => {
                ("unreadable", "Event cannot be read", StatusCode::UNPROCESSABLE_ENTITY)
            }
            Self::BodyIncomplete => {
                ("body-incomplete", "Request body is incomplete", StatusCode::BAD_REQUEST)
            }
        };
        Problem::new(format!("{PROBLEM_BASE}{slug}"), title, status)
    }
}

impl fmt::Display for NotVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem().message())
    }
}

impl std::error::Error for NotVerified {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(error) => Some(error),
            Self::NoLayer | Self::BodyIncomplete => None,
        }
    }
}

impl IntoResponse for NotVerified {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Verified {
    type Rejection = NotVerified;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotVerified> {
        parts.extensions.get().cloned().ok_or(NotVerified::NoLayer)
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for VerifiedJson<T> {
    type Rejection = NotVerified;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, NotVerified> {
        let (head, body) = request.into_parts();
        if head.extensions.get::<Verified>().is_none() {
            return Err(NotVerified::NoLayer);
        }
        let body = axum::body::to_bytes(body, usize::MAX).await;
        let body = body.map_err(|_| NotVerified::BodyIncomplete)?;
        serde_json::from_slice(&body).map(Self).map_err(NotVerified::Unreadable)
    }
}
