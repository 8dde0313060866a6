//! The traps of the research, each as a case: mistakes that layers of other makes, or ours before
//! it was written, would be caught in.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod support;

use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use stonework_cors::{
    CorsLayer, Decision, NotExecuted, Policy, PolicyResolver, Reason, RequestHead, StoreError,
    StoreFuture,
};
use support::call::{
    APP, Body, EVIL, all, answer, call, from, preflight, service, told, usual, with,
};
use tower::{Layer, ServiceExt, service_fn};

const ALLOWED: [&str; 4] = [
    "access-control-allow-credentials: true",
    "access-control-allow-origin: https://app.example.com",
    "access-control-expose-headers: x-b,x-c",
    "vary: origin",
];

fn reached(headers: &HeaderMap) -> bool {
    headers.contains_key("x-reached")
}

/// 1. Any `OPTIONS` was swallowed, and told the whole policy.
#[test]
fn options_that_are_no_preflight_reach_the_service() {
    for lines in [
        &[][..],
        &[("origin", APP)],
        &[("access-control-request-method", "PUT")],
        &[("origin", APP), ("access-control-request-headers", "x-a")],
    ] {
        let (status, headers) = answer(usual(), with(Method::OPTIONS, lines));
        assert_eq!(status, 200);
        assert!(reached(&headers), "{lines:?}");
        assert!(!headers.contains_key("access-control-allow-methods"));
    }
    let (status, headers) = answer(usual(), preflight(APP, "PUT", "x-a"));
    assert_eq!(status, 204);
    assert!(!reached(&headers));
}

/// 1b. Nor is any other method a preflight.
#[test]
fn only_options_is_a_preflight() {
    let lines = [("origin", APP), ("access-control-request-method", "PUT")];
    for method in [Method::GET, Method::POST, Method::HEAD, Method::from_bytes(b"options").unwrap()]
    {
        assert!(reached(&answer(usual(), with(method, &lines)).1));
    }
}

/// 2. A denied preflight got 200 and most of the policy.
#[test]
fn a_denied_preflight_is_403_and_tells_nothing() {
    for denied in [
        preflight(EVIL, "PUT", "x-a"),
        preflight(EVIL, "GET", ""),
        preflight(APP, "PATCH", "x-a"),
        preflight(APP, "put", ""),
        preflight(APP, "PUT", "x-z"),
        preflight("null", "PUT", ""),
    ] {
        let shown = format!("{:?}", denied.headers());
        let (status, headers) = answer(usual().max_age(Duration::from_secs(60)), denied);
        assert_eq!((status, headers.len()), (403, 0), "{shown}");
    }
}

/// 3. Credentials were allowed on every response, whoever asked.
#[test]
fn nothing_is_allowed_to_who_is_denied_or_does_not_ask() {
    for request in
        [from(EVIL), with(Method::GET, &[]), from("null"), from("https://app.example.com/")]
    {
        let (status, headers) = answer(usual(), request);
        assert_eq!(status, 200, "it runs all the same");
        assert_eq!(told(&headers), ["vary: origin"]);
    }
    assert_eq!(told(&answer(usual(), from(APP)).1), ALLOWED);
}

/// 4. A clone copied the list of origins. `allocations.rs` counts; here it is shared.
#[test]
fn clones_share_the_policy() {
    let layer = usual().build().unwrap();
    let mut services =
        [layer.layer(support::call::inner()), layer.clone().layer(support::call::inner())];
    for service in &mut services {
        call(service, from(EVIL));
    }
    let denials: Vec<_> = layer.denials().filter(|(_, count)| *count > 0).collect();
    assert_eq!(denials, [(Reason::OriginNotAllowed, 2)]);
}

/// A store that never answers, or not before it is told to.
struct Never;

impl PolicyResolver for Never {
    fn resolve(&self, _: &RequestHead<'_>) -> StoreFuture<Result<Option<Policy>, StoreError>> {
        StoreFuture::new(pending())
    }
}

