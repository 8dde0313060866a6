//! Requests, and calls without a runtime.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::Empty;
use stonework_cors::{CorsLayer, CorsLayerBuilder, CorsService};
use tower::util::ServiceFn;
use tower::{Layer, Service, service_fn};

pub(crate) type Body = Empty<Bytes>;
pub(crate) type Answer = Ready<Result<Response<Body>, Infallible>>;
pub(crate) type Inner = ServiceFn<fn(Request<Body>) -> Answer>;

pub(crate) const APP: &str = "https://app.example.com";
pub(crate) const EVIL: &str = "https://evil.example";

/// Answers everything with 200, and says so.
fn reached(_: Request<Body>) -> Answer {
    let mut response = Response::new(Empty::new());
    response.headers_mut().insert("x-reached", HeaderValue::from_static("yes"));
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    ready(Ok(response))
}

pub(crate) fn inner() -> Inner {
    service_fn(reached)
}

pub(crate) fn service(builder: CorsLayerBuilder) -> CorsService<Inner> {
    builder.build().unwrap().layer(inner())
}

/// The layer of most APIs.
pub(crate) fn usual() -> CorsLayerBuilder {
    CorsLayer::builder()
        .origins([APP])
        .methods(["PUT", "DELETE"])
        .include(["authorization", "content-type", "x-a"])
        .expose(["x-b", "x-c"])
        .credentials(true)
}

pub(crate) fn from(origin: &str) -> Request<Body> {
    with(Method::GET, &[("origin", origin)])
}

pub(crate) fn preflight(origin: &str, method: &str, headers: &str) -> Request<Body> {
    with(
        Method::OPTIONS,
        &[
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", headers),
        ],
    )
}

/// A request with these header lines, of bytes as they come from a socket: their clones only count.
pub(crate) fn with(method: Method, lines: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::new(Body::new());
    *request.method_mut() = method;
    for (name, value) in lines {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_str(value).unwrap();
        drop(value.clone());
        request.headers_mut().append(name, value);
    }
    request
}

/// Calls the service without a runtime; it must be ready at once.
pub(crate) fn call<S>(service: &mut S, request: Request<Body>) -> S::Response
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

/// Status and headers of what this layer answers.
pub(crate) fn answer(builder: CorsLayerBuilder, request: Request<Body>) -> (u16, HeaderMap) {
    let response = call(&mut service(builder), request);
    (response.status().as_u16(), response.headers().clone())
}

/// All lines of a header, joined.
pub(crate) fn all(headers: &HeaderMap, name: &str) -> String {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect();
    lines.join(" | ")
}

/// The headers that CORS has, in order.
pub(crate) fn told(headers: &HeaderMap) -> Vec<String> {
    let ours = |name: &str| {
        name.starts_with("access-control")
            || ["vary", "timing-allow-origin", "x-cors-reason"].contains(&name)
    };
    let mut told: Vec<_> = headers
        .keys()
        .filter(|name| ours(name.as_str()))
        .map(|name| format!("{name}: {}", all(headers, name.as_str())))
        .collect();
    told.sort();
    told
}
