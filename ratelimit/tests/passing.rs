//! What is granted passes unharmed: bodies, trailers, errors, and the readiness of the service.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use stonework_ratelimit::{RateLimitLayer, Rejection};
use support::app::{Incoming, app, by, count, granted, ok, send, with};
use support::faulty::{Fault, Faulty};
use support::limits::{over, policy, still};
use support::streams::{piped, trailed};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt, service_fn};

#[tokio::test]
async fn a_request_reaches_the_handler_as_it_was() {
    let (_, store) = still();
    let echo = |request: Incoming| async move {
        let told = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(Full::from([told.as_bytes(), &body].concat()))
    };
    let app = app(&over(&store).policy(policy("a")).build().unwrap(), echo);
    let mut request = with(Request::put("/a?b=c").header("x-key", "k").header("x-other", "o"));
    *request.body_mut() = Full::from("data");
    let answer = send(&app, request).await;
    assert_eq!(answer.text(), r#"PUT /a?b=c {"x-key": "k", "x-other": "o"}data"#);
}

#[tokio::test]
async fn responses_of_every_kind_pass() {
    let (_, store) = still();
    let layer = over(&store).policy(policy("a").burst(100)).build().unwrap();
    for (method, status, length) in [
        (Method::HEAD, StatusCode::OK, Some("4096")),
        (Method::GET, StatusCode::NO_CONTENT, None),
        (Method::GET, StatusCode::NOT_MODIFIED, None),
        (Method::GET, StatusCode::SWITCHING_PROTOCOLS, None),
        (Method::POST, StatusCode::INTERNAL_SERVER_ERROR, None),
    ] {
        let app = app(&layer, move |_| {
            let mut response = Response::builder().status(status);
            if let Some(length) = length {
                response = response.header("content-length", length);
            }
            ready(response.body(Empty::<Bytes>::new()).unwrap())
        });
        let request = with(Request::builder().method(method).header("x-key", "k"));
        let answer = send(&app, request).await;
        assert_eq!((answer.status, answer.header("content-length")), (status, length));
        assert!(answer.header("ratelimit").is_some(), "{status}");
    }
}

#[tokio::test]
async fn trailers_pass() {
    let (_, store) = still();
    for adjustable in [false, true] {
        let layer = over(&store).adjustable(adjustable).policy(policy("a")).build().unwrap();
        let answer = send(&app(&layer, |_| ready(Response::new(trailed()))), by("k")).await;
        assert_eq!(answer.text(), "data");
        assert_eq!(answer.trailers.unwrap()["x-sum"], "9");
    }
}

#[tokio::test]
async fn a_body_keeps_its_size_and_its_end() {
    let (_, store) = still();
    let layer = over(&store).adjustable(true).policy(policy("a").burst(2)).build().unwrap();
    let full = app(&layer, |_| ready(Response::new(Full::<Bytes>::from("data"))));
    let body = full.oneshot(by("k")).await.unwrap().into_body();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(4), false));
    let empty = app(&layer, |_| ready(Response::new(Empty::<Bytes>::new())));
    let body = empty.clone().oneshot(by("k")).await.unwrap().into_body();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
    let denied = empty.oneshot(by("k")).await.unwrap().into_body();
    let length = denied.size_hint().exact();
    assert_eq!(length, Some(denied.collect().await.unwrap().to_bytes().len() as u64));
}

#[tokio::test]
async fn an_error_of_a_body_passes() {
    let (_, store) = still();
    let (pipe, body) = piped();
    let body = std::sync::Mutex::new(Some(body));
    let body = Arc::new(body);
    let app = app(&over(&store).policy(policy("a")).build().unwrap(), move |_| {
        ready(Response::new(body.lock().unwrap().take().unwrap()))
    });
    pipe.data("a");
    pipe.error();
    let mut body = app.oneshot(by("k")).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
    assert_eq!(body.frame().await.unwrap().unwrap_err(), "the source broke");
}

#[derive(Debug, PartialEq)]
struct Broken;

#[tokio::test]
async fn an_error_of_the_service_passes_with_its_type() {
    let (_, store) = still();
    let broken = service_fn(|_: Incoming| ready(Err::<Response<Full<Bytes>>, _>(Broken)));
    for adjustable in [false, true] {
        let layer = over(&store).adjustable(adjustable).policy(policy("a")).build().unwrap();
        let error: Broken = layer.layer(broken).oneshot(by("k")).await.unwrap_err();
        assert_eq!(error, Broken);
    }
}