/// 5. The service was called, and not polled before the store had answered.
#[tokio::test]
async fn the_service_runs_while_the_policy_is_found_out() {
    let (ask, answer) = tokio::sync::oneshot::channel::<()>();
    let (ask, answer) =
        (Arc::new(std::sync::Mutex::new(Some(ask))), Arc::new(std::sync::Mutex::new(Some(answer))));
    struct WhenReached(Arc<std::sync::Mutex<Option<tokio::sync::oneshot::Receiver<()>>>>);
    impl PolicyResolver for WhenReached {
        fn resolve(&self, _: &RequestHead<'_>) -> StoreFuture<Result<Option<Policy>, StoreError>> {
            let told = self.0.lock().unwrap().take().unwrap();
            StoreFuture::new(async move {
                told.await.unwrap();
                Ok(Some(Policy::builder().origins([APP]).build().unwrap()))
            })
        }
    }
    let cors = CorsLayer::builder().policies(WhenReached(answer)).build().unwrap();
    let inner = service_fn(move |_: Request<Body>| {
        let ask = ask.lock().unwrap().take().unwrap();
        async move {
            // Only when it is polled. The store waits for this, so one after the other would hang.
            tokio::task::yield_now().await;
            ask.send(()).unwrap();
            Ok::<_, Infallible>(Response::new(()))
        }
    });
    let response = cors.layer(inner).oneshot(from(APP)).await.unwrap();
    assert_eq!(all(response.headers(), "access-control-allow-origin"), APP);
}

/// 5b. An error of the service is not kept back until the store answers.
#[tokio::test]
async fn an_error_does_not_wait_for_the_policy() {
    let cors = CorsLayer::builder().policies(Never).build().unwrap();
    let inner = service_fn(|_: Request<Body>| ready(Err::<Response<()>, _>("broken")));
    assert_eq!(cors.layer(inner).oneshot(from(APP)).await.unwrap_err(), "broken");
}

/// 6. What the service said itself was overwritten or doubled.
#[test]
fn what_a_service_says_itself_is_replaced_and_never_doubled() {
    let says = |headers: &'static [(&'static str, &'static str)]| {
        service_fn(move |_: Request<Body>| {
            let mut response = Response::new(Body::new());
            for (name, value) in headers {
                response.headers_mut().append(*name, HeaderValue::from_static(value));
            }
            ready(Ok::<_, Infallible>(response))
        })
    };
    let loose = says(&[
        ("access-control-allow-origin", "*"),
        ("access-control-allow-origin", "https://other.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-own"),
    ]);
    let allowed = call(&mut usual().build().unwrap().layer(loose), from(APP));
    assert_eq!(all(allowed.headers(), "access-control-allow-origin"), APP);
    assert_eq!(all(allowed.headers(), "access-control-expose-headers"), "x-own | x-b,x-c");
    let denied = call(&mut usual().build().unwrap().layer(loose), from(EVIL));
    assert_eq!(all(denied.headers(), "access-control-allow-origin"), "", "denied is denied");
    let without = CorsLayer::builder().origins([APP]).build().unwrap();
    let allowed = call(&mut without.layer(loose), from(APP));
    assert_eq!(all(allowed.headers(), "access-control-allow-credentials"), "");
    // Two layers, of which the outer one decides.
    let twice = usual()
        .build()
        .unwrap()
        .layer(CorsLayer::builder().origins(["*"]).build().unwrap().layer(support::call::inner()));
    let (mut allowed, mut denied) = (twice.clone(), twice);
    assert_eq!(all(call(&mut allowed, from(APP)).headers(), "access-control-allow-origin"), APP);
    assert_eq!(all(call(&mut denied, from(EVIL)).headers(), "access-control-allow-origin"), "");
}

