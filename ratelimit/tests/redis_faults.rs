//! The store over Redis on servers that are full, strict, hung, killed or promoted.

// A helper of a test may panic as the test may.
#![allow(clippy::unwrap_used)]

#[path = "support/buckets.rs"]
#[allow(dead_code)]
mod buckets;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;

use std::error::Error;
use std::time::Duration;

use buckets::{Client, PREFIX, acquire, bucket_keys, fits, hourly, hours};
use redis::aio::MultiplexedConnection;
use redis::cmd;
use redis_server::{Server, until};
use stonework_core::StoreErrorKind;
use stonework_ratelimit::Span;
use stonework_ratelimit::store::redis1::{RedisStore, Warning};
use stonework_ratelimit::store::{Acquire, Acquired, AdjustId, RateLimitStore};

async fn fill(server: &Server) {
    server.config_set("maxmemory-policy", "noeviction").await;
    server.config_set("maxmemory", "1").await;
}

#[tokio::test]
async fn a_full_server_takes_no_tokens_and_keeps_its_books() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let client = Client::new(&store, "k", hourly(5));
    let empty = Client::new(&store, "empty", hourly(1));
    let new = Client::new(&store, "new", hourly(5));
    assert!(client.take(2).await && empty.take(1).await);
    fill(&server).await;

    for client in [&client, &new] {
        assert_eq!(client.try_take(1).await, Err(StoreErrorKind::Refused));
        assert_eq!(client.try_lease(1, 1).await.unwrap_err(), StoreErrorKind::Refused);
    }
    let both = [client.demand(1), new.demand(1)];
    let refused = store.acquire(Acquire::new(&both)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Refused);
    assert!(refused.source().unwrap().to_string().contains("OOM"), "with its cause");
    let half = acquire(&store, &[client.demand(0), new.demand(1).shadow(true)]).await;
    let watched = acquire(&store, &both.map(|demand| demand.shadow(true))).await;
    for (acquired, expected) in [(half, [true, false]), (watched, [false, false])] {
        assert!(matches!(acquired, Acquired::Granted(_)), "a shadow fails nothing");
        assert_eq!(fits(&acquired), expected, "what was not charged does not fit");
    }
    assert_eq!(client.left().await, 3);
    assert_eq!(bucket_keys(&server).await.len(), 2, "nothing was written");
    assert!(!empty.take(1).await, "a denial is told");
    let denied = acquire(&store, &[new.demand(1), empty.demand(1)]).await;
    assert!(matches!(denied, Acquired::Denied(_)));

    let id = AdjustId::random();
    for client in [&client, &empty] {
        assert_eq!(client.try_adjust(-1, id).await, Err(StoreErrorKind::Refused));
    }
    assert_eq!([client.left().await, empty.left().await], [3, 0], "nothing is given back");
    let charge = AdjustId::random();
    for _ in 0..2 {
        assert!(client.try_adjust(3, charge).await.unwrap() > hours(4));
    }
    assert!(client.level().await.debt <= hours(5), "and it counts once");
    assert!(new.adjust(2).await > hours(1), "a charge is not forgotten");
    client.reset().await;
    assert_eq!(client.left().await, 5);

    server.config_set("maxmemory", "0").await;
    assert_eq!(empty.try_adjust(-1, id).await, Ok(Span::ZERO), "what was refused is no repeat");
    assert!(client.take(5).await && new.take(3).await && !new.take(1).await);
}

#[tokio::test]
async fn preflight_warns_of_a_server_that_forgets() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    assert_eq!(store.preflight().await, []);
    server.config_set("maxmemory-policy", "allkeys-lru").await;
    server.config_set("maxmemory", "100mb").await;
    let warnings = store.preflight().await;
    assert!(matches!(&warnings[..], [Warning::CanEvict { .. }]), "{warnings:?}");
}

/// A connection as a user who may do only this, on keys below the prefix.
async fn as_user(server: &Server, commands: &[&str]) -> MultiplexedConnection {
    let keys = format!("~{PREFIX}*");
    let user = ["SETUSER", "app", "reset", "on", ">secret", &keys];
    server.ask::<()>(cmd("ACL").arg(&user).arg(commands)).await;
    let mut connection = server.connection().await;
    let auth = cmd("AUTH").arg(&["app", "secret"]).query_async(&mut connection).await;
    let () = auth.unwrap();
    connection
}

