//! Requests that race for the last tokens.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

mod support;

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use stonework_ratelimit::store::MemoryStore;
use stonework_ratelimit::{Charge, Concurrency, Policy, RateLimitLayer};
use support::app::{App, Incoming, app, by, get, ok, send};
use support::faulty::{Fault, Faulty};
use support::limits::{SECOND, left, left_of, policy, quota_of, still};
use tokio::sync::Barrier;

/// So many at once, and none comes back while the test runs.
fn hourly(name: &str, burst: u32) -> Policy {
    Policy::new(name).rate(1).per(3600 * SECOND).burst(burst).key_header("x-key")
}

/// Sends so many requests at the same time, and counts those that were granted.
async fn race(app: &App, requests: usize, key: impl Fn(usize) -> String) -> usize {
    let start = Arc::new(Barrier::new(requests));
    let requests: Vec<_> = (0..requests)
        .map(|at| {
            let (app, start, request) = (app.clone(), Arc::clone(&start), by(&key(at)));
            tokio::spawn(async move {
                start.wait().await;
                send(&app, request).await.is_ok()
            })
        })
        .collect();
    let mut granted = 0;
    for request in requests {
        granted += usize::from(request.await.unwrap());
    }
    granted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_that_race_for_five_tokens_five_are_granted() {
    let app = ok(RateLimitLayer::builder().policy(hourly("a", 5)));
    for round in 0..40 {
        assert_eq!(race(&app, 50, |_| round.to_string()).await, 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_is_waited_for_is_as_exact() {
    let store = Faulty::new(MemoryStore::new());
    store.set(Fault::Waits);
    let app = ok(RateLimitLayer::builder().store(store).policy(hourly("a", 5)));
    for round in 0..20 {
        assert_eq!(race(&app, 50, |_| round.to_string()).await, 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn denials_by_one_policy_take_nothing_from_another_however_they_race() {
    let store = MemoryStore::new();
    let all = Policy::new("all").rate(1).per(3600 * SECOND).burst(1_000).key_global();
    let builder = RateLimitLayer::builder().store(store.clone());
    let app = ok(builder.policy(all).policy(hourly("each", 3)));
    let granted = race(&app, 200, |at| (at % 10).to_string()).await;
    assert_eq!(granted, 30);
    let all = stonework_ratelimit::Quota::new(1, 3600 * SECOND, 1_000).unwrap();
    assert_eq!(left_of(&store, "all", "", all), 970);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn places_are_never_given_twice_and_all_come_back() {
    let inside = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let gate = Concurrency::new("c").at_most(3).key_global();
    let layer = RateLimitLayer::builder().concurrency(gate).build().unwrap();
    let counter = Arc::clone(&inside);
    let app = app(&layer, move |_: Incoming| {
        let inside = Arc::clone(&counter);
        async move {
            use std::sync::atomic::Ordering::SeqCst;
            assert!(inside.fetch_add(1, SeqCst) < 3);
            tokio::task::yield_now().await;
            inside.fetch_sub(1, SeqCst);
            Response::new(Full::<Bytes>::default())
        }
    });
    for _ in 0..20 {
        race(&app, 50, |_| "k".to_owned()).await;
        assert!(send(&app, get("/")).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn corrections_that_race_are_all_counted() {
    let (_, store) = still();
    let builder = RateLimitLayer::builder().store(store.clone()).adjustable(true);
    let layer = builder.policy(policy("a").burst(1_000)).build().unwrap();
    let app = app(&layer, |request: Incoming| {
        let charge = request.extensions().get::<Charge>().unwrap();
        assert!(charge.total(3));
        ready(Response::new(Full::<Bytes>::default()))
    });
    assert_eq!(race(&app, 200, |_| "k".to_owned()).await, 200);
    assert_eq!(left_of(&store, "a", "k", quota_of(1_000)), 400);
    assert_eq!(left(&store, "a", "other"), 5);
}

#[cfg(feature = "axum-0-8")]
async fn over_sockets(builder: stonework_ratelimit::RateLimitLayerBuilder) -> usize {
    use http::{Request, StatusCode};
    use tower::ServiceBuilder;

    let layer = ServiceBuilder::new().layer(builder.build().unwrap());
    let router = axum::Router::new().route("/", axum::routing::get(async || "ok")).layer(layer);
    let address = support::sockets::axum_server(router).await;
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let request = Request::get("/").header("x-key", "k");
            tokio::spawn(async move { support::sockets::ask(address, request).await.status })
        })
        .collect();
    let mut granted = 0;
    for request in requests {
        granted += usize::from(request.await.unwrap() == StatusCode::OK);
    }
    granted
}

#[cfg(feature = "axum-0-8")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_fifty_sockets_at_once_five_are_granted() {
    assert_eq!(over_sockets(RateLimitLayer::builder().policy(hourly("a", 5))).await, 5);
}
