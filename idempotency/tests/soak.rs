//! Long histories, on many seeds, over memory and over Redis.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;
#[path = "support/history.rs"]
mod history;
mod support;

use std::time::Duration;

use app::single;
use stonework_idempotency::store::{IdempotencyStore, MemoryStore, redis1::RedisStore};
use stonework_idempotency::{IdempotencyLayer, InFlight};
use support::redis::Server;

fn layers<S: IdempotencyStore + Clone>(store: &S) -> [IdempotencyLayer; 2] {
    let wait = InFlight::Wait { up_to: Duration::from_secs(60) };
    [
        single().store(store.clone()).build().unwrap(),
        single().store(store.clone()).in_flight(wait).build().unwrap(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_histories_in_memory() {
    for seed in 1..=1000 {
        let history = history::run(&layers(&MemoryStore::new()), seed, 32, 50, 40).await;
        history::check(&history);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_histories_in_a_redis_that_forgets_its_scripts() {
    let server = Server::start().await;
    let layers = layers(&RedisStore::new(server.manager().await));
    for seed in 1..=100 {
        server.ask::<()>(&redis::cmd("FLUSHALL")).await;
        server.ask::<()>(redis::cmd("SCRIPT").arg("FLUSH")).await;
        history::check(&history::run(&layers, seed, 32, 50, 40).await);
    }
}

#[tokio::test]
async fn a_store_that_is_flooded_stays_within_its_bounds() {
    const BYTES: usize = 8 << 20;
    let store = MemoryStore::builder().max_keys(10_000).max_bytes(BYTES).build().unwrap();
    let layer = single().store(store.clone()).build().unwrap();
    let (runs, handler) = app::counting();
    let app = app::app(&layer, handler);
    for n in 0..1_000_000 {
        app::send_key(&app, &format!("key-{n}")).await;
        let stats = store.stats();
        assert!(stats.keys <= 10_000 && stats.bytes <= BYTES, "{stats:?}");
    }
    assert_eq!(app::count(&runs), 10_000, "what was refused did not run");
}