#[tokio::test]
async fn the_documented_rights_suffice_and_less_is_refused() {
    let server = Server::start().await;
    let rights = ["+get", "+set", "+del", "+time", "+eval", "+evalsha", "+info"];
    let store = RedisStore::new(as_user(&server, &rights).await);
    assert_eq!(store.preflight().await, []);
    let client = Client::new(&store, "k", hourly(5));
    let other = Client::new(&store, "other", hourly(5));
    assert!(client.take(1).await);
    assert!(client.take(1).await, "by its hash");
    let both = acquire(&store, &[client.demand(1), other.demand(1)]).await;
    assert!(matches!(both, Acquired::Granted(_)));
    assert_eq!(client.lease(9, 1).await, 2);
    client.adjust(1).await;
    assert_eq!(client.adjust(-6).await, Span::ZERO);
    other.reset().await;
    assert_eq!(other.left().await, 5);

    let elsewhere = store.clone().key_prefix("elsewhere:");
    let refused = Client::new(&elsewhere, "k", hourly(5)).try_take(1).await;
    assert_eq!(refused, Err(StoreErrorKind::Refused));
    for missing in rights.iter().filter(|right| **right != "+info") {
        let fewer: Vec<_> = rights.iter().filter(|right| *right != missing).copied().collect();
        let store = RedisStore::new(as_user(&server, &fewer).await);
        server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
        let client = Client::new(&store, "k", hourly(5));
        let mut refused = client.try_take(1).await.err();
        refused = refused.or(client.try_adjust(-9, AdjustId::random()).await.err());
        assert_eq!(refused, Some(StoreErrorKind::Refused), "without {missing}");
    }
}

#[tokio::test]
async fn a_crash_loses_nothing_of_a_durable_server() {
    let mut server = Server::durable().await;
    let store = RedisStore::new(server.manager().await);
    let client = Client::new(&store, "k", hourly(5));
    let id = AdjustId::random();
    assert!(client.take(4).await);
    client.try_adjust(-1, id).await.unwrap();

    server.kill();
    let wait = Duration::from_secs(60);
    let down = tokio::time::timeout(wait, client.try_take(1)).await.expect("no hanging");
    assert_eq!(down, Err(StoreErrorKind::Unavailable));
    server.restart().await;
    until("the connection is back", async || client.try_take(0).await.is_ok()).await;
    assert_eq!(client.left().await, 2);
    client.try_adjust(-1, id).await.unwrap();
    assert_eq!(client.left().await, 2, "the correction counts once");
    assert!(client.take(2).await && !client.take(1).await);
}

#[tokio::test]
async fn a_server_that_forgets_all_has_only_full_buckets() {
    let mut server = Server::start().await;
    let store = RedisStore::new(server.manager().await);
    let client = Client::new(&store, "k", hourly(5));
    assert!(client.take(5).await);
    server.restart().await;
    until("the connection is back", async || client.try_take(0).await.is_ok()).await;
    assert_eq!(client.left().await, 5);
}

#[tokio::test]
async fn a_server_that_hangs_times_out_and_admits_no_more_than_there_is() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let client = Client::new(&store, "k", hourly(5));
    assert!(client.take(1).await);
    let impatient = RedisStore::new(server.impatient(Duration::from_millis(200)).await);
    let hasty = Client::new(&impatient, "k", hourly(5));
    server.pause().await;
    assert_eq!(hasty.try_take(1).await, Err(StoreErrorKind::TimedOut));
    let id = AdjustId::random();
    assert_eq!(hasty.try_adjust(2, id).await, Err(StoreErrorKind::TimedOut));
    server.resume();
    // Whether or not the server got to see what was sent in the pause.
    client.try_adjust(2, id).await.unwrap();
    let left = client.left().await;
    assert!(left == 1 || left == 2, "{left}");
    let mut granted = 0;
    while client.take(1).await {
        granted += 1;
    }
    assert!(granted <= 2, "the correction counted once");
}

#[tokio::test]
async fn a_promoted_replica_that_was_waited_for_has_every_charge() {
    let primary = Server::start().await;
    let replica = primary.replica().await;
    let mut connection = primary.connection().await;
    let store = RedisStore::new(connection.clone());
    let client = Client::new(&store, "k", hourly(5));
    assert!(client.take(4).await);
    // WAIT counts the writes of its own connection.
    let acknowledged: i64 =
        cmd("WAIT").arg(1).arg(25_000).query_async(&mut connection).await.unwrap();
    assert_eq!(acknowledged, 1);

    replica.promote().await;
    let demote = ["127.0.0.1".to_owned(), replica.port().to_string()];
    primary.ask::<()>(cmd("REPLICAOF").arg(&demote)).await;
    let demoted = client.try_take(1).await.unwrap_err();
    assert_eq!(demoted, StoreErrorKind::Unavailable, "a demoted primary is an outage");
    let demoted = client.try_adjust(1, AdjustId::random()).await.unwrap_err();
    assert_eq!(demoted, StoreErrorKind::Unavailable);

    let store = RedisStore::new(replica.connection().await);
    let client = Client::new(&store, "k", hourly(5));
    assert_eq!(client.left().await, 1);
    assert!(client.take(1).await && !client.take(1).await);
}
