//! The layer before a real browser: what a page can do, what it cannot, and what its console says.
//!
//! Run by `./test.sh browser`, which installs Chromium and what drives it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/service.rs"]
mod service;
#[path = "browser/sites.rs"]
mod sites;

use std::time::Duration;

use chromium::{Seen, assert_blocked, assert_read, in_page, run};
use serde_json::json;
use service::{service, under};
use sites::{origin, serve};
use stonework_cors::{ByHost, CorsLayer, CorsLayerBuilder, Policy, bundle};

const LOCAL: &str = "localhost";

fn page() -> String {
    origin(LOCAL)
}

/// Allows the page, and most of what it may want.
fn usual() -> CorsLayerBuilder {
    CorsLayer::builder()
        .origins([page()])
        .methods(["PUT", "PATCH"])
        .include(["authorization", "content-type", "x-a"])
        .expose(["x-seen", "retry-after"])
        .credentials(true)
}

fn ask(layer: CorsLayerBuilder, script: &str) -> Seen {
    in_page(&page(), "127.0.0.1", &service(layer), script)
}

#[test]
fn a_page_reads_what_it_may() {
    assert_read(&ask(usual(), "return ask(api + '/hello')"));
    for init in [
        "{method: 'PUT'}",
        "{method: 'put'}",
        "{method: 'PATCH', body: '{}', headers: {'content-type': 'application/json'}}",
        "{headers: {authorization: 'Bearer x', 'X-A': '1'}}",
        "{method: 'POST', body: 'text'}",
    ] {
        assert_read(&ask(usual(), &format!("return ask(api + '/hello', {init})")));
    }
}

#[test]
fn a_page_reads_nothing_else_and_yet_its_request_has_run() {
    let other = || CorsLayer::builder().origins(["https://app.example.com"]);
    let seen = ask(other(), "return ask(api + '/hello')");
    assert_blocked(&seen, "MissingAllowOriginHeader", "");
    let seen = ask(other(), "return ask(api + '/hello', {method: 'PUT'})");
    assert_blocked(&seen, "PreflightMissingAllowOriginHeader", "");
    // It is not seen, and was sent: CORS does not protect from that.
    let opaque = ask(other(), "await fetch(api + '/hello', {mode: 'no-cors'}); return 'sent'");
    assert_eq!(opaque.result, "sent");
}

#[test]
fn headers_are_read_if_they_are_exposed() {
    let seen = ask(usual(), "return ask(api + '/hello')");
    assert_eq!(
        seen.result["headers"],
        json!({"content-type": "text/plain", "content-length": "5", "x-seen": "1"})
    );
}

/// Of another origin and the same site: a cookie travels over `http` too.
#[test]
fn cookies_are_sent_and_set_if_credentials_are_allowed() {
    let script = "
        const all = {credentials: 'include'};
        await ask(api + '/login', {method: 'POST', ...all});
        return [await ask(api + '/who', all), await ask(api + '/who')];
    ";
    let with = in_page(&page(), LOCAL, &service(usual()), script);
    assert_eq!(with.result[0]["text"], "user=alice", "{with:?}");
    assert_eq!(with.result[1]["text"], "nobody", "a page has to say so");
    let without = in_page(&page(), LOCAL, &service(usual().credentials(false)), script);
    assert_eq!(without.result[1]["status"], 200);
    assert!(without.result[0]["blocked"].is_string(), "{without:?}");
}

#[test]
fn names_below_a_wildcard_are_allowed_and_the_name_itself_is_not() {
    let port: u16 = origin("x").rsplit(':').next().unwrap().parse().unwrap();
    let below = || CorsLayer::builder().origins([format!("http://*.app.example.test:{port}")]);
    for (host, allowed) in [
        ("a.app.example.test", true),
        ("b.a.app.example.test", true),
        ("app.example.test", false),
        ("evilapp.example.test", false),
    ] {
        let seen =
            in_page(&origin(host), "127.0.0.1", &service(below()), "return ask(api + '/hello')");
        assert_eq!(seen.result["status"] == 200, allowed, "{host}: {seen:?}");
    }
}

