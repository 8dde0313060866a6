//! How many requests of one client may be under way.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

mod support;

use std::future::{pending, ready};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use stonework_ratelimit::{
    Concurrency, MissingKey, RateLimitLayer, RateLimitLayerBuilder, Rejection,
};
use support::app::{Answer, App, Incoming, app, by, get, ok, read, send, with};
use support::faulty::{Fault, Faulty};
use support::limits::{left, over, policy, still};
use support::streams::{Pipe, Piped, piped};
use tower::ServiceExt;

fn at_most(requests: u32) -> Concurrency {
    Concurrency::new("uploads").at_most(requests).key_header("x-key")
}

fn single(policy: Concurrency) -> RateLimitLayerBuilder {
    RateLimitLayer::builder().concurrency(policy)
}

/// A service whose responses go on for as long as the test likes.
fn streaming(builder: RateLimitLayerBuilder) -> (Arc<Mutex<Vec<Pipe>>>, App<Piped>) {
    let pipes = Arc::new(Mutex::new(Vec::new()));
    let opened = Arc::clone(&pipes);
    let app = app(&builder.build().unwrap(), move |_: Incoming| {
        let (pipe, body) = piped();
        opened.lock().unwrap().push(pipe);
        ready(Response::new(body))
    });
    (pipes, app)
}

async fn call(app: &App<Piped>, key: &str) -> Response<stonework_ratelimit::ResponseBody<Piped>> {
    app.clone().oneshot(by(key)).await.unwrap()
}

/// The answer to a request that is one too many. One that is not would go on for ever.
async fn denied(app: &App<Piped>, key: &str) -> Answer {
    let response = call(app, key).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    read(response).await
}

async fn is_free(app: &App<Piped>, key: &str) -> bool {
    call(app, key).await.status() == StatusCode::OK
}

#[tokio::test]
async fn one_too_many_is_told_so_and_to_come_back() {
    let (_pipes, streams) = streaming(single(at_most(2)));
    let _held = [call(&streams, "alice").await, call(&streams, "alice").await];
    let denied = denied(&streams, "alice").await;
    assert_eq!(denied.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(denied.rejection(), Rejection::TooManyAtOnce);
    assert_eq!(denied.header("retry-after"), Some("1"));
    assert_eq!(
        denied.text(),
        concat!(
            r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","#,
            r#""title":"Too many requests at once","status":429,"violated-policies":["uploads"]}"#,
        )
    );
    assert!(is_free(&streams, "bob").await, "each client has places of its own");
}

#[tokio::test]
async fn a_place_is_free_when_the_body_has_ended_and_not_before() {
    let (pipes, app) = streaming(single(at_most(1)));
    let mut body = call(&app, "k").await.into_body();
    let pipe = pipes.lock().unwrap().remove(0);
    pipe.data("a");
    assert!(body.frame().await.unwrap().unwrap().is_data());
    assert!(!is_free(&app, "k").await, "there may be more");
    drop(pipe);
    assert!(body.frame().await.is_none());
    assert!(is_free(&app, "k").await, "although the body is still there");
}

#[tokio::test]
async fn a_place_is_free_after_trailers_and_after_an_error() {
    for ends in [Pipe::trailers, Pipe::error] {
        let (pipes, app) = streaming(single(at_most(1)));
        let mut body = call(&app, "k").await.into_body();
        assert!(!is_free(&app, "k").await);
        ends(&pipes.lock().unwrap()[0]);
        drop(body.frame().await.unwrap());
        assert!(is_free(&app, "k").await);
    }
}

#[tokio::test]
async fn a_place_is_free_when_the_client_leaves_half_way() {
    let (pipes, app) = streaming(single(at_most(1)));
    let mut body = call(&app, "k").await.into_body();
    pipes.lock().unwrap()[0].data("a");
    assert!(body.frame().await.unwrap().unwrap().is_data());
    drop(body);
    assert!(is_free(&app, "k").await);
}

#[tokio::test]
async fn a_place_is_free_when_the_client_leaves_before_there_is_a_response() {
    let layer = single(at_most(1)).build().unwrap();
    let silent = app(&layer, |_| pending::<Response<Full<Bytes>>>());
    let mut waiting = Box::pin(silent.oneshot(by("k")));
    assert!(futures_poll(&mut waiting).is_pending());
    let quick = app(&layer, |_| ready(Response::new(Full::<Bytes>::default())));
    assert_eq!(send(&quick, by("k")).await.rejection(), Rejection::TooManyAtOnce);
    drop(waiting);
    assert!(send(&quick, by("k")).await.is_ok());
}

fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(future).poll(&mut cx)
}

