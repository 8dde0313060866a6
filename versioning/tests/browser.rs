//! The layer and the CORS layer before a real browser: which versions a page can ask for, and what it reads
//! of the answer.
//!
//! Run by `./test.sh browser`, which installs Chromium and what drives it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../cors/tests/browser/chromium.rs"]
mod chromium;
#[path = "../../cors/tests/browser/sites.rs"]
mod sites;

use std::sync::Arc;
use std::time::Duration;

use axum::routing::{get, put};
use axum::{Json, Router};
use chromium::{Seen, assert_blocked, assert_read, in_page};
use http::{Method, header};
use serde_json::{Value, json};
use sites::{Site, origin, serve};
use stonework_cors::{CorsLayer, CorsLayerBuilder};
use stonework_versioning::{
    ApiVersion, Clock, Header, Major, Moment, PathSegment, Query, REQUEST_HEADERS,
    RESPONSE_HEADERS, VersionLayer, VersionLayerBuilder,
};
use tower::Layer;

/// A clock that stands still. The browser has its own, and compares nothing with this one.
#[derive(Debug)]
struct At(Moment);

impl Clock for At {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(self.0.as_unix())
    }
}

fn at(moment: &str) -> Arc<At> {
    Arc::new(At(moment.parse().unwrap()))
}

/// The first version is gone, the second deprecated and the third to be used. Who names none is refused.
fn versions() -> VersionLayerBuilder<Major> {
    VersionLayer::builder::<Major>()
        .version("1", |v| {
            v.deprecated_at("2025-01-01")
                .sunset_at("2026-01-01")
                .sunset_link("https://example.com/v1")
        })
        .version("2", |v| {
            v.deprecated_at("2026-01-01")
                .brownout("2026-06-01", "2026-06-02")
                .sunset_at("2026-12-31")
                .successor("/v3")
        })
        .version("3", |v| v)
        .read(PathSegment::first().strip(true))
        .read(Header::named("api-version"))
        .read(Query::named("version"))
        .clock(at("2026-02-01"))
}

fn page() -> String {
    origin("localhost")
}

/// Allows the page, and says nothing of versions.
fn bare() -> CorsLayerBuilder {
    CorsLayer::builder().origins([page()])
}

/// What a service with this crate says.
fn bundled() -> CorsLayerBuilder {
    bare().include(REQUEST_HEADERS).expose(RESPONSE_HEADERS)
}

/// The shape of an order is another in the third version.
async fn order(version: ApiVersion) -> Json<Value> {
    Json(match version.resolved() {
        "v3" => json!({"amount": {"value": 5}}),
        _ => json!({"amount": 5}),
    })
}

fn routes() -> Router {
    Router::new().route("/orders", get(order)).route(
        "/cached",
        get(async |version| ([(header::CACHE_CONTROL, "max-age=60")], order(version).await)),
    )
}

/// As it is meant: what refuses a version stands inside.
fn outside(cors: CorsLayerBuilder, versions: VersionLayerBuilder<Major>) -> Site {
    let versioned = versions.build().unwrap().layer(routes());
    serve(cors.build().unwrap().around(Router::new().fallback_service(versioned)))
}

/// The other way round.
fn inside(cors: CorsLayerBuilder, versions: VersionLayerBuilder<Major>) -> Site {
    let with_cors = cors.build().unwrap().around(routes());
    serve(Router::new().fallback_service(versions.build().unwrap().layer(with_cors)))
}

fn ask(service: &Site, script: &str) -> Seen {
    in_page(&page(), "127.0.0.1", service, script)
}

/// What a page does to get this version by the header.
fn by_header(version: &str) -> String {
    format!("return ask(api + '/orders', {{headers: {{'api-version': '{version}'}}}})")
}

fn by_url(path: &str) -> String {
    format!("return ask(api + '{path}')")
}

fn body(seen: &Seen) -> Value {
    serde_json::from_str(seen.result["text"].as_str().unwrap()).unwrap()
}

/// What arrived, without what is of no interest here.
fn methods(seen: &Seen) -> Vec<&Method> {
    seen.arrived.iter().map(|request| &request.method).collect()
}