/// Serves only who has polled this very value ready; a clone of it has to be polled anew.
struct Strict {
    is_ready: bool,
    becomes_ready: bool,
    served: Arc<AtomicUsize>,
}

impl Strict {
    fn new(becomes_ready: bool) -> Self {
        Self { is_ready: false, becomes_ready, served: Arc::default() }
    }
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { is_ready: false, served: Arc::clone(&self.served), ..*self }
    }
}

impl Service<Incoming> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = self.becomes_ready;
        if self.is_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, _: Incoming) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been polled ready");
        self.served.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new(Full::from("ok"))))
    }
}

#[tokio::test]
async fn the_service_that_was_polled_ready_is_the_one_that_is_called() {
    for fault in [Fault::None, Fault::Waits] {
        let store = Faulty::new(still().1);
        store.set(fault);
        let layer = RateLimitLayer::builder().store(store).policy(policy("a")).build().unwrap();
        let inner = Strict::new(true);
        let served = Arc::clone(&inner.served);
        let mut service = layer.layer(inner);
        for request in 1..=5 {
            let future = service.ready().await.unwrap().call(by("k"));
            assert_eq!(future.await.unwrap().status(), StatusCode::OK);
            assert_eq!(count(&served), request, "{fault:?}");
        }
        let denied = service.ready().await.unwrap().call(by("k")).await.unwrap();
        assert_eq!(denied.extensions().get(), Some(&Rejection::QuotaExceeded));
        assert_eq!(count(&served), 5);
    }
}

#[tokio::test]
async fn several_requests_may_wait_for_the_store_beside_each_other() {
    let store = Faulty::new(still().1);
    store.set(Fault::Waits);
    let layer = RateLimitLayer::builder().store(store).policy(policy("a")).build().unwrap();
    let mut service = layer.layer(Strict::new(true));
    let one = service.ready().await.unwrap().call(by("k"));
    let two = service.ready().await.unwrap().call(by("k"));
    let (one, two) = tokio::join!(two, one);
    assert!(one.unwrap().status().is_success() && two.unwrap().status().is_success());
}

#[test]
fn a_service_that_is_not_ready_makes_the_layer_wait() {
    let layer = RateLimitLayer::builder().policy(policy("a")).build().unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut busy = layer.layer(Strict::new(false));
    assert!(Service::<Incoming>::poll_ready(&mut busy, &mut cx).is_pending());
    let mut idle = layer.layer(Strict::new(true));
    assert!(Service::<Incoming>::poll_ready(&mut idle, &mut cx).is_ready());
}

/// Capacity that `poll_ready` reserves is not kept by a request that is denied while waiting.
#[tokio::test]
async fn a_denial_gives_back_the_place_that_was_reserved_inside() {
    let store = Faulty::new(still().1);
    store.set(Fault::Waits);
    let layer =
        RateLimitLayer::builder().store(store).policy(policy("a").burst(1)).build().unwrap();
    let one_place = ConcurrencyLimitLayer::new(1).layer(Strict::new(true));
    let service = layer.layer(one_place);
    for (key, status) in [("a", 200), ("a", 429), ("a", 429), ("b", 200)] {
        let response = service.clone().oneshot(by(key)).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn a_clone_is_the_same_limiter() {
    let (_, store) = still();
    let app = ok(over(&store).policy(policy("a")));
    let clone = app.clone();
    assert_eq!(granted(&app, 3, "k").await + granted(&clone, 5, "k").await, 5);
}

#[test]
fn what_is_not_clone_can_be_configured() {
    struct NotClone;

    let (_, store) = still();
    let [a, b, c, d, e] = [(); 5].map(|()| NotClone);
    let builder = over(&store)
        .policy(
            policy("a").key(move |_| Some(stonework_ratelimit::Key::from(size_of_val(&a) as u64))),
        )
        .skip_when(move |_| size_of_val(&b) > 0)
        .on_decision(move |_, _| assert_eq!(size_of_val(&c), 0))
        .refund_when(move |_| size_of_val(&d) > 0)
        .render(move |_, problem, _| {
            assert_eq!(size_of_val(&e), 0);
            problem.to_response(&stonework_core::Protocol::Http)
        });
    let layer = builder.build().unwrap();
    fn is_service<S: Service<Incoming> + Clone + Send + Sync + 'static>(_: &S)
    where
        S::Future: Send,
    {
    }
    is_service(&layer.layer(Strict::new(true)));
    assert!(format!("{layer:?}").contains("\"a\""));
}
