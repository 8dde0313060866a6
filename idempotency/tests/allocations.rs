//! Allocations, counted exactly.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use stonework_core::StoneBody;
use stonework_idempotency::{IdempotencyLayer, IdempotencyService};
use tower::{Layer, Service, service_fn};

type Body = Full<Bytes>;
type Inner = fn(Request<StoneBody<Body>>) -> Ready<Result<Response<Empty<Bytes>>, Infallible>>;

fn service() -> IdempotencyService<tower::util::ServiceFn<Inner>> {
    let inner: Inner = |_| ready(Ok(Response::new(Empty::new())));
    IdempotencyLayer::builder().single_tenant().build().unwrap().layer(service_fn(inner))
}

/// Calls the service without a runtime; it must be ready at once.
fn call(service: &mut impl Service<Request<Body>, Error = Infallible>, request: Request<Body>) {
    let mut future = pin!(service.call(request));
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(response) = future.as_mut().poll(&mut cx) else { panic!("not ready") };
    drop(response);
}

fn allocations(request: Request<Body>) -> u64 {
    let mut service = service();
    let mut request = Some(request);
    measure(|| call(&mut service, request.take().unwrap())).count_total
}

#[test]
fn what_does_not_concern_the_layer_allocates_nothing() {
    let safe = Request::get("/").header("idempotency-key", "k").body(Body::default()).unwrap();
    assert_eq!(allocations(safe), 0, "a safe method");
    let keyless = Request::post("/").header("accept", "*/*").body(Body::default()).unwrap();
    assert_eq!(allocations(keyless), 0, "no key");
    let grpc = Request::post("/pay.Payments/Watch")
        .header("content-type", "application/grpc")
        .header("idempotency-key", "k")
        .body(Body::default())
        .unwrap();
    assert_eq!(allocations(grpc), 0, "a gRPC method that is not named");
}

#[test]
fn a_clone_allocates_nothing() {
    let service = service();
    let info = measure(|| drop(service.clone()));
    assert_eq!(info.count_total, 0);
}
