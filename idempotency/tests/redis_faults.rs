//! The store over Redis on servers that are full, old, strict, hung, killed, promoted or many.

// A helper of a test may panic as the test may.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisFuture, Value, cmd};
use stonework_core::StoreErrorKind;
use stonework_idempotency::Token;
use stonework_idempotency::store::redis1::{RedisStore, Warning};
use stonework_idempotency::store::{Claimed, Completed, Held, IdempotencyStore, State, Watch};
use support::redis::{Cluster, Server, until};
use support::run::{Run, answer, lease_left, lookup, owned, pttl};

#[tokio::test]
async fn a_full_server_refuses_new_keys_and_nothing_else() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let done = Run::new(&store, "done");
    done.claim().await;
    done.complete().await;
    let run = Run::new(&store, "in flight");
    run.claim().await;
    let gives_up = Run::new(&store, "gives up");
    gives_up.claim().await;
    let releases = Run::new(&store, "releases");
    releases.claim().await;
    server.config_set("maxmemory-policy", "noeviction").await;
    server.config_set("maxmemory", "1").await;

    let new = Run::new(&store, "new");
    assert_eq!(new.claim().await, Claimed::Full);
    assert_eq!(new.take_over(Token::random()).await, Claimed::Full);
    assert_eq!(pttl(&server, &new.lookup).await, -2, "nothing was written");

    let replay = Claimed::Taken(done.record(1, State::Completed(answer())));
    assert_eq!(done.other().claim().await, replay);
    assert!(lease_left(&run.other().claim().await, run.token) > Duration::ZERO);
    assert_eq!(run.claim().await, owned(1), "sent again");
    assert_eq!(run.save(b"c").await, Held::Held);
    assert_eq!(gives_up.renew(Duration::ZERO).await, Held::Held);
    assert_eq!(gives_up.other().take_over(gives_up.token).await, owned(2));
    releases.release().await;
    assert_eq!(pttl(&server, &releases.lookup).await, -2);
    assert_eq!(run.complete().await, Completed::Stored);
    let replay = Claimed::Taken(run.record(1, State::Completed(answer())));
    assert_eq!(run.other().claim().await, replay, "with its body");
}

#[tokio::test]
async fn preflight_warns_of_a_server_that_forgets() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    assert_eq!(store.preflight().await, []);
    server.config_set("maxmemory-policy", "allkeys-lru").await;
    assert_eq!(store.preflight().await, [], "without a limit nothing is evicted");
    server.config_set("maxmemory", "100mb").await;
    let warnings = store.preflight().await;
    assert!(
        matches!(&warnings[..], [Warning::CanEvict { policy, .. }] if policy == "allkeys-lru"),
        "{warnings:?}"
    );
    server.config_set("maxmemory-policy", "noeviction").await;
    assert_eq!(store.preflight().await, []);

    server.ask::<()>(cmd("ACL").arg(&["SETUSER", "default", "-info"])).await;
    let warnings = store.preflight().await;
    assert!(
        matches!(&warnings[..], [Warning::Unchecked { .. }, Warning::Unchecked { .. }]),
        "{warnings:?}"
    );
    assert!(warnings[1].to_string().contains("maxmemory-policy"));
}

/// A connection as a user who may do only this, on keys below the prefix.
async fn as_user(server: &Server, commands: &[&str]) -> MultiplexedConnection {
    let user = ["SETUSER", "app", "reset", "on", ">secret", "~stonework:idempotency:*"];
    server.ask::<()>(cmd("ACL").arg(&user).arg(commands)).await;
    let mut connection = server.connection().await;
    let auth = cmd("AUTH").arg(&["app", "secret"]).query_async(&mut connection).await;
    let () = auth.unwrap();
    connection
}

#[tokio::test]
async fn the_documented_rights_suffice_and_less_is_refused() {
    let server = Server::start().await;
    let rights = [
        "+set",
        "+get",
        "+getrange",
        "+setrange",
        "+exists",
        "+del",
        "+pttl",
        "+eval",
        "+evalsha",
        "+info",
    ];
    let store = RedisStore::new(as_user(&server, &rights).await);
    assert_eq!(store.preflight().await, []);
    let run = Run::new(&store, "k");
    let second = run.other();
    run.claim().await;
    second.claim().await;
    run.save(b"c").await;
    run.renew(Duration::ZERO).await;
    second.take_over(run.token).await;
    assert_eq!(second.complete().await, Completed::Stored);
    assert_eq!(Run::new(&store, "absent").complete().await, Completed::Stored);
    let run = Run::new(&store, "released");
    run.claim().await;
    run.release().await;
    assert_eq!(run.claim().await, owned(1));

    let elsewhere = store.clone().key_prefix("elsewhere:");
    let refused = Run::new(&elsewhere, "k").try_claim().await.unwrap_err();
    assert_eq!(refused, StoreErrorKind::Refused);
    let store = RedisStore::new(as_user(&server, &["+set"]).await);
    assert_eq!(Run::new(&store, "k").try_complete().await.unwrap_err(), StoreErrorKind::Refused);
}