#[test]
fn a_page_names_a_version_and_reads_what_becomes_of_it() {
    let seen = ask(&outside(bundled(), versions()), &by_header("2"));
    assert_read(&seen);
    assert_eq!(body(&seen), json!({"amount": 5}));
    for (name, value) in [
        ("api-version", "v2"),
        ("deprecation", "@1767225600"),
        ("sunset", "Thu, 31 Dec 2026 00:00:00 GMT"),
        ("link", r#"</v3>; rel="successor-version""#),
        ("api-supported-versions", "v3"),
        ("api-deprecated-versions", "v2"),
    ] {
        assert_eq!(seen.result["headers"][name], value, "{name}");
    }
    assert_eq!(methods(&seen), [Method::OPTIONS, Method::GET]);
    let preflight = seen.preflights().next().unwrap();
    assert_eq!(preflight.headers["access-control-request-headers"], "api-version");
    assert!(!preflight.headers.contains_key("api-version"), "it asks for the name alone");
}

#[test]
fn without_the_names_a_version_cannot_be_asked_for() {
    let seen = ask(&outside(bare().debug(true), versions()), &by_header("2"));
    assert_blocked(&seen, "HeaderDisallowedByPreflightResponse", "api-version");
    assert_eq!(methods(&seen), [Method::OPTIONS]);
    let seen = ask(&outside(bare(), versions()), &by_header("2"));
    assert_blocked(&seen, "PreflightMissingAllowOriginHeader", "");
}

#[test]
fn without_the_names_nothing_is_read_of_a_version() {
    let included = || bare().include(REQUEST_HEADERS);
    for script in [by_header("2"), by_url("/v2/orders")] {
        let seen = ask(&outside(included(), versions()), &script);
        assert_read(&seen);
        assert_eq!(body(&seen), json!({"amount": 5}), "the body is read all the same");
        for name in RESPONSE_HEADERS {
            assert_eq!(seen.result["headers"][name], Value::Null, "{name}");
        }
    }
}

/// A page can put it where no browser asks first.
#[test]
fn a_version_in_the_url_needs_no_preflight() {
    for (path, version, amount) in [
        ("/v2/orders", "v2", json!(5)),
        ("/orders?version=2", "v2", json!(5)),
        ("/v3/orders", "v3", json!({"value": 5})),
        ("/orders?version=3", "v3", json!({"value": 5})),
    ] {
        let seen = ask(&outside(bare().expose(RESPONSE_HEADERS), versions()), &by_url(path));
        assert_read(&seen);
        assert_eq!(methods(&seen), [Method::GET], "{path}");
        assert_eq!(seen.result["headers"]["api-version"], version, "{path}");
        assert_eq!(body(&seen)["amount"], amount, "{path}");
    }
}

/// Each of these names no version that is served.
const REFUSED: [(&str, &str, u16, &str); 6] = [
    ("/orders", "{}", 400, "version-unspecified"),
    ("/orders", "{headers: {'api-version': '9'}}", 400, "version-unsupported"),
    ("/orders", "{headers: {'api-version': 'latest'}}", 400, "version-malformed"),
    ("/orders?version=2", "{headers: {'api-version': '3'}}", 400, "version-ambiguous"),
    ("/v9/orders", "{}", 404, "version-unsupported"),
    ("/orders", "{headers: {'api-version': '1'}}", 410, "version-sunset"),
];

#[test]
fn a_page_reads_why_a_version_is_refused_and_which_there_are() {
    let service = outside(bundled(), versions());
    for (path, init, status, slug) in REFUSED {
        let seen = ask(&service, &format!("return ask(api + '{path}', {init})"));
        assert_eq!((seen.result["status"].as_u64(), &*seen.cors), (Some(status.into()), &[][..]));
        assert_eq!(seen.result["headers"]["content-type"], "application/problem+json");
        let problem = body(&seen);
        assert_eq!(problem["type"], format!("urn:stonework:versioning:{slug}"));
        assert_eq!(problem["supported"], json!(["v2", "v3"]), "{slug}");
        assert_eq!(seen.result["headers"]["api-supported-versions"], "v3", "{slug}");
    }
    let gone = ask(&service, &by_header("1"));
    assert_eq!(gone.result["headers"]["sunset"], "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_eq!(gone.result["headers"]["link"], r#"<https://example.com/v1>; rel="sunset""#);
}

/// A page that is told when to come again has to be able to read it.
#[test]
fn a_page_reads_when_a_brownout_ends() {
    let during = versions().clock(at("2026-06-01T23:59:00Z"));
    let seen = ask(&outside(bundled(), during), &by_header("2"));
    assert_eq!(seen.result["status"], 410, "{seen:?}");
    assert_eq!(seen.result["headers"]["retry-after"], "60");
    assert_eq!(body(&seen)["type"], "urn:stonework:versioning:brownout");
}

/// A preflight never has the header, and a service that insists on a version lets it pass, wherever CORS is.
#[test]
fn a_preflight_is_asked_for_no_version() {
    for (place, of) in [("outside", outside as fn(_, _) -> _), ("inside", inside)] {
        let seen = ask(&of(bundled(), versions()), &by_header("2"));
        assert_read(&seen);
        assert_eq!(methods(&seen), [Method::OPTIONS, Method::GET], "{place}");
        assert_eq!(seen.result["headers"]["deprecation"], "@1767225600", "{place}");
    }
}

/// Not even for one that is refused: the preflight has the path and the query of its request.
#[test]
fn a_preflight_is_not_refused_for_the_version_in_its_url() {
    let service = inside(bundled(), versions());
    for path in ["/v1/orders", "/v9/orders", "/orders?version=latest"] {
        let init = "{headers: {'api-version': '3'}}";
        let before = service.arrived().len();
        let seen = ask(&service, &format!("return ask(api + '{path}', {init})"));
        assert_eq!(methods(&seen)[before..], [Method::OPTIONS, Method::GET], "{path}");
        assert_blocked(&seen, "MissingAllowOriginHeader", "");
    }
}

/// Why CORS is to stand outside: what is refused around it has none of its headers.
#[test]
fn a_refusal_outside_of_cors_is_read_by_nobody() {
    for (path, init, ..) in REFUSED {
        let seen =
            ask(&inside(bundled(), versions()), &format!("return ask(api + '{path}', {init})"));
        assert_blocked(&seen, "MissingAllowOriginHeader", "");
    }
}

/// Nor may CORS stand at a route, below a path that is stripped: no version is taken from a preflight, and its
/// path leads to no route.
#[test]
fn a_preflight_keeps_the_version_in_its_path() {
    let cors = bundled().methods(["PUT"]).build().unwrap();
    let at_route = Router::new().route("/orders", put(order).layer(cors));
    let versioned = versions().build().unwrap().layer(at_route);
    let service = serve(Router::new().fallback_service(versioned));
    let seen = ask(&service, "return ask(api + '/v2/orders', {method: 'PUT'})");
    assert_blocked(&seen, "PreflightMissingAllowOriginHeader", "");
    let init = "{method: 'PUT', headers: {'api-version': '2'}}";
    assert_read(&ask(&service, &format!("return ask(api + '/orders', {init})")));
}

/// The browser's cache keeps one answer for a URL, and looks at `Vary` before it gives it to another request.
#[test]
fn a_cache_does_not_take_one_version_for_another() {
    let script = "
        const shapes = [];
        for (const version of ['2', '3', '3', '2']) {
            const {text} = await ask(api + '/cached', {headers: {'api-version': version}});
            shapes.push(JSON.parse(text));
        }
        return shapes;
    ";
    let seen = ask(&outside(bundled(), versions()), script);
    let (old, new) = (json!({"amount": 5}), json!({"amount": {"value": 5}}));
    assert_eq!(seen.result, json!([old, new, new, old]));
    let sent = seen.arrived.iter().filter_map(|request| request.headers.get("api-version"));
    assert_eq!(sent.collect::<Vec<_>>(), ["2", "3", "2"], "one was answered by the cache");
}