/// 7. An origin that no browser would send was taken, and never matched.
#[test]
fn what_would_never_match_is_an_error_with_its_fix() {
    for (wrong, right) in [
        ("https://app.example.com/", "https://app.example.com"),
        ("https://App.Example.com", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("https://app.example.com/login", "https://app.example.com"),
        ("app.example.com", "https://app.example.com"),
    ] {
        let error = CorsLayer::builder().origins([wrong]).build().unwrap_err().to_string();
        assert!(
            error.contains(&format!("{wrong:?}")) && error.ends_with(&format!("write {right:?}")),
            "{error}"
        );
        assert!(CorsLayer::builder().origins([right]).build().is_ok());
    }
}

/// 8. The end of a name was compared, without its scheme, its port and its dot.
#[test]
fn a_wildcard_keeps_to_scheme_port_and_label() {
    let below = || CorsLayer::builder().origins(["https://*.example.com"]);
    let allows =
        |origin| answer(below(), from(origin)).1.contains_key("access-control-allow-origin");
    assert!(allows("https://a.example.com") && allows("https://a.b.example.com"));
    for origin in [
        "https://example.com",
        "https://evilexample.com",
        "http://a.example.com",
        "https://a.example.com:8443",
        "https://a.example.com.evil.org",
        "https://.example.com",
        "https://*.example.com",
        "https://a.example.com/",
    ] {
        assert!(!allows(origin), "{origin}");
    }
}

/// 9. Patterns that let in anybody, or nobody.
#[test]
fn patterns_that_let_anybody_in_are_refused_where_it_matters() {
    let with_credentials = |origin: &str| CorsLayer::builder().origins([origin]).credentials(true);
    for origin in ["https://*.github.io", "https://*.co.uk", "https://*.com"] {
        let error = with_credentials(origin).build().unwrap_err().to_string();
        assert!(error.contains("anybody can have a name below"), "{error}");
        assert!(with_credentials(origin).danger_public_suffixes().build().is_ok());
        let layer = CorsLayer::builder().origins([origin]).build().unwrap();
        assert_eq!(layer.warnings().len(), 1);
        assert!(CorsLayer::builder().origins([origin]).deny_warnings().build().is_err());
    }
    for origin in
        ["https://*", "https://*.127.0.0.1", "file:///x", "null", "https://münchen.example"]
    {
        assert!(CorsLayer::builder().origins([origin]).build().is_err(), "{origin}");
    }
    for origin in
        ["capacitor://localhost", "tauri://localhost", "chrome-extension://abcdefghijklmnop"]
    {
        let layer = with_credentials(origin);
        assert!(answer(layer, from(origin)).1.contains_key("access-control-allow-origin"));
    }
}

/// 10. Whoever is on the network can be an `http` origin.
#[test]
fn http_with_credentials_is_refused_but_for_this_machine() {
    let with_credentials = |origin: &str| CorsLayer::builder().origins([origin]).credentials(true);
    let error = with_credentials("http://app.example.com").build().unwrap_err();
    assert!(error.to_string().contains("danger_insecure_origins"));
    assert!(with_credentials("http://app.example.com").danger_insecure_origins().build().is_ok());
    assert!(CorsLayer::builder().origins(["http://app.example.com"]).build().is_ok());
    for origin in
        ["http://localhost:3000", "http://app.localhost", "http://127.0.0.1:*", "http://[::1]"]
    {
        assert!(with_credentials(origin).build().is_ok(), "{origin}");
    }
}

/// 11. Megabytes of header names, padded, split and out of order. `request_headers.rs` has more.
#[test]
fn requested_headers_are_read_as_proxies_send_them() {
    for headers in ["authorization,content-type", "x-a, authorization", "X-A", "x-a,x-a", ""] {
        assert_eq!(answer(usual(), preflight(APP, "PUT", headers)).0, 204, "{headers:?}");
    }
    let mut split = preflight(APP, "PUT", "x-a");
    split
        .headers_mut()
        .append("access-control-request-headers", HeaderValue::from_static("authorization"));
    assert_eq!(answer(usual(), split).0, 204);
    for junk in ["x-a,".repeat(250_000), " ".repeat(1_000_000), "x".repeat(1_000_000)] {
        assert_eq!(answer(usual(), preflight(APP, "PUT", &junk)).0, 403);
    }
}

/// 12. Of two origins, one was believed.
#[test]
fn what_is_there_twice_is_not_allowed() {
    let twice = [("origin", APP), ("origin", APP)];
    let (status, headers) = answer(usual(), with(Method::GET, &twice));
    assert_eq!((status, told(&headers)), (200, vec!["vary: origin".to_owned()]));
    let asked = ("access-control-request-method", "PUT");
    assert_eq!(answer(usual(), with(Method::OPTIONS, &[twice[0], twice[1], asked])).0, 403);
    assert_eq!(answer(usual(), with(Method::OPTIONS, &[twice[0], asked, asked])).0, 403);
}

/// 13. What one response was told changed the next.
#[test]
fn a_response_that_is_changed_changes_no_other() {
    let mut service = service(usual());
    for _ in 0..2 {
        let mut response = call(&mut service, from(APP));
        assert_eq!(told(response.headers()), ALLOWED);
        for value in response.headers_mut().values_mut() {
            *value = HeaderValue::from_static("changed");
        }
        let mut response = call(&mut service, preflight(APP, "PUT", "x-a"));
        assert_eq!(all(response.headers(), "access-control-allow-methods"), "PUT,DELETE");
        response.headers_mut().clear();
    }
}

/// 14. A request was refused because its page may not read the response.
#[test]
fn actual_requests_run_unless_it_is_asked_that_they_do_not() {
    for method in [Method::GET, Method::POST, Method::DELETE] {
        assert!(reached(&answer(usual(), with(method, &[("origin", EVIL)])).1));
    }
    let strict = || usual().reject_actual(true);
    let response = call(&mut service(strict()), from(EVIL));
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(told(response.headers()), ["vary: origin"]);
    assert_eq!(all(response.headers(), "content-type"), "application/problem+json");
    assert!(response.extensions().get::<NotExecuted>().is_some());
    assert_eq!(response.extensions().get::<Reason>(), Some(&Reason::OriginNotAllowed));
    for passes in [
        from(APP),
        with(Method::POST, &[]),
        with(
            Method::POST,
            &[("origin", "https://api.example.com"), ("sec-fetch-site", "same-origin")],
        ),
    ] {
        assert!(reached(&answer(strict(), passes).1));
    }
    let other = with(Method::POST, &[("origin", EVIL), ("sec-fetch-site", "cross-site")]);
    assert_eq!(answer(strict(), other).0, 403);
}

/// 15. Bodies, trailers and errors are none of its business.
#[tokio::test]
async fn bodies_trailers_and_errors_pass_untouched() {
    let inner = service_fn(|_: Request<Body>| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let frames = [
            http_body::Frame::data(Bytes::from_static(b"ab")),
            http_body::Frame::trailers(trailers),
        ];
        let frames = frames.map(Ok::<_, Infallible>);
        ready(Ok::<_, Infallible>(Response::new(StreamBody::new(tokio_stream::iter(frames)))))
    });
    let response = usual().build().unwrap().layer(inner).oneshot(from(APP)).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(collected.to_bytes(), "ab");
    let broken = service_fn(|_: Request<Body>| ready(Err::<Response<()>, _>("broken")));
    let error = usual().build().unwrap().layer(broken).oneshot(from(APP)).await.unwrap_err();
    assert_eq!(error, "broken");
}

