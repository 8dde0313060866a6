//! The document, and a page that shows it: no more than it says, and from this process alone.

use axum::Router;
use axum::http::HeaderName;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::routing::get;
use utoipa::openapi::OpenApi;

use crate::config::Failure;
use crate::problem::Refusal;

/// Its own scripts and styles, and nothing of anybody else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [(&str, &str, &str); 8] = [
    ("/docs", HTML, include_str!("docs/index.html")),
    ("/docs/style.css", CSS, include_str!("docs/style.css")),
    ("/docs/curl.js", SCRIPT, include_str!("docs/curl.js")),
    ("/docs/document.js", SCRIPT, include_str!("docs/document.js")),
    ("/docs/dom.js", SCRIPT, include_str!("docs/dom.js")),
    ("/docs/main.js", SCRIPT, include_str!("docs/main.js")),
    ("/docs/operation.js", SCRIPT, include_str!("docs/operation.js")),
    ("/docs/schema.js", SCRIPT, include_str!("docs/schema.js")),
];

pub(crate) fn router(document: &OpenApi) -> Result<Router, Failure> {
    let failed = |error| Failure::Config(format!("the service cannot be described: {error}"));
    let document: &'static str = document.to_json().map_err(failed)?.leak();
    let router = file(Router::new(), "/openapi.json", "application/json", document);
    let add = |router, (path, media_type, text)| file(router, path, media_type, text);
    let router = FILES.into_iter().fold(router, add);
    Ok(router.method_not_allowed_fallback(async || Refusal::WrongMethod))
}

fn file(router: Router, path: &str, media_type: &'static str, text: &'static str) -> Router {
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    router.route(path, get(move || async move { (headers, text) }))
}