#[tokio::test]
async fn a_place_is_free_when_the_service_fails_or_panics() {
    use tower::{Layer, service_fn};

    let layer = single(at_most(1)).build().unwrap();
    let failing = service_fn(|_: Incoming| ready(Err::<Response<Full<Bytes>>, _>("broken")));
    for _ in 0..2 {
        assert_eq!(layer.layer(failing).oneshot(by("k")).await.unwrap_err(), "broken");
    }
    let panicking = app(&layer, |_| async { panic!("a panic that the test wants") });
    let panicking: App = panicking;
    for _ in 0..2 {
        let app = panicking.clone();
        assert!(
            tokio::spawn(async move { send(&app, by("k")).await }).await.unwrap_err().is_panic()
        );
    }
    assert!(
        send(&app(&layer, |_| ready(Response::new(Full::<Bytes>::default()))), by("k"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_place_is_held_while_the_store_is_asked_and_free_when_the_client_leaves() {
    let store = Faulty::new(still().1);
    store.set(Fault::Silent);
    let app = ok(single(at_most(1)).store(store.clone()).policy(policy("a")));
    let mut waiting = Box::pin(app.clone().oneshot(by("k")));
    assert!(futures_poll(&mut waiting).is_pending());
    assert_eq!(send(&app, by("k")).await.rejection(), Rejection::TooManyAtOnce);
    drop(waiting);
    store.set(Fault::None);
    assert!(send(&app, by("k")).await.is_ok());
}

#[tokio::test]
async fn who_is_one_too_many_pays_no_tokens_and_who_has_none_holds_no_place() {
    let (_, store) = still();
    let (_pipes, app) =
        streaming(over(&store).concurrency(at_most(1)).policy(policy("tokens").burst(5)));
    let held = call(&app, "k").await;
    for _ in 0..9 {
        assert_eq!(call(&app, "k").await.extensions().get(), Some(&Rejection::TooManyAtOnce));
    }
    assert_eq!(left(&store, "tokens", "k"), 4);
    drop(held);
    for _ in 0..4 {
        assert!(is_free(&app, "k").await);
    }
    let denied = [call(&app, "k").await, call(&app, "k").await];
    for denied in &denied {
        assert_eq!(denied.extensions().get(), Some(&Rejection::QuotaExceeded));
    }
}

#[tokio::test]
async fn several_gates_are_passed_together_or_not_at_all() {
    let wide = Concurrency::new("all").at_most(3).key_global();
    let (_pipes, app) = streaming(single(at_most(2)).concurrency(wide));
    let alice = [call(&app, "alice").await, call(&app, "alice").await];
    for _ in 0..3 {
        let denied = denied(&app, "alice").await;
        assert!(denied.text().contains(r#"["uploads"]"#));
    }
    let bob = call(&app, "bob").await;
    assert_eq!(bob.status(), StatusCode::OK, "who was denied holds no place of the other gate");
    let denied = denied(&app, "carol").await;
    assert!(denied.text().contains(r#"["all"]"#));
    drop(alice);
    assert!(is_free(&app, "carol").await);
}

#[tokio::test]
async fn requests_without_a_key_are_treated_as_policies_treat_them() {
    let (_pipes, reject) = streaming(single(at_most(1)));
    let answer = reject.oneshot(get("/")).await.unwrap();
    assert_eq!(answer.extensions().get(), Some(&Rejection::KeyMissing));
    for (missing, second) in [(MissingKey::Skip, 200), (MissingKey::Share, 429)] {
        let (_pipes, app) = streaming(single(at_most(1).on_missing_key(missing)));
        let _held = app.clone().oneshot(get("/")).await.unwrap();
        assert_eq!(app.clone().oneshot(get("/")).await.unwrap().status(), second);
        assert!(is_free(&app, "k").await);
    }
}

#[tokio::test]
async fn a_gate_concerns_whom_it_is_for_and_a_shadow_stops_nobody() {
    let uploads = at_most(1).only(|head| head.uri.path() == "/upload");
    let (_pipes, app) = streaming(
        single(uploads)
            .concurrency(Concurrency::new("watched").at_most(1).key_global().shadow(true)),
    );
    let upload = || with(Request::get("/upload").header("x-key", "k"));
    let _held = app.clone().oneshot(upload()).await.unwrap();
    assert_eq!(app.clone().oneshot(upload()).await.unwrap().status(), 429);
    let _others = [call(&app, "k").await, call(&app, "k").await];
    assert!(is_free(&app, "k").await);
}
