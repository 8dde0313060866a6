//! The payments service as pages in browsers meet it.

mod support;

use support::{QUOTA_EXCEEDED, RENT, Reply, Request, Service};

const APP: &str = "https://app.example.com";
const ORIGINS: &str = "https://app.example.com, https://*.preview.example.com";

fn preflight(origin: &str, headers: &str) -> Request {
    let asked = Request::new("OPTIONS", "/v1/transfers")
        .header("origin", origin)
        .header("access-control-request-method", "POST");
    if headers.is_empty() { asked } else { asked.header("access-control-request-headers", headers) }
}

/// What a page of this origin sends.
fn page(origin: &str) -> Request {
    Request::get("/v1/account").account("alice").header("origin", origin)
}

fn may_be_read_by(reply: &Reply, origin: &str) -> bool {
    let told: Vec<_> = reply.lines("access-control-allow-origin").collect();
    told == [origin]
}

#[tokio::test]
async fn pages_of_this_machine_are_allowed_unless_others_are_named() {
    let service = Service::start();
    for origin in ["http://localhost", "http://localhost:5173", "http://127.0.0.1:8080"] {
        let reply = service.ask(&page(origin)).await;
        assert!(may_be_read_by(&reply, origin), "{origin}");
        assert_eq!(service.ask(&preflight(origin, "")).await.status, 204, "{origin}");
    }
    for origin in [APP, "https://localhost:5173", "http://localhost.example.com", "null"] {
        let reply = service.ask(&page(origin)).await;
        assert_eq!(reply.status, 200, "it runs; the browser keeps the answer from the page");
        assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
        assert_eq!(service.ask(&preflight(origin, "")).await.status, 403, "{origin}");
    }
}

#[tokio::test]
async fn the_origins_that_are_named_are_allowed_and_no_others() {
    let service = Service::with(&[("ALLOWED_ORIGINS", ORIGINS)]);
    for origin in [APP, "https://pr-7.preview.example.com"] {
        assert!(may_be_read_by(&service.ask(&preflight(origin, "")).await, origin), "{origin}");
    }
    for origin in ["http://localhost:5173", "https://preview.example.com", "https://example.com"] {
        assert_eq!(service.ask(&preflight(origin, "")).await.status, 403, "{origin}");
    }
}

#[tokio::test]
async fn a_star_allows_every_page() {
    let service = Service::with(&[("ALLOWED_ORIGINS", "*")]);
    assert!(may_be_read_by(&service.ask(&preflight("https://x.example", "")).await, "*"));
}

#[tokio::test]
async fn a_page_may_send_what_the_layers_read_and_see_what_they_say() {
    let service = Service::with(&[("ALLOWED_ORIGINS", ORIGINS)]);
    let asked = preflight(APP, "authorization,content-type,idempotency-key");
    let reply = service.ask(&asked).await;
    assert_eq!((reply.status, &*reply.body), (204, ""));
    assert_eq!(reply.header("access-control-max-age"), Some("600"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    let others = service.ask(&preflight(APP, "authorization,x-secret")).await;
    assert_eq!((others.status, others.header("access-control-allow-headers")), (403, None));

    let paid = service.ask(&Request::transfer(RENT).key("rent").header("origin", APP)).await;
    assert_eq!(paid.status, 201);
    let exposed = paid.header("access-control-expose-headers").expect("some are exposed");
    for name in ["retry-after", "idempotent-replayed", "ratelimit", "ratelimit-policy"] {
        assert!(exposed.split(',').any(|exposed| exposed == name), "{name} of {exposed}");
    }
}

/// A page that cannot read a refusal sees a network error.
#[tokio::test]
async fn refusals_of_every_layer_can_be_read() {
    let service = Service::with(&[("ALLOWED_ORIGINS", ORIGINS), ("RATE_LIMIT", "3/h")]);
    let stranger = || Request::get("/v1/account").header("origin", APP);
    let unauthenticated = service.ask(&stranger()).await;
    let crashed = service
        .ask(&Request::transfer(RENT).header("origin", APP).header("x-demo-crash", "after"))
        .await;
    let large = service
        .ask(&Request::transfer(&"x".repeat(20_000)).key("large").header("origin", APP))
        .await;
    let malformed = service.ask(&Request::transfer(RENT).key("a b, c").header("origin", APP)).await;
    let limited = service.ask(&Request::transfer(RENT).header("origin", APP)).await;
    for (reply, status) in [
        (&unauthenticated, 401),
        (&crashed, 500),
        (&large, 413),
        (&malformed, 400),
        (&limited, 429),
    ] {
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(may_be_read_by(reply, APP), "{reply:?}");
        assert_eq!(reply.header("vary"), Some("origin"), "{reply:?}");
    }
    limited.assert_problem(429, QUOTA_EXCEEDED);
}

#[tokio::test]
async fn who_is_denied_is_told_why_only_in_debug_mode() {
    let quiet = Service::with(&[("ALLOWED_ORIGINS", ORIGINS)]);
    let reply = quiet.ask(&preflight("http://app.example.com", "")).await;
    assert_eq!((reply.status, reply.header("x-cors-reason")), (403, None));
    assert_eq!(reply.header("access-control-allow-origin"), None);

    let debug = [("ALLOWED_ORIGINS", ORIGINS), ("CORS_DEBUG", "1")];
    let talkative = Service::with(&debug);
    let reply = talkative.ask(&preflight("http://app.example.com", "")).await;
    let reason = reply.header("x-cors-reason").expect("a reason");
    assert!(reason.starts_with("origin-not-allowed") && reason.contains(APP), "{reason}");
    assert!(!may_be_read_by(&reply, "http://app.example.com"));
    let (_, _, errors) = {
        talkative.terminate();
        talkative.ended().await
    };
    assert!(errors.contains("debug"), "it is warned of: {errors}");
}
