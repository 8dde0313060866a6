//! The files of the page. They are in the program, and ask for nothing that is not.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

/// What the page may load, and that text never becomes HTML. Frames are of this server, under its other names.
const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; frame-src 'self' http://localhost:* http://127.0.0.1:* \
    http://partner.localhost:*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// A page of another origin, in a frame of the console.
const FRAME: &str = "default-src 'none'; script-src 'self'; \
    connect-src http://localhost:* http://127.0.0.1:*; base-uri 'none'; form-action 'none'; \
    frame-ancestors http://localhost:* http://127.0.0.1:*; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! scripts {
    ($($name:literal),* $(,)?) => {
        [$((concat!("/console/", $name, ".js"), include_str!(concat!("page/", $name, ".js")))),*]
    };
}

pub(super) fn router() -> Router {
    let scripts = scripts![
        "account",
        "address",
        "cors",
        "deliveries",
        "dom",
        "events",
        "http",
        "idempotency",
        "limits",
        "main",
        "pages",
        "part",
        "probe",
        "stream",
        "versions",
        "webhooks",
        "wire",
    ];
    let router = scripts
        .into_iter()
        .fold(Router::new(), |router, (path, text)| router.route(path, file(JS, PAGE, text)));
    router
        .route("/", file(HTML, PAGE, include_str!("page/index.html")))
        .route("/console/probe", file(HTML, FRAME, include_str!("page/probe.html")))
        .route("/console/page.css", file(CSS, PAGE, include_str!("page/page.css")))
        .route("/console/parts.css", file(CSS, PAGE, include_str!("page/parts.css")))
        .route("/console/stones.svg", file(SVG, PAGE, include_str!("page/stones.svg")))
}

/// A browser asks each time whether it is still the same: the next process may have another page.
fn file(kind: &'static str, policy: &'static str, text: &'static str) -> MethodRouter {
    let tag = tag(text);
    get(async move |headers: HeaderMap| {
        let fresh =
            headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
        let said = [
            (CONTENT_TYPE, kind),
            (CONTENT_SECURITY_POLICY, policy),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            (CACHE_CONTROL, "no-cache"),
            (ETAG, &*tag),
        ];
        answer(fresh, said, text)
    })
}

fn answer(fresh: bool, said: [(HeaderName, &str); 6], text: &'static str) -> Response {
    if fresh {
        (StatusCode::NOT_MODIFIED, said).into_response()
    } else {
        (said, text).into_response()
    }
}

/// Equal for equal text, in every process of the same program.
fn tag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