#[tokio::test]
async fn a_crash_loses_nothing_of_a_durable_server() {
    let mut server = Server::durable().await;
    let store = RedisStore::new(server.manager().await);
    let done = Run::new(&store, "done");
    done.claim().await;
    done.complete().await;
    let run = Run::new(&store, "in flight");
    run.claim().await;

    server.kill();
    let down = run.other().try_claim().await.unwrap_err();
    assert_eq!(down, StoreErrorKind::Unavailable);
    server.restart().await;
    until("the connection is back", async || run.other().try_claim().await.is_ok()).await;
    assert!(lease_left(&run.other().claim().await, run.token) > Duration::ZERO);
    let replay = Claimed::Taken(done.record(1, State::Completed(answer())));
    assert_eq!(done.other().claim().await, replay);
    assert_eq!(run.complete().await, Completed::Stored);
}

#[tokio::test]
async fn a_server_that_hangs_times_out_and_the_claim_can_be_sent_again() {
    let server = Server::start().await;
    let impatient = RedisStore::new(server.impatient(Duration::from_millis(200)).await);
    let run = Run::new(&impatient, "k");
    server.pause().await;
    assert_eq!(run.try_claim().await.unwrap_err(), StoreErrorKind::TimedOut);
    server.resume();
    let store = RedisStore::new(server.connection().await);
    let run = Run { store: &store, lookup: run.lookup, token: run.token };
    // Whether or not the server got to see the first claim.
    assert_eq!(run.claim().await, owned(1));
    assert!(lease_left(&run.other().claim().await, run.token) > Duration::ZERO);
    run.release().await;
    assert_eq!(run.other().claim().await, owned(1), "as if never used");
}

#[tokio::test]
async fn a_promoted_replica_that_was_waited_for_has_every_answer() {
    let primary = Server::start().await;
    let replica = primary.replica().await;
    let mut connection = primary.connection().await;
    let store = RedisStore::new(connection.clone());
    let done = Run::new(&store, "done");
    done.claim().await;
    done.complete().await;
    let run = Run::new(&store, "in flight");
    run.claim().await;
    // WAIT counts the writes of its own connection.
    let acknowledged: i64 =
        cmd("WAIT").arg(1).arg(25_000).query_async(&mut connection).await.unwrap();
    assert_eq!(acknowledged, 1);

    replica.promote().await;
    let demote = ["127.0.0.1".to_owned(), replica.port().to_string()];
    primary.ask::<()>(cmd("REPLICAOF").arg(&demote)).await;
    let demoted = Run::new(&store, "new").try_claim().await.unwrap_err();
    assert_eq!(demoted, StoreErrorKind::Unavailable, "a demoted primary is an outage");
    assert_eq!(run.try_complete().await.unwrap_err(), StoreErrorKind::Unavailable);

    let store = RedisStore::new(replica.connection().await);
    let after = Run { store: &store, ..done };
    let replay = Claimed::Taken(after.record(1, State::Completed(answer())));
    assert_eq!(after.other().claim().await, replay);
    let after = Run { store: &store, ..run };
    assert!(lease_left(&after.other().claim().await, after.token) > Duration::ZERO);
    assert_eq!(after.complete().await, Completed::Stored);
}

#[tokio::test]
async fn a_cluster_keeps_each_record_on_one_node() {
    let cluster = Cluster::start().await;
    let store = RedisStore::new(cluster.connection().await);
    assert_eq!(store.preflight().await, []);
    for n in 0..50 {
        let run = Run::new(&store, &n.to_string());
        let second = run.other();
        assert_eq!(run.claim().await, owned(1));
        assert!(lease_left(&second.claim().await, run.token) > Duration::ZERO);
        assert_eq!(run.renew(Duration::ZERO).await, Held::Held);
        assert_eq!(second.take_over(run.token).await, owned(2));
        assert_eq!(second.complete().await, Completed::Stored);
        let replay = second.record(1, State::Completed(answer()));
        assert_eq!(run.claim().await, Claimed::Taken(replay));
    }
    for node in &cluster.nodes {
        assert!(node.ask::<usize>(&cmd("DBSIZE")).await > 0);
    }
    let last = &cluster.nodes[2];
    last.config_set("maxmemory-policy", "volatile-lru").await;
    last.config_set("maxmemory", "100mb").await;
    let warnings = store.preflight().await;
    assert!(
        matches!(&warnings[..], [Warning::CanEvict { .. }]),
        "every primary is asked: {warnings:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_pauses_longer_from_round_to_round() {
    let store = RedisStore::new(Unreachable);
    let lookup = lookup("k");
    for (round, longest) in [(0, 25), (1, 50), (2, 100), (9, 500), (u32::MAX, 500)] {
        let watch = store.watch(Watch::new(&lookup, Token::random(), round));
        let longest = Duration::from_millis(longest);
        assert!(tokio::time::timeout(longest + Duration::from_millis(1), watch).await.is_ok());
        let watch = store.watch(Watch::new(&lookup, Token::random(), round));
        assert!(tokio::time::timeout(longest / 3, watch).await.is_err(), "no busy loop");
    }
}

/// Nothing may be sent over it.
#[derive(Clone)]
struct Unreachable;

impl ConnectionLike for Unreachable {
    fn req_packed_command<'a>(&'a mut self, _: &'a Cmd) -> RedisFuture<'a, Value> {
        unreachable!("nothing is sent")
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a Pipeline,
        _: usize,
        _: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        unreachable!("nothing is sent")
    }

    fn get_db(&self) -> i64 {
        0
    }
}
