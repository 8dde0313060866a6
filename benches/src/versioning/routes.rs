//! The application: the same routes for all, as many as make a tree to search.

use axum::Router;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};

use super::subject::RESPONSE;

/// In which a handler tells of which version it is.
pub(super) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

const ROUTES: [&str; 6] = [
    "/transfers",
    "/transfers/{id}",
    "/transfers/{id}/lines",
    "/accounts",
    "/accounts/{id}",
    "/orders/{id}",
];

/// The routes of a version, below this path.
pub(super) fn routes(below: &str, version: &'static str) -> Router {
    let add = |router: Router, route| router.route(&[below, route].concat(), handler(version));
    ROUTES.into_iter().fold(Router::new(), add)
}

fn handler(version: &'static str) -> MethodRouter {
    let body = Bytes::from(vec![b'r'; RESPONSE]);
    get(async move || {
        let json = HeaderValue::from_static("application/json");
        let version = HeaderValue::from_static(version);
        ([(CONTENT_TYPE, json), (SERVED_BY, version)], body)
    })
}

/// As axum's documentation does versions.
pub(super) fn nested() -> Router {
    Router::new().nest("/v1", routes("", "v1")).nest("/v2", routes("", "v2"))
}

/// As the documentation of `api-version` does them.
pub(super) fn prefixed() -> Router {
    routes("/api/v1", "v1").merge(routes("/api/v2", "v2"))
}