/// 16. `Vary` was overwritten, doubled, or sent where nothing varies.
#[test]
fn vary_is_added_where_it_is_needed_and_not_there() {
    for (inside, outside) in [
        (&[][..], "origin"),
        (&["accept-encoding"], "accept-encoding | origin"),
        (&["Accept, Origin"], "Accept, Origin"),
        (&["accept", "ORIGIN"], "accept | ORIGIN"),
        (&["*"], "*"),
        (&["x-origin"], "x-origin | origin"),
    ] {
        let inner = service_fn(move |_: Request<Body>| {
            let mut response = Response::new(Body::new());
            for value in inside {
                response.headers_mut().append("vary", HeaderValue::from_static(value));
            }
            ready(Ok::<_, Infallible>(response))
        });
        for request in [from(APP), from(EVIL), with(Method::GET, &[])] {
            let response = call(&mut usual().build().unwrap().layer(inner), request);
            assert_eq!(all(response.headers(), "vary"), outside);
        }
    }
    let public = || CorsLayer::builder().origins(["*"]).expose(["*"]);
    for request in [from(EVIL), with(Method::GET, &[]), from("null")] {
        assert_eq!(
            told(&answer(public(), request).1),
            ["access-control-allow-origin: *", "access-control-expose-headers: *"],
            "one answer for all"
        );
    }
}