#[test]
fn each_tenant_has_its_own_pages() {
    let policy = |host: &str| {
        Policy::builder()
            .origins([origin(host)])
            .credentials(true)
            .danger_insecure_origins()
            .build()
            .unwrap()
    };
    let hosts = [
        ("acme.api.example.test", policy("acme.example.test")),
        ("duff.api.example.test", policy("duff.example.test")),
    ];
    let cors = CorsLayer::builder().policies(ByHost::new(hosts).unwrap()).build().unwrap();
    let service = serve(under(&cors));
    for (page, api, allowed) in [
        ("acme.example.test", "acme.api.example.test", true),
        ("duff.example.test", "duff.api.example.test", true),
        ("acme.example.test", "duff.api.example.test", false),
        ("acme.example.test", "other.api.example.test", false),
    ] {
        let script = "return ask(api + '/hello', {credentials: 'include'})";
        let seen = in_page(&origin(page), api, &service, script);
        assert_eq!(seen.result["status"] == 200, allowed, "{page} {api}: {seen:?}");
    }
}

#[test]
fn a_client_of_grpc_web_reads_the_status() {
    let layer =
        usual().include(bundle::GRPC_WEB_REQUEST_HEADERS).expose(bundle::GRPC_WEB_RESPONSE_HEADERS);
    let script = "return ask(api + '/grpc', {method: 'POST', headers: {
        'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', 'x-user-agent': 'test',
        'grpc-timeout': '1S', authorization: 'Bearer x'}})";
    let seen = ask(layer, script);
    assert_eq!(seen.result["headers"]["grpc-status"], "5", "{seen:?}");
    assert_eq!(seen.result["headers"]["grpc-message"], "no%20such%20thing");
    let without = ask(usual(), script);
    assert_blocked(&without, "PreflightMissingAllowOriginHeader", "");
}

#[test]
fn refusals_of_inner_layers_can_be_read() {
    for (path, init, status) in [
        ("/limited", "{}", 429),
        ("/large", "{method: 'POST', body: 'x'.repeat(100)}", 413),
        ("/panic", "{}", 500),
        ("/nowhere", "{method: 'PUT'}", 404),
        ("/login", "{method: 'PUT'}", 405),
    ] {
        let seen = ask(usual(), &format!("return ask(api + '{path}', {init})"));
        assert_eq!(seen.result["status"], status, "{path}: {seen:?}");
    }
    let limited = ask(usual(), "return ask(api + '/limited')");
    assert_eq!(limited.result["headers"]["retry-after"], "7");
}

#[test]
fn a_stream_of_events_is_read_without_a_preflight_and_resumed_with_one() {
    let layer = || usual().include(["last-event-id"]);
    let script = "return new Promise((done, failed) => {
        const events = new EventSource(api + '/events');
        events.onmessage = event => { events.close(); done(event.data); };
        events.onerror = failed;
    })";
    assert_eq!(ask(layer(), script).result, "after none");
    let resumed = "return ask(api + '/events', {headers: {'last-event-id': '6'}})";
    assert_eq!(ask(layer(), resumed).result["text"], "id: 7\ndata: after 6\n\n");
    assert!(ask(usual(), resumed).result["blocked"].is_string(), "it has to be included");
}

#[test]
fn times_are_seen_if_that_is_allowed() {
    let script = "
        const seen = new Promise(done => new PerformanceObserver(list => {
            const [entry] = list.getEntriesByName(api + '/hello');
            if (entry) done(entry.requestStart > 0);
        }).observe({type: 'resource', buffered: true}));
        await ask(api + '/hello');
        return seen;
    ";
    assert_eq!(ask(usual().timing(true), script).result, true);
    assert_eq!(ask(usual(), script).result, false);
}

#[test]
fn a_preflight_is_remembered_for_as_long_as_was_said() {
    let script = "
        await ask(api + '/hello', {method: 'PUT'});
        return ask(api + '/hello', {method: 'PUT'});
    ";
    let remembered = ask(usual().max_age(Duration::from_secs(600)), script);
    assert_eq!(remembered.preflights().count(), 1, "{remembered:?}");
    let forgotten = ask(usual().max_age(Duration::ZERO), script);
    assert_eq!(forgotten.preflights().count(), 2, "{forgotten:?}");
}

/// What `requested_headers` relies on for its fast way.
#[test]
fn chromium_lists_names_in_order_and_without_spaces() {
    let script =
        "return ask(api + '/hello', {headers: {'X-B': '1', 'x-a': '2', Authorization: '3'}})";
    let seen = ask(usual().include(["x-b"]), script);
    assert_read(&seen);
    let preflight = seen.preflights().next().unwrap();
    assert_eq!(preflight.headers["access-control-request-headers"], "authorization,x-a,x-b");
}

