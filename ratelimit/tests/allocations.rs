//! Allocations, counted exactly, without a runtime.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::Empty;
use stonework_ratelimit::{
    Concurrency, Headers, Policy, RateLimitLayer, RateLimitLayerBuilder, RateLimitService,
};
use tower::util::ServiceFn;
use tower::{Layer, Service, service_fn};

type Body = Empty<Bytes>;
type Answer = Ready<Result<Response<Body>, Infallible>>;
type Inner = ServiceFn<fn(Request<Body>) -> Answer>;

fn inner() -> Inner {
    service_fn(|_| ready(Ok(Response::new(Empty::new()))))
}

fn hourly(name: &str) -> Policy {
    Policy::new(name).rate(1).per(Duration::from_secs(3600)).burst(1_000).key_header("x-key")
}

fn builder() -> RateLimitLayerBuilder {
    RateLimitLayer::builder().policy(hourly("a"))
}

fn service(builder: RateLimitLayerBuilder) -> RateLimitService<Inner> {
    builder.build().unwrap().layer(inner())
}

fn request() -> Request<Body> {
    Request::get("/").header("x-key", "0123456789abcdef").body(Body::new()).unwrap()
}

/// Calls the service without a runtime; it must be ready at once.
fn call<S>(service: &mut S, request: Request<Body>) -> S::Response
where
    S: Service<Request<Body>, Error = Infallible>,
{
    let mut future = pin!(service.call(request));
    let mut cx = Context::from_waker(Waker::noop());
    match future.as_mut().poll(&mut cx) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("not ready"),
    }
}

/// What this request allocates when one before it has made its bucket.
fn allocations<S>(service: &mut S, request: impl Fn() -> Request<Body>) -> u64
where
    S: Service<Request<Body>, Error = Infallible>,
{
    drop(call(service, request()));
    let mut request = Some(request());
    measure(|| drop(call(service, request.take().unwrap()))).count_total
}

#[test]
fn what_does_not_concern_the_layer_allocates_nothing() {
    let skipping = || {
        let only_post = hourly("b").only(|head| head.method == Method::POST);
        let policies = RateLimitLayer::builder().policy(only_post);
        policies.skip_paths(["/health"]).skip_when(|head| head.headers.contains_key("x-internal"))
    };
    assert_eq!(allocations(&mut service(skipping()), request), 0, "no policy concerns it");
    let mut skipping = service(skipping().policy(hourly("a")));
    let health = || Request::get("/health").body(Body::new()).unwrap();
    assert_eq!(allocations(&mut skipping, health), 0, "a path");
    let internal = || Request::get("/").header("x-internal", "1").body(Body::new()).unwrap();
    assert_eq!(allocations(&mut skipping, internal), 0, "a closure");
    let preflight = || {
        let request = Request::options("/").header("origin", "https://example.com");
        request.header("access-control-request-method", "PUT").body(Body::new()).unwrap()
    };
    assert_eq!(allocations(&mut skipping, preflight), 0, "a preflight");
}

#[test]
fn who_is_granted_and_told_nothing_costs_no_allocation() {
    let silent = || builder().headers(Headers::None).extensions(false);
    assert_eq!(allocations(&mut service(silent()), request), 0);
    assert_eq!(allocations(&mut service(silent().policy(hourly("b"))), request), 0, "two policies");
    let shadow = silent().policy(hourly("b").shadow(true));
    assert_eq!(allocations(&mut service(shadow), request), 0, "one of them in shadow");
}

/// Two headers, made beforehand: what a response's own map allocates for them.
fn two_headers() -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible> {
    const NAMES: [HeaderName; 2] =
        [HeaderName::from_static("ratelimit-policy"), HeaderName::from_static("ratelimit")];
    service_fn(|request: Request<Body>| {
        drop(request);
        let mut response = Response::new(Empty::new());
        for name in NAMES {
            response.headers_mut().insert(name, HeaderValue::from_static("\"a\""));
        }
        ready(Ok(response))
    })
}

#[test]
fn headers_cost_one_allocation_and_their_places() {
    let places = allocations(&mut two_headers(), request);
    let told = builder().extensions(false);
    assert_eq!(allocations(&mut service(told), request), places + 1, "the value of RateLimit");
    let two = allocations(&mut service(builder().extensions(false).policy(hourly("b"))), request);
    assert!(two <= places + 2, "{two}: for two policies one more");
}

#[test]
fn a_request_that_is_counted_while_it_is_under_way_costs_what_it_holds() {
    let gate = Concurrency::new("c").at_most(1).key_header("x-key");
    let mut held = service(RateLimitLayer::builder().concurrency(gate));
    let held = allocations(&mut held, request);
    assert!(held <= 2, "{held}: the permits, and the box that holds them");
}

#[test]
fn a_decision_that_is_left_costs_a_little_more() {
    let silent = builder().headers(Headers::None);
    let extensions = allocations(&mut service(silent), request);
    assert!(extensions <= 8, "{extensions}: the decision, and two maps of extensions");
}

#[test]
fn a_denial_is_not_dear() {
    let mut exhausted = service(builder().policy(hourly("one").burst(1)));
    let denial = allocations(&mut exhausted, request);
    assert!(denial <= 19, "{denial}");
}

#[test]
fn a_clone_allocates_nothing() {
    let layer = builder().policy(hourly("b")).policy(hourly("c")).build().unwrap();
    assert_eq!(measure(|| drop(layer.clone())).count_total, 0);
    let service = layer.layer(inner());
    assert_eq!(measure(|| drop(service.clone())).count_total, 0);
}