/// 17. The status of an allowed preflight.
#[test]
fn a_preflight_is_204_or_what_was_said() {
    assert_eq!(answer(usual(), preflight(APP, "PUT", "")).0, 204);
    let ok = usual().preflight_status(StatusCode::OK);
    assert_eq!(answer(ok, preflight(APP, "PUT", "")).0, 200);
    for status in [StatusCode::CONTINUE, StatusCode::FOUND, StatusCode::FORBIDDEN] {
        assert!(usual().preflight_status(status).build().is_err());
    }
}

/// 18. A preflight for a path that has no route. `stacks.rs` has it in axum.
#[test]
fn a_preflight_does_not_reach_the_router() {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let inner = service_fn(move |_: Request<Body>| {
        counting.fetch_add(1, Ordering::SeqCst);
        ready(Ok::<_, Infallible>(Response::new(Body::new())))
    });
    let mut service = usual().build().unwrap().layer(inner);
    assert_eq!(call(&mut service, preflight(APP, "PUT", "")).status(), 204);
    assert_eq!(call(&mut service, preflight(EVIL, "PUT", "")).status(), 403);
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

/// 19. No `max-age` is not zero.
#[test]
fn max_age_is_told_only_if_it_was_said() {
    let age = |age: Option<u64>| {
        let builder = match age {
            Some(age) => usual().max_age(Duration::from_secs(age)),
            None => usual(),
        };
        all(&answer(builder, preflight(APP, "PUT", "")).1, "access-control-max-age")
    };
    assert_eq!([age(None), age(Some(0)), age(Some(86_400))], ["", "0", "86400"]);
    assert!(usual().max_age(Duration::from_secs(86_401)).build().is_err());
    assert!(usual().max_age(Duration::from_millis(1500)).build().is_err());
}

/// 20. Any origin with credentials was mirrored.
#[test]
fn any_origin_with_credentials_is_an_error_and_never_a_mirror() {
    let error = CorsLayer::builder().origins(["*"]).credentials(true).build().unwrap_err();
    assert!(error.to_string().contains("would let every page act with the user's credentials"));
    let (_, headers) = answer(CorsLayer::builder().origins(["*"]), from(EVIL));
    assert_eq!(all(&headers, "access-control-allow-origin"), "*");
}

/// All that is wrong is told at once.
#[test]
fn every_mistake_is_told_at_once() {
    let errors = CorsLayer::builder()
        .origins(["https://a.example/", "*", "http://b.example"])
        .methods(["TRACE", "get"])
        .include(["cookie", "*", "x-a"])
        .expose(["*", "set-cookie"])
        .credentials(true)
        .danger_null_origin()
        .max_age(Duration::from_secs(1_000_000))
        .build()
        .unwrap_err();
    let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
    for setting in ["origins", "methods", "include", "expose", "max_age"] {
        assert!(settings.contains(&setting), "{setting} of {settings:?}");
    }
    assert!(settings.len() >= 11, "{errors}");
}

/// The decision is left for outer layers and told to the hook.
#[test]
fn decisions_are_left_and_told() {
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    let builder = usual()
        .extensions(true)
        .on_decision(move |decision| hearing.lock().unwrap().push(decision.clone()));
    let mut service = service(builder);
    let mut decide =
        |request| call(&mut service, request).extensions().get::<Decision>().cloned().unwrap();
    assert_eq!(decide(with(Method::GET, &[])), Decision::NotCors);
    assert!(matches!(decide(from(APP)), Decision::Allowed { preflight: false, .. }));
    assert!(matches!(decide(preflight(APP, "PUT", "")), Decision::Allowed { preflight: true, .. }));
    let shown = |decision: Decision| match decision {
        Decision::Denied(denial) => denial.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(
        shown(decide(from("http://app.example.com"))),
        r#"origin-not-allowed; is="http://app.example.com"; nearest="https://app.example.com""#
    );
    assert_eq!(
        shown(decide(preflight(APP, "put", ""))),
        r#"method-not-allowed; is="put"; nearest="PUT""#
    );
    assert_eq!(
        shown(decide(preflight(APP, "PUT", "x-a,x-z\"\t"))),
        r#"header-not-allowed; is="x-z\"""#
    );
    assert_eq!(heard.lock().unwrap().len(), 6);
}

/// Who turns it on is told the cause in the browser, as far as it is allowed to go.
#[test]
fn debug_answers_as_far_as_it_is_allowed() {
    let debug = || usual().debug(true).max_age(Duration::from_secs(60));
    let (status, headers) = answer(debug(), preflight("http://app.example.com", "PUT", ""));
    assert_eq!(status, 204);
    assert_eq!(
        told(&headers),
        [
            "access-control-allow-origin: https://app.example.com",
            r#"x-cors-reason: origin-not-allowed; is="http://app.example.com"; nearest="https://app.example.com""#,
        ]
    );
    let (status, headers) = answer(debug(), preflight(APP, "PATCH", ""));
    assert_eq!(status, 204);
    assert_eq!(
        told(&headers),
        [
            "access-control-allow-credentials: true",
            "access-control-allow-headers: authorization,content-type,x-a",
            "access-control-allow-methods: PUT,DELETE",
            "access-control-allow-origin: https://app.example.com",
            r#"x-cors-reason: method-not-allowed; is="PATCH""#,
        ]
    );
    let (_, headers) = answer(debug(), from("http://app.example.com"));
    assert_eq!(all(&headers, "access-control-allow-origin"), APP, "another than asks");
    let (_, headers) = answer(debug(), from(APP));
    assert_eq!(told(&headers), ALLOWED);
    let some = usual().debug_when(|head: &RequestHead<'_>| head.uri.path() == "/debug");
    assert_eq!(answer(some, preflight(EVIL, "PUT", "")).0, 403);
}

/// A resolver that answers later, and what it is asked meanwhile.
#[derive(Clone)]
struct Later(Policy);

impl PolicyResolver for Later {
    fn resolve(&self, _: &RequestHead<'_>) -> StoreFuture<Result<Option<Policy>, StoreError>> {
        let policy = self.0.clone();
        StoreFuture::new(async move {
            tokio::task::yield_now().await;
            Ok(Some(policy))
        })
    }
}

/// A service that says whether it ran, and has to be found ready before it is called.
#[derive(Clone, Default)]
struct Careful {
    ran: Arc<AtomicUsize>,
    is_ready: bool,
}

impl tower::Service<Request<Body>> for Careful {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        self.is_ready = true;
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "it was called, and not found ready before");
        self.ran.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new(Body::new())))
    }
}

