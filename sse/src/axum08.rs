//! For axum 0.8. Feature `axum-0-8`.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::OptionalFromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use crate::{LastEventId, SubscribeError, Ticket};

/// Of the header, or of what the [layer](crate::SseLayer) has found, or of the parameter `last_event_id`.
impl<S: Sync> OptionalFromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        if let Some(found) = parts.extensions.get::<Self>() {
            return Ok(Some(found.clone()));
        }
        Ok(Self::find(&parts.headers, &parts.uri, &["last_event_id"]))
    }
}

/// There is one below a [layer](crate::SseLayer).
impl<S: Sync> OptionalFromRequestParts<S> for Ticket {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

impl IntoResponse for SubscribeError {
    fn into_response(self) -> Response {
        self.to_response().map(Body::from)
    }
}