/// A browser says of a page that it is of the same origin, and no page can.
#[test]
fn requests_of_the_same_origin_are_never_refused() {
    let service = service(usual().reject_actual(true));
    let script = "return [
        await ask('/hello', {method: 'POST'}),
        await ask('/hello', {method: 'POST', headers: {'sec-fetch-site': 'cross-site'}}),
    ]";
    let same = run(&format!("http://{LOCAL}:{}/hello", service.port), script);
    assert_eq!(same.result[0]["status"], 200, "{same:?}");
    assert_eq!(same.result[1]["status"], 200, "{same:?}");
    let forged = "return ask(api + '/hello', {headers: {'sec-fetch-site': 'same-origin'}})";
    let before = service.arrived().len();
    let other = in_page(&origin("a.example.test"), LOCAL, &service, forged);
    assert_blocked(&other, "MissingAllowOriginHeader", "");
    // It may ask for an icon of the page before, too.
    let sent =
        other.arrived[before..].iter().filter(|request| request.headers.contains_key("origin"));
    let [said] = sent.collect::<Vec<_>>()[..] else { panic!("{other:?}") };
    assert_eq!(said.headers["sec-fetch-site"], "cross-site");
}

/// Each mistake that a configuration can have, and what DevTools then says in debug mode.
#[test]
fn in_debug_mode_the_console_names_the_cause() {
    let port: u16 = page().rsplit(':').next().unwrap().parse().unwrap();
    let debug = |layer: CorsLayerBuilder| layer.debug(true);
    let https = format!("https://localhost:{port}");
    let below = format!("http://*.localhost:{port}");
    let cases: [(CorsLayerBuilder, &str, &str, &str); 12] = [
        (debug(usual_for(&https)), "{}", "AllowOriginMismatch", &https),
        (debug(usual_for(&https)), "{method: 'PUT'}", "PreflightAllowOriginMismatch", &https),
        (
            debug(usual_for("http://localhost")),
            "{method: 'PUT'}",
            "PreflightAllowOriginMismatch",
            "http://localhost",
        ),
        (debug(usual_for(&below)), "{}", "AllowOriginMismatch", &below),
        (
            debug(usual_for("https://app.example.com")),
            "{method: 'PUT'}",
            "PreflightMissingAllowOriginHeader",
            "",
        ),
        (debug(usual()), "{method: 'DELETE'}", "MethodDisallowedByPreflightResponse", "DELETE"),
        (debug(usual()), "{method: 'patch'}", "MethodDisallowedByPreflightResponse", "patch"),
        (
            debug(usual()),
            "{headers: {'x-a': '1', 'x-z': '2'}}",
            "HeaderDisallowedByPreflightResponse",
            "x-z",
        ),
        (
            debug(any()),
            "{headers: {authorization: 'x'}}",
            "HeaderDisallowedByPreflightResponse",
            "authorization",
        ),
        (
            debug(usual().credentials(false)),
            "{credentials: 'include'}",
            "InvalidAllowCredentials",
            "",
        ),
        (
            debug(usual().credentials(false)),
            "{method: 'PUT', credentials: 'include'}",
            "PreflightInvalidAllowCredentials",
            "",
        ),
        (
            debug(CorsLayer::builder().origins(["*"])),
            "{credentials: 'include'}",
            "WildcardOriginNotAllowed",
            "",
        ),
    ];
    for (layer, init, error, names) in cases {
        let seen = ask(layer, &format!("return ask(api + '/hello', {init})"));
        assert_blocked(&seen, error, names);
    }
}

fn usual_for(origin: &str) -> CorsLayerBuilder {
    CorsLayer::builder().origins([origin]).methods(["PUT"])
}

/// Any header but `authorization`, as it says in the standard. Chromium itself is laxer.
fn any() -> CorsLayerBuilder {
    CorsLayer::builder().origins([page()]).include(["*"]).credentials(true)
}

/// Without debug mode a page learns nothing of what would be allowed.
#[test]
fn without_debug_mode_the_console_names_a_symptom() {
    for init in ["{method: 'DELETE'}", "{headers: {'x-z': '1'}}"] {
        let seen = ask(usual(), &format!("return ask(api + '/hello', {init})"));
        assert_blocked(&seen, "PreflightMissingAllowOriginHeader", "");
    }
}
