//! The whole layer over a real Redis, with real faults.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;
#[path = "support/history.rs"]
mod history;
mod support;

use std::time::Duration;

use app::{app, count, counting, send_key, single};
use http::StatusCode;
use stonework_idempotency::store::redis1::RedisStore;
use stonework_idempotency::{
    Abandoned, Idempotency, IdempotencyLayer, IdempotencyLayerBuilder, InFlight, Rejection,
};
use support::redis::{Counting, Server, until};

/// A store that may take its time: a busy machine is no outage.
fn patient() -> IdempotencyLayerBuilder {
    single().store_timeout(Duration::from_secs(30))
}

/// For tests of outages, which last as long.
fn outage() -> IdempotencyLayerBuilder {
    single().store_timeout(Duration::from_secs(5))
}

const WAIT: InFlight = InFlight::Wait { up_to: Duration::from_secs(60) };

#[tokio::test]
async fn a_first_run_takes_two_round_trips_and_a_replay_one() {
    let server = Server::start().await;
    let counting_connection = Counting::new(server.connection().await);
    let layer = patient().store(RedisStore::new(counting_connection.clone())).build().unwrap();
    let (_, handler) = counting();
    let app = app(&layer, handler);
    assert_eq!(send_key(&app, "loads-the-script").await.text(), "run 1");
    counting_connection.take();
    assert_eq!(send_key(&app, "k").await.text(), "run 2");
    assert_eq!(counting_connection.take(), 2);
    assert!(send_key(&app, "k").await.is_replay());
    assert_eq!(counting_connection.take(), 1);
}

#[tokio::test]
async fn a_paused_server_is_503_and_afterwards_the_key_runs_exactly_once() {
    let server = Server::start().await;
    let layer = outage().store(RedisStore::new(server.manager().await)).build().unwrap();
    let (runs, handler) = counting();
    let app = app(&layer, handler);
    server.pause().await;
    let answer = send_key(&app, "k").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.rejection(), Rejection::StoreUnavailable);
    server.resume();
    // The claim that was on its way is taken back; until then the key looks in use.
    until("the key runs", async || send_key(&app, "k").await.status == StatusCode::CREATED).await;
    layer.tracker().drained().await;
    assert!(send_key(&app, "k").await.is_replay());
    assert_eq!(count(&runs), 1);
}

#[tokio::test]
async fn a_server_paused_past_the_lease_revokes_nothing() {
    let server = Server::start().await;
    let (runs, handler) = counting();
    let layer = outage()
        .lease(Duration::from_millis(300))
        .store(RedisStore::new(server.manager().await))
        .build()
        .unwrap();
    let app = app(&layer, move |request: app::Incoming| {
        let idempotency = request.extensions().get::<Idempotency>().unwrap().clone();
        let response = handler(request);
        async move {
            idempotency.ownership_lost().await;
            response.await
        }
    });
    let running = tokio::spawn({
        let app = app.clone();
        async move { send_key(&app, "k").await }
    });
    until("the handler runs", async || count(&runs) == 1).await;
    server.pause().await;
    // The handler ends when it learns that its lease has run out, and its client gets the answer.
    assert_eq!(running.await.unwrap().text(), "run 1");
    server.resume();
    layer.tracker().drained().await;
    let retry = send_key(&app, "k").await;
    assert!(retry.is_replay(), "a late completion counts: {retry:?}");
    assert_eq!(count(&runs), 1);
}

#[tokio::test]
async fn a_killed_server_that_kept_its_log_still_knows_its_keys() {
    let mut server = Server::durable().await;
    let layer = outage().store(RedisStore::new(server.manager().await)).build().unwrap();
    let (runs, handler) = counting();
    let app = app(&layer, handler);
    assert_eq!(send_key(&app, "k").await.text(), "run 1");
    server.kill();
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::StoreUnavailable);
    server.restart().await;
    until("the store is back", async || send_key(&app, "k").await.is_replay()).await;
    assert_eq!(count(&runs), 1);
}

#[tokio::test]
async fn a_process_that_dies_midway_leaves_the_outcome_unknown() {
    let server = Server::start().await;
    let layer_of = async || {
        let store = RedisStore::new(server.manager().await);
        patient().lease(Duration::from_millis(300)).store(store)
    };
    let (runs, handler) = counting();
    // A runtime of its own, dropped whole, is as near to a crash as one process can see.
    let dying = layer_of().await.build().unwrap();
    let crashing = tokio::runtime::Runtime::new().unwrap();
    let hanging = app(&dying, {
        let handler = handler.clone();
        move |request: app::Incoming| {
            let handler = handler.clone();
            async move {
                drop(handler(request).await);
                std::future::pending().await
            }
        }
    });
    crashing.spawn(async move { drop(send_key::<http_body_util::Full<_>>(&hanging, "k").await) });
    until("the effect", async || count(&runs) == 1).await;
    crashing.shutdown_background();

    let survivor = app(&layer_of().await.build().unwrap(), handler.clone());
    until("the lease runs out", async || {
        let answer = send_key(&survivor, "k").await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        answer.rejection() == Rejection::OutcomeUnknown
    })
    .await;
    assert_eq!(count(&runs), 1);
    let rerun = layer_of().await.on_abandoned(Abandoned::Rerun).build().unwrap();
    assert_eq!(send_key(&app(&rerun, handler), "k").await.text(), "run 2");
    assert!(send_key(&survivor, "k").await.is_replay());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_over_two_layers_has_one_effect_per_key() {
    let server = Server::start().await;
    let layer = async |in_flight| -> IdempotencyLayer {
        let store = RedisStore::new(server.manager().await);
        patient().in_flight(in_flight).store(store).build().unwrap()
    };
    for seed in 1..=3 {
        server.ask::<()>(&redis::cmd("FLUSHALL")).await;
        let layers = [layer(InFlight::Conflict).await, layer(WAIT).await];
        let history = history::run(&layers, seed, 16, 25, 20).await;
        history::check(&history);
        assert!(history.effects.len() > 10, "the test tests something");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_are_flushed_under_load_cost_nothing_but_a_round_trip() {
    let server = Server::start().await;
    let store = RedisStore::new(server.manager().await);
    let layers = [patient().store(store).build().unwrap()];
    let load = tokio::spawn(async move { history::run(&layers, 7, 8, 25, 50).await });
    while !load.is_finished() {
        server.ask::<()>(redis::cmd("SCRIPT").arg("FLUSH")).await;
        tokio::task::yield_now().await;
    }
    history::check(&load.await.unwrap());
}