/// What may not run waits for the policy; and the very service that was found ready is called then.
#[tokio::test]
async fn what_is_refused_does_not_run_while_the_policy_is_found_out() {
    let later = Later(Policy::builder().origins([APP]).build().unwrap());
    let strict = CorsLayer::builder().policies(later.clone()).reject_actual(true).build().unwrap();
    let careful = Careful::default();
    let service = strict.layer(careful.clone());
    let refused = service.clone().oneshot(from(EVIL)).await.unwrap();
    assert_eq!((refused.status(), careful.ran.load(Ordering::SeqCst)), (StatusCode::FORBIDDEN, 0));
    let allowed = service.clone().oneshot(from(APP)).await.unwrap();
    assert_eq!((allowed.status(), careful.ran.load(Ordering::SeqCst)), (StatusCode::OK, 1));
    let asked = service.clone().oneshot(preflight(APP, "PUT", "")).await.unwrap();
    assert_eq!((asked.status(), careful.ran.load(Ordering::SeqCst)), (StatusCode::FORBIDDEN, 1));
    let lenient = CorsLayer::builder().policies(later).build().unwrap();
    let ran = lenient.layer(careful.clone()).oneshot(from(EVIL)).await.unwrap();
    assert_eq!((ran.status(), careful.ran.load(Ordering::SeqCst)), (StatusCode::OK, 2));
}

/// Who asks for no permission does not wait for one.
#[tokio::test]
async fn a_request_without_origin_does_not_wait_for_the_policy() {
    for strict in [false, true] {
        let cors = CorsLayer::builder().policies(Never).reject_actual(strict).build().unwrap();
        let response =
            cors.layer(support::call::inner()).oneshot(with(Method::GET, &[])).await.unwrap();
        assert!(reached(response.headers()));
        assert_eq!(all(response.headers(), "vary"), "origin");
    }
}

