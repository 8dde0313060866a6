//! The store over Redis: under the suite, by its round trips, by what is there, and on a server that goes away.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;

use std::time::Duration;

use bytes::Bytes;
use redis::aio::ConnectionLike;
use redis::cmd;
use redis_server::{Cluster, Counting, Server, Twice};
use stonework_pagination::store::redis1::RedisStore;
use stonework_pagination::store::{CursorStore, Get, Put, Revoke};
use stonework_pagination::testing::cursor_conformance;
use stonework_pagination::{Key, StoreError, StoreErrorKind};

const MINUTE: Duration = Duration::from_secs(60);
const HANDLE: [u8; 16] = [0xab; 16];
/// The first 16 bytes of the SHA-256 of `acme`.
const CURSOR: &str =
    "stonework:pagination:{822b33ad87c148a0a20a5ba7cd5ebcaa}:abababababababababababababababab";
const GENERATION: &str = "stonework:pagination:{822b33ad87c148a0a20a5ba7cd5ebcaa}:generation";

/// A store as a service uses it, with one owner.
struct Acme<C> {
    store: RedisStore<C>,
    key: Key,
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Acme<C> {
    fn new(connection: C) -> Self {
        Self { store: RedisStore::new(connection), key: Key::from("acme") }
    }

    async fn put(&self, expires_after: Duration) -> Result<(), StoreError> {
        let value = Bytes::from_static(b"a:\0b");
        self.store.put(Put::new(HANDLE, &self.key, value, expires_after)).await
    }

    async fn get(&self) -> Result<Option<Bytes>, StoreError> {
        self.store.get(Get::new(HANDLE, &self.key)).await
    }

    async fn revoke(&self) -> Result<(), StoreError> {
        self.store.revoke(Revoke::new(&self.key, MINUTE)).await
    }

    /// What each operation fails with.
    async fn errors(&self) -> [Option<StoreErrorKind>; 3] {
        [
            self.put(MINUTE).await.err().map(|error| error.kind()),
            self.get().await.err().map(|error| error.kind()),
            self.revoke().await.err().map(|error| error.kind()),
        ]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_keeps_the_contract() {
    let server = Server::start().await;
    cursor_conformance(RedisStore::new(server.connection().await), tokio::time::sleep).await;
    cursor_conformance(RedisStore::new(server.manager().await), tokio::time::sleep).await;
    // Clients of a cluster send again by themselves.
    cursor_conformance(RedisStore::new(Twice(server.connection().await)), tokio::time::sleep).await;
    let prefixed = RedisStore::new(server.connection().await).key_prefix("shop:{x}:");
    cursor_conformance(prefixed, tokio::time::sleep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_it_on_a_cluster_too() {
    let cluster = Cluster::start().await;
    cursor_conformance(RedisStore::new(cluster.connection().await), tokio::time::sleep).await;
}

#[tokio::test]
async fn an_operation_is_one_round_trip() {
    let server = Server::start().await;
    let connection = Counting::new(server.connection().await);
    let acme = Acme::new(connection.clone());
    acme.put(MINUTE).await.unwrap();
    acme.get().await.unwrap();
    acme.revoke().await.unwrap();
    connection.take();
    // The scripts are there now.
    acme.put(MINUTE).await.unwrap();
    assert_eq!(connection.take(), 1);
    assert_eq!(acme.get().await.unwrap().as_deref(), Some(&b"a:\0b"[..]));
    assert_eq!(connection.take(), 1);
    acme.revoke().await.unwrap();
    assert_eq!(connection.take(), 1);
    server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
    assert_eq!(acme.get().await.unwrap(), None);
}

#[tokio::test]
async fn what_is_kept_goes_by_itself() {
    let server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    acme.put(MINUTE).await.unwrap();
    let left: i64 = server.ask(cmd("PTTL").arg(CURSOR)).await;
    assert!((1..=60_000).contains(&left), "{left}");
    let left: i64 = server.ask(cmd("PTTL").arg(GENERATION)).await;
    assert!((1..=60_000).contains(&left), "{left}");
    // As long as the last of its cursors.
    acme.put(100 * MINUTE).await.unwrap();
    acme.put(MINUTE).await.unwrap();
    let left: i64 = server.ask(cmd("PTTL").arg(GENERATION)).await;
    assert!(left > 99 * 60_000, "it is not cut short: {left}");
    acme.revoke().await.unwrap();
    assert_eq!(
        server.ask::<u64>(cmd("EXISTS").arg(GENERATION)).await,
        0,
        "there is nothing to keep"
    );
    acme.put(Duration::ZERO).await.unwrap();
    acme.put(Duration::MAX).await.unwrap();
}

#[tokio::test]
async fn what_is_revoked_stays_so_whatever_is_forgotten() {
    let server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    // Kept for longer than the service that revokes it thinks: it was told another time since.
    acme.put(100 * MINUTE).await.unwrap();
    acme.revoke().await.unwrap();
    // As when time has passed, or a server that is full has evicted it.
    server.ask::<()>(cmd("DEL").arg(GENERATION)).await;
    assert_eq!(acme.get().await.unwrap(), None);
    let other = Put::new([1; 16], &acme.key, Bytes::new(), MINUTE);
    acme.store.put(other).await.unwrap();
    assert_eq!(acme.get().await.unwrap(), None);
    // Nor does the first of a generation bring back the others, sent again by a client that lost the reply.
    acme.revoke().await.unwrap();
    acme.store.put(Put::new([2; 16], &acme.key, Bytes::new(), MINUTE)).await.unwrap();
    acme.put(MINUTE).await.unwrap();
    acme.revoke().await.unwrap();
    acme.store.put(Put::new([2; 16], &acme.key, Bytes::new(), MINUTE)).await.unwrap();
    assert_eq!(acme.get().await.unwrap(), None);
    server.ask::<()>(cmd("SET").arg(CURSOR).arg("x")).await;
    assert_eq!(acme.get().await.unwrap_err().kind(), StoreErrorKind::Incompatible);
}

#[tokio::test]
async fn what_is_none_of_ours_is_an_error_and_a_server_that_is_gone_too() {
    let mut server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    server.ask::<()>(cmd("LPUSH").arg(GENERATION).arg("x")).await;
    let [put, get, revoke] = acme.errors().await;
    assert!(put.is_some() && revoke.is_some() && get.is_none(), "{put:?} {get:?} {revoke:?}");
    server.ask::<()>(cmd("DEL").arg(GENERATION)).await;
    assert_eq!(acme.errors().await, [None; 3]);
    server.kill();
    for error in acme.errors().await {
        let kind = error.unwrap();
        assert!(matches!(kind, StoreErrorKind::Unavailable | StoreErrorKind::TimedOut), "{kind:?}");
    }
}
