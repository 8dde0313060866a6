//! Allocations, counted exactly, without a runtime.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod support;

use allocation_counter::measure;
use http::Request;
use stonework_cors::{CorsLayer, CorsLayerBuilder, Handle, Policy, RequestHead};
use support::call::{APP, Body, EVIL, call, from, preflight, service, usual, with};
use tower::{Layer, Service};

/// What a request allocates beyond what the same costs without the layer.
fn added(builder: CorsLayerBuilder, request: impl Fn() -> Request<Body>) -> i64 {
    let mut bare = support::call::inner();
    let mut layered = service(builder);
    let count = |call: &mut dyn FnMut(Request<Body>)| {
        call(request());
        let request = request();
        let mut request = Some(request);
        measure(|| call(request.take().unwrap())).count_total
    };
    let floor = count(&mut |request| drop(call(&mut bare, request)));
    let ours = count(&mut |request| drop(call(&mut layered, request)));
    ours as i64 - floor as i64
}

/// What it allocates in all, where the service is not reached.
fn total(builder: CorsLayerBuilder, request: impl Fn() -> Request<Body>) -> u64 {
    let mut layered = service(builder);
    drop(call(&mut layered, request()));
    let mut request = Some(request());
    measure(|| drop(call(&mut layered, request.take().unwrap()))).count_total
}

fn many() -> CorsLayerBuilder {
    usual().origins((0..10_000).map(|n| format!("https://{n}.example.org")))
}

fn patterns() -> CorsLayerBuilder {
    usual().origins((0..1_000).map(|n| format!("https://*.{n}.example.org")))
}

#[test]
fn actual_requests_cost_no_allocation() {
    for builder in [usual, many, patterns] {
        assert_eq!(added(builder(), || with(http::Method::GET, &[])), 0, "no origin");
        assert_eq!(added(builder(), || from(APP)), 0, "allowed");
        assert_eq!(added(builder(), || from(EVIL)), 0, "denied");
        assert_eq!(added(builder(), || from("null")), 0, "null");
        assert_eq!(added(builder(), || from(&"x".repeat(100_000))), 0, "junk");
    }
    assert_eq!(added(patterns(), || from("https://a.b.7.example.org")), 0, "by a pattern");
    let public = || CorsLayer::builder().origins(["*"]).expose(["*"]);
    assert_eq!(added(public(), || with(http::Method::GET, &[])), 0);
    assert_eq!(added(public(), || from(APP)), 0);
}

#[test]
fn a_policy_that_is_resolved_costs_no_allocation_either() {
    let policy = Policy::builder().origins([APP]).credentials(true).build().unwrap();
    let handle = Handle::new(policy.clone());
    let by_handle = || CorsLayer::builder().policies(handle.clone());
    let by_closure = || {
        let policy = policy.clone();
        CorsLayer::builder().policies(move |_: &RequestHead<'_>| Some(policy.clone()))
    };
    for origin in [APP, EVIL] {
        assert_eq!(added(by_handle(), || from(origin)), 0);
        assert_eq!(added(by_closure(), || from(origin)), 0);
    }
}

#[test]
fn a_preflight_costs_two_allocations_or_none() {
    let asked = |origin| move || preflight(origin, "PUT", "authorization,content-type");
    for builder in [usual, many] {
        let builder = || builder().max_age(std::time::Duration::from_secs(600));
        assert_eq!(total(builder(), asked(APP)), 2, "the two of a map of headers");
        assert_eq!(total(builder(), asked(EVIL)), 0);
        assert_eq!(total(builder(), || preflight(APP, "PATCH", "x-a")), 0);
        assert_eq!(total(builder(), || preflight(APP, "PUT", "x-z")), 0);
        assert_eq!(total(builder(), || preflight(APP, "PUT", &"x-a,".repeat(250_000))), 0);
    }
    let any = || usual().origins(["https://*.example.com"]);
    assert_eq!(total(any(), asked("https://a.example.com")), 2);
}

#[test]
fn methods_and_headers_are_echoed_without_a_copy() {
    let echoing =
        || CorsLayer::builder().origins([APP]).methods(["*"]).include(["*"]).credentials(true);
    assert_eq!(total(echoing(), || preflight(APP, "PURGE", "x-a,x-b")), 2);
}

#[test]
fn a_clone_costs_what_the_inner_one_does() {
    let service = many().build().unwrap().layer(support::call::inner());
    assert_eq!(measure(|| drop(service.clone())).count_total, 0);
    let layer = many().build().unwrap();
    assert_eq!(measure(|| drop(layer.clone())).count_total, 0);
    fn is_service<S: Service<Request<Body>>>(_: &S) {}
    is_service(&service);
}

/// On axum, beside a router that does as much with a layer that does nothing: `Router::layer` boxes, and so
/// does `fallback_service`.
#[cfg(feature = "axum-0-8")]
#[test]
fn around_an_axum_router_it_costs_no_more_than_a_layer_that_does_nothing() {
    use axum::Router;
    use axum::routing::get;

    let routes = || Router::new().route("/", get(async || "hello"));
    let cors = usual().build().unwrap();
    let mut around = cors.around(routes());
    let mut beside = Router::new().fallback_service(routes());
    for origin in [APP, EVIL] {
        let request = || from(origin).map(axum::body::Body::new);
        let count = |router: &mut Router| {
            drop(call_router(router, request()));
            let mut request = Some(request());
            measure(|| drop(call_router(router, request.take().unwrap()))).count_total
        };
        assert_eq!(count(&mut around), count(&mut beside), "{origin}");
    }
}

#[cfg(feature = "axum-0-8")]
fn call_router(
    router: &mut axum::Router,
    request: Request<axum::body::Body>,
) -> axum::response::Response {
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    let mut future = std::pin::pin!(router.call(request));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("not ready"),
    }
}