/// A neighbour is not of the same origin, and what is said twice is not believed.
#[test]
fn only_the_same_origin_needs_no_permission() {
    let strict = || usual().reject_actual(true);
    for (sites, status) in [
        (&["same-origin"][..], 200),
        (&["same-site"], 403),
        (&["cross-site"], 403),
        (&["none"], 403),
        (&["Same-Origin"], 403),
        (&["same-origin", "cross-site"], 403),
        (&[], 403),
    ] {
        let lines: Vec<_> = [("origin", EVIL)]
            .into_iter()
            .chain(sites.iter().map(|site| ("sec-fetch-site", *site)))
            .collect();
        assert_eq!(answer(strict(), with(Method::POST, &lines)).0, status, "{sites:?}");
    }
    let nobody = || CorsLayer::builder().policies(|_: &RequestHead<'_>| None).reject_actual(true);
    let own = [("origin", EVIL), ("sec-fetch-site", "same-origin")];
    assert_eq!(answer(nobody(), with(Method::POST, &own)).0, 200);
    assert_eq!(answer(nobody(), from(EVIL)).0, 403);
}

/// A preflight tells a cache that keeps it against the rules what it depends on.
#[test]
fn an_allowed_preflight_says_what_it_depends_on() {
    let (_, headers) = answer(usual(), preflight(APP, "PUT", ""));
    let vary = "origin,access-control-request-method,access-control-request-headers";
    assert_eq!(all(&headers, "vary"), vary);
}

/// One answer for all, also for who sends two origins.
#[test]
fn a_policy_for_everybody_answers_all_alike() {
    let public = || CorsLayer::builder().origins(["*"]).reject_actual(true);
    let twice = with(Method::GET, &[("origin", APP), ("origin", EVIL)]);
    let (status, headers) = answer(public(), twice);
    assert_eq!((status, told(&headers)), (200, vec!["access-control-allow-origin: *".to_owned()]));
}

/// A response with no room for another header allows nothing that a cache could give to somebody else.
#[test]
fn a_response_that_is_full_is_not_allowed_to_anybody() {
    let full = |names: usize| {
        service_fn(move |_: Request<Body>| {
            let mut response = Response::new(Body::new());
            let headers = response.headers_mut();
            headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
            for n in 1..names {
                let name = http::HeaderName::try_from(format!("x-{n}")).unwrap();
                if headers.try_insert(name, HeaderValue::from_static("")).is_err() {
                    break;
                }
            }
            ready(Ok::<_, Infallible>(response))
        })
    };
    for origin in [APP, EVIL] {
        let response = call(&mut usual().build().unwrap().layer(full(100_000)), from(origin));
        assert_eq!(all(response.headers(), "access-control-allow-origin"), "", "{origin}");
    }
}

/// An outer layer knows the tenant, and leaves its policy.
#[test]
fn a_policy_can_come_from_the_extensions() {
    let by_extension = |head: &RequestHead<'_>| head.extensions.get::<Policy>().cloned();
    let mut service = service(CorsLayer::builder().policies(by_extension));
    let mut request = from(APP);
    request.extensions_mut().insert(Policy::builder().origins([APP]).build().unwrap());
    assert_eq!(all(call(&mut service, request).headers(), "access-control-allow-origin"), APP);
    assert_eq!(all(call(&mut service, from(APP)).headers(), "access-control-allow-origin"), "");
}

/// What was wrong is named, and not something else that was fine.
#[test]
fn a_denial_names_its_own_cause() {
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    let builder = usual().on_decision(move |decision| {
        if let Decision::Denied(denial) = decision {
            hearing.lock().unwrap().push(denial.to_string());
        }
    });
    let mut service = service(builder);
    call(&mut service, preflight(APP, "PUT", &",".repeat(1_000)));
    let asked = ("access-control-request-method", "PUT");
    call(&mut service, with(Method::OPTIONS, &[("origin", APP), asked, asked]));
    assert_eq!(*heard.lock().unwrap(), ["headers-too-many", "method-repeated"]);
}
