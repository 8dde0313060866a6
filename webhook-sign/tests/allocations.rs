//! Allocations, counted exactly.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use app::{Hand, NOW, SECRET, STANDARD_SECRET, signed_at, standard_request, standard_sender};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{Empty, Full};
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{self, Outgoing, SignScheme};
use stonework_webhook_sign::{RequestHead, StoneBody, VerifyLayer, VerifyService, sign, verify};
use tower::{Layer, Service, service_fn};

type Body = Full<Bytes>;
type Inner = fn(Request<StoneBody<Body>>) -> Ready<Result<Response<Empty<Bytes>>, Infallible>>;

fn service() -> VerifyService<tower::util::ServiceFn<Inner>> {
    let inner: Inner = |_| ready(Ok(Response::new(Empty::new())));
    let layer = VerifyLayer::builder().sender(standard_sender()).clock(Hand::default().clock());
    layer.build().unwrap().layer(service_fn(inner))
}

/// Calls the service without a runtime; it must be ready at once.
fn call(service: &mut impl Service<Request<Body>, Error = Infallible>, request: Request<Body>) {
    let mut future = pin!(service.call(request));
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(response) = future.as_mut().poll(&mut cx) else { panic!("not ready") };
    drop(response);
}

fn keys(scheme: &dyn SignScheme, secret: &str) -> KeySet {
    KeySet::new([scheme.key(secret).unwrap()]).unwrap()
}

/// The decision itself: headers, four keys' worth of hashes, and the comparison.
#[test]
fn verifying_allocates_nothing() {
    let check = |scheme: &dyn SignScheme, secret: &str| {
        let keys = keys(scheme, secret);
        let body = vec![b' '; 4_096];
        let request = signed_at(scheme, secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", NOW, body.clone());
        let head = RequestHead::of(&request);
        let now = Duration::from_secs(NOW);
        let info = measure(|| {
            verify(scheme, &keys, &head, &body, now, None).unwrap();
        });
        assert_eq!(info.count_total, 0, "{}", scheme.name());
    };
    check(&scheme::STANDARD, STANDARD_SECRET);
    check(&scheme::STRIPE, SECRET);
    check(&scheme::GITHUB, SECRET);
    check(&scheme::SLACK, SECRET);
    check(&scheme::SHOPIFY, SECRET);
    check(&scheme::CONVOY_ADVANCED, SECRET);
}

#[test]
fn three_hundred_signatures_allocate_nothing() {
    let keys = keys(&scheme::STANDARD, STANDARD_SECRET);
    let mut request = standard_request("msg_1", "{}");
    let junk = vec![format!("v1,{}=", "A".repeat(43)); 300].join(" ");
    request.headers_mut().insert("webhook-signature", junk.parse().unwrap());
    let head = RequestHead::of(&request);
    let info = measure(|| {
        let now = Duration::from_secs(NOW);
        verify(&scheme::STANDARD, &keys, &head, b"{}", now, None).unwrap_err();
    });
    assert_eq!(info.count_total, 0);
}

/// The header's value is the text that was written. The map of headers has its room.
#[test]
fn signing_allocates_for_what_it_writes() {
    let keys = keys(&scheme::GITHUB, SECRET);
    let request = Request::post("/").body(()).unwrap();
    let message =
        Outgoing::new(RequestHead::of(&request), b"{}", "msg_1", Duration::from_secs(NOW));
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert("x-hub-signature-256", HeaderValue::from_static("old"));
    let info = measure(|| sign(&scheme::GITHUB, &keys, &message, &mut headers).unwrap());
    assert_eq!(info.count_total, 1);
}

/// A box in which the body is read and hashed, one for what follows, one for the response on its way out, and three for
/// what is known of the request in its extensions.
#[test]
fn a_request_costs_few_allocations() {
    let mut service = service();
    // The first one sets up what stays.
    call(&mut service, standard_request("msg_0", "{}"));
    let mut request = Some(standard_request("msg_1", "{}"));
    let info = measure(|| call(&mut service, request.take().unwrap()));
    assert_eq!(info.count_total, 6);
}

/// A box for the response, two for its headers, and four for what its extensions tell. The document is written once.
#[test]
fn a_request_that_is_refused_by_its_headers_costs_its_answer() {
    let mut service = service();
    let refuse = |value: &'static str| {
        let mut request = standard_request("msg_1", "{}");
        request.headers_mut().insert("webhook-timestamp", HeaderValue::from_static(value));
        request
    };
    call(&mut service, refuse("1"));
    let mut request = Some(refuse("1"));
    let info = measure(|| call(&mut service, request.take().unwrap()));
    assert_eq!(info.count_total, 7);
    assert!(info.bytes_max < 4_096, "{} bytes", info.bytes_max);
}

#[test]
fn a_clone_allocates_nothing() {
    let service = service();
    assert_eq!(measure(|| drop(service.clone())).count_total, 0);
}
