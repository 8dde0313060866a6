use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use serde::Serialize;

use crate::{AnyPage, Keyset, Page, PageError, Paged};

impl<S: Sync> FromRequestParts<S> for AnyPage {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        Self::of(&parts.extensions)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for AnyPage {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}

impl<S: Sync, K: Keyset> FromRequestParts<S> for Page<K> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        AnyPage::of(&parts.extensions)?.sorted_by()
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        self.to_response().map(Body::from)
    }
}

/// JSON in the form of the layer's contract. The cursors are in the extensions, for `Link`.
impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        match self.to_response() {
            Ok(response) => response.map(Body::from),
            Err(error) => error.into_response(),
        }
    }
}
