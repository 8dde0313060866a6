//! The outbox over Redis keeps the contract, on real servers.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[allow(dead_code)] // Another crate's, of which a part is used.
#[path = "../../../idempotency/tests/support/redis.rs"]
mod redis_server;

use std::time::Duration;

use redis::cmd;
use redis_server::{Cluster, Counting, Server, Twice};
use stonework_webhook_delivery::store::redis1::RedisOutbox;
use stonework_webhook_delivery::testing::outbox_conformance;

/// Makes everything in an outbox older, as if so much time had passed.
async fn turn(server: &Server, by: Duration) {
    tokio::time::sleep(by).await;
    let _ = server;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_outbox_keeps_the_contract() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    outbox_conformance(outbox, async |by| turn(&server, by).await).await;
}
