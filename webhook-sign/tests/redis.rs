//! The store over Redis keeps the contract, on real servers.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;
#[allow(dead_code)] // Another crate's, of which a part is used.
#[path = "../../idempotency/tests/support/redis.rs"]
mod redis_server;

use std::time::Duration;

use app::{Counter, count, github_request, github_sender, send};
use redis::aio::ConnectionManager;
use redis::cmd;
use redis_server::{Cluster, Counting, Server, Twice, until};
use stonework_webhook_sign::store::redis1::RedisStore;
use stonework_webhook_sign::store::{
    Claim, Claimed, Commit, Committed, EventKey, Fence, Release, ReplayStore, StoreErrorKind,
};
use stonework_webhook_sign::testing::store_conformance;
use stonework_webhook_sign::{Rejection, VerifyLayer};
use tower::Layer;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes every record of a server older, as if so much time had passed.
async fn turn(server: &Server, by: Duration) {
    let older = "for _, key in ipairs(redis.call('KEYS', '*')) do
        local left = redis.call('PTTL', key)
        if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
    end";
    server.ask::<()>(cmd("EVAL").arg(older).arg(0).arg(by.as_millis() as u64)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_keeps_the_contract() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    store_conformance(store, async |by| turn(&server, by).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_keeps_the_contract_in_real_time() {
    let server = Server::start().await;
    store_conformance(RedisStore::new(server.manager().await), tokio::time::sleep).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_keeps_the_contract_when_every_command_is_sent_twice() {
    let server = Server::start().await;
    let store = RedisStore::new(Twice(server.connection().await));
    store_conformance(store, async |by| turn(&server, by).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_keeps_the_contract_on_a_cluster() {
    let cluster = Cluster::start().await;
    let store = RedisStore::new(cluster.connection().await);
    let elapse = async |by| {
        for node in &cluster.nodes {
            turn(node, by).await;
        }
    };
    store_conformance(store, elapse).await;
}

fn event(name: &str) -> EventKey {
    EventKey::of(&[name.as_bytes()])
}

#[tokio::test]
async fn each_operation_is_one_round_trip_also_after_a_flush_of_scripts() {
    let server = Server::start().await;
    let connection = Counting::new(server.connection().await);
    let store = RedisStore::new(connection.clone());
    let claim = |name| Claim::new(event(name), Fence::random(), MINUTE);
    store.claim(claim("warm")).await.unwrap();
    assert_eq!(connection.take(), 2, "a script that the server does not know");
    let run = claim("a");
    assert_eq!(store.claim(run).await.unwrap(), Claimed::Won);
    assert_eq!(connection.take(), 1, "a claim");
    server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
    let commit = Commit::new(run.event, run.fence, DAY);
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Stored);
    assert_eq!(connection.take(), 2, "a commit by a script that the server forgot");
    assert_eq!(store.claim(claim("a")).await.unwrap(), Claimed::Done);
}

#[tokio::test]
async fn a_full_server_takes_no_claims_and_all_commits() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let [early, done, released] =
        ["early", "done", "released"].map(|name| Claim::new(event(name), Fence::random(), MINUTE));
    for claim in [early, done, released] {
        assert_eq!(store.claim(claim).await.unwrap(), Claimed::Won);
    }
    let commit = |claim: Claim| Commit::new(claim.event, claim.fence, DAY);
    store.commit(commit(done)).await.unwrap();
    server.ask::<()>(cmd("CONFIG").arg("SET").arg("maxmemory").arg(1)).await;
    let new = Claim::new(event("new"), Fence::random(), MINUTE);
    assert_eq!(store.claim(new).await.unwrap(), Claimed::Full);
    let again = |claim: Claim| Claim::new(claim.event, Fence::random(), MINUTE);
    assert_eq!(store.claim(again(done)).await.unwrap(), Claimed::Done, "what it knows, it tells");
    assert_eq!(store.commit(commit(early)).await.unwrap(), Committed::Stored);
    store.release(Release::new(released.event, released.fence)).await.unwrap();
    server.ask::<()>(cmd("CONFIG").arg("SET").arg("maxmemory").arg(0)).await;
    assert_eq!(store.claim(again(released)).await.unwrap(), Claimed::Won);
    assert_eq!(store.claim(again(early)).await.unwrap(), Claimed::Done);
}

#[tokio::test]
async fn what_it_did_not_write_it_does_not_read() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let hex: String = event("x").as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("stonework:webhook-sign:{hex}");
    server.ask::<()>(cmd("SET").arg(&key).arg("something")).await;
    let claim = Claim::new(event("x"), Fence::random(), MINUTE);
    assert_eq!(store.claim(claim).await.unwrap_err().kind(), StoreErrorKind::Incompatible);
    server.ask::<()>(cmd("DEL").arg(&key)).await;
    server.ask::<()>(cmd("LPUSH").arg(&key).arg("something")).await;
    assert_eq!(store.claim(claim).await.unwrap_err().kind(), StoreErrorKind::Incompatible);
}

#[tokio::test]
async fn an_evicting_server_is_told_of() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    assert_eq!(store.preflight().await, []);
    server.ask::<()>(cmd("CONFIG").arg("SET").arg("maxmemory").arg("100mb")).await;
    server.ask::<()>(cmd("CONFIG").arg("SET").arg("maxmemory-policy").arg("allkeys-lru")).await;
    assert_eq!(store.preflight().await.len(), 1);
}

/// A layer that waits long for the store: a busy machine is no outage.
fn layer(store: RedisStore<ConnectionManager>) -> VerifyLayer {
    let layer = VerifyLayer::builder().sender(github_sender()).store(store);
    layer.store_timeout(MINUTE).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_handle_an_event_once() {
    let server = Server::start().await;
    let counter = Counter::default();
    let mut services = Vec::new();
    for _ in 0..2 {
        let store = RedisStore::new(server.manager().await);
        services.push(layer(store).layer(count(&counter)));
    }
    for service in services {
        let answer = send(&service, github_request("{}")).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(counter.get(), 1, "the second is told that it was handled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_closed_and_its_end_is_noticed() {
    let mut server = Server::durable().await;
    let store = RedisStore::new(server.manager().await);
    let counter = Counter::default();
    let layer = layer(store);
    let service = layer.layer(count(&counter));
    assert_eq!(send(&service, github_request("1")).await.status, 200);
    server.kill();
    let answer = send(&service, github_request("2")).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.rejection(), Rejection::StoreUnavailable);
    assert_eq!(counter.get(), 1);
    server.restart().await;
    until("the event is handled when it is delivered again", async || {
        send(&service, github_request("2")).await.status == 200
    })
    .await;
    assert_eq!(counter.get(), 2);
    assert_eq!(send(&service, github_request("1")).await.rejection(), Rejection::Duplicate);
}

/// A handler that is dropped halfway releases its event through the same connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_frees_the_event() {
    let server = Server::start().await;
    let store = RedisStore::new(server.manager().await);
    let layer = layer(store);
    let (entered, mut entries) = tokio::sync::mpsc::unbounded_channel();
    let hangs = layer.layer(app::hang(entered));
    let gone = tokio::spawn(async move { send(&hangs, github_request("{}")).await });
    entries.recv().await.unwrap();
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let counter = Counter::default();
    let service = layer.layer(count(&counter));
    until("the event is free", async || send(&service, github_request("{}")).await.status == 200)
        .await;
    assert_eq!(counter.get(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_processes_one_wins() {
    let server = Server::start().await;
    let counter = Counter::default();
    let mut deliveries = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = RedisStore::new(server.manager().await);
        let layer = layer(store);
        let service = layer.layer(count(&counter));
        for _ in 0..16 {
            let service = service.clone();
            deliveries.spawn(async move { send(&service, github_request("{}")).await.status });
        }
    }
    let statuses = deliveries.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200 || *status == 409), "{statuses:?}");
    assert_eq!(counter.get(), 1);
}
