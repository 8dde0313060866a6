use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Request, StatusCode};
use stonework_core::{Problem, StoneBody};
use tower::ServiceExt;
use tower_layer::Layer;

use crate::rejection::PROBLEM_BASE;
use crate::{ApiVersion, VersionLayer};

impl VersionLayer {
    /// Puts the layer around a whole router. Feature `axum-0-8`.
    ///
    /// `Router::layer` comes too late: the route has been chosen by then, with the version still in the
    /// path, and a path without a route gets no layer at all. Nor is the response's body boxed once more,
    /// as `Router::layer` does with any body that is not axum's own.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use stonework_versioning::{ApiVersion, Major, PathSegment, VersionLayer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let versions = VersionLayer::builder::<Major>()
    ///     .version("1", |v| v)
    ///     .version("2", |v| v)
    ///     .read(PathSegment::first().strip(true))
    ///     .build()?;
    /// let hello = async |version: ApiVersion| format!("hello in {}", version.resolved());
    /// // `/v1/hello` and `/v2/hello`.
    /// let app = versions.around(Router::new().route("/hello", get(hello)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn around(&self, router: Router) -> Router {
        let layered = self.layer(router);
        let layered = ServiceExt::<Request<Body>>::map_response(layered, unwrapped);
        Router::new().fallback_service(layered)
    }
}

/// With axum's own body where that is all there is: it would box any other.
fn unwrapped(response: http::Response<StoneBody<Body>>) -> http::Response<Body> {
    response.map(|body| body.try_into_inner().unwrap_or_else(Body::new))
}

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
