//! The store over Redis: under the suites, by its round trips, by what is there, and on servers that go
//! away.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, cmd};
use redis_server::{Cluster, Counting, Server, Twice, until};
use stonework_versioning::store::redis1::{RedisStore, Warning};
use stonework_versioning::store::{
    Change, Changed, Lookup, Pin, PinStore, Pinned, Seen, Unpinned, UsageStore, User, Users,
};
use stonework_versioning::testing::{pin_conformance, usage_conformance};
use stonework_versioning::{Key, Moment, StoreError, StoreErrorKind};

/// Longer than any wait of a test that passes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Of the account that is asked about: short, and no text.
const ACME: &[u8] = b"acme\xff";
const PIN: &[u8] = b"stonework:versioning:pin:acme\xff";
const SEEN: &str = "stonework:versioning:seen:v1";

/// A store as a service uses it, with one account.
struct Acme<C> {
    store: RedisStore<C>,
    key: Key,
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Acme<C> {
    fn new(connection: C) -> Self {
        Self::on(RedisStore::new(connection))
    }

    fn on(store: RedisStore<C>) -> Self {
        Self { store, key: Key::from(ACME) }
    }

    async fn version(&self) -> Result<Option<String>, StoreError> {
        self.store.get(Lookup::new(&self.key)).await
    }

    async fn pin(&self, version: &str) -> Result<Pinned, StoreError> {
        self.store.pin_if_absent(Pin::new(&self.key, version)).await
    }

    async fn change(&self, from: &str, to: &str) -> Result<Changed, StoreError> {
        self.store.compare_and_set(Change::new(&self.key, from, to)).await
    }

    async fn unpin(&self) -> Result<Unpinned, StoreError> {
        self.store.unpin(Lookup::new(&self.key)).await
    }

    async fn seen(&self, at: u64) -> Result<(), StoreError> {
        self.other_seen(&self.key, at).await
    }

    async fn other_seen(&self, account: &Key, at: u64) -> Result<(), StoreError> {
        self.store.seen(Seen::new(account, "v1", Moment::unix(at))).await
    }

    async fn users(&self) -> Result<Vec<(Vec<u8>, u64)>, StoreError> {
        let users = self.store.users(Users::new("v1", usize::MAX)).await?;
        let user = |user: &User| (user.account.as_bytes().to_vec(), user.last_seen.as_unix());
        Ok(users.iter().map(user).collect())
    }

    /// What each operation fails with. They are made in this order.
    async fn errors(&self) -> [Option<StoreErrorKind>; 6] {
        [
            self.version().await.err(),
            self.pin("v1").await.err(),
            self.change("v1", "v2").await.err(),
            self.unpin().await.err(),
            self.seen(1).await.err(),
            self.users().await.err(),
        ]
        .map(|error| error.map(|error| error.kind()))
    }

    async fn errors_in_time(&self) -> [Option<StoreErrorKind>; 6] {
        tokio::time::timeout(DEADLINE, self.errors()).await.unwrap()
    }
}

fn to(version: &str) -> Pinned {
    Pinned::To(version.to_owned())
}

fn known(users: &[(&[u8], u64)]) -> Vec<(Vec<u8>, u64)> {
    users.iter().map(|(account, at)| (account.to_vec(), *at)).collect()
}

async fn conformance<C>(connection: C)
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    let store = RedisStore::new(connection);
    pin_conformance(store.clone()).await;
    usage_conformance(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server() {
    let server = Server::start().await;
    conformance(server.connection().await).await;
    conformance(server.manager().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_by_the_newer_protocol() {
    let server = Server::start().await;
    let client = Client::open(format!("{}?protocol=resp3", server.url())).unwrap();
    let patient = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(DEADLINE))
        .set_response_timeout(Some(DEADLINE));
    let connection = client.get_multiplexed_async_connection_with_config(&patient).await;
    conformance(connection.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_three() {
    let cluster = Cluster::start().await;
    conformance(cluster.connection().await).await;
}

#[tokio::test]
async fn each_operation_is_one_round_trip() {
    let server = Server::start().await;
    let counting = Counting::new(server.connection().await);
    let acme = Acme::new(counting.clone());
    // The first call sends the script in full.
    for expected in [[1, 2, 2, 1, 2, 1], [1; 6]] {
        let mut trips = Vec::new();
        acme.version().await.unwrap();
        trips.push(counting.take());
        acme.pin("v1").await.unwrap();
        trips.push(counting.take());
        acme.change("v1", "v2").await.unwrap();
        trips.push(counting.take());
        acme.unpin().await.unwrap();
        trips.push(counting.take());
        acme.seen(1).await.unwrap();
        trips.push(counting.take());
        acme.users().await.unwrap();
        trips.push(counting.take());
        assert_eq!(trips, expected);
    }
}

#[tokio::test]
async fn what_is_sent_twice_is_done_once() {
    let server = Server::start().await;
    let acme = Acme::new(Twice(server.connection().await));
    assert_eq!(acme.pin("v1").await.unwrap(), to("v1"));
    assert_eq!(acme.change("v1", "v2").await.unwrap(), Changed::Yes);
    assert_eq!(acme.version().await.unwrap().as_deref(), Some("v2"));
    assert_eq!(acme.unpin().await.unwrap(), Unpinned::NotPinned, "it was taken off before");
    assert_eq!(acme.version().await.unwrap(), None);
    acme.seen(2).await.unwrap();
    acme.seen(1).await.unwrap();
    assert_eq!(acme.users().await.unwrap(), known(&[(ACME, 2)]));
}

#[tokio::test]
async fn scripts_that_are_flushed_are_sent_again() {
    let server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    let flush = || async { server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await };
    for n in 0..2 {
        flush().await;
        assert_eq!(acme.pin("v1").await.unwrap(), to("v1"));
        flush().await;
        assert_eq!(acme.change("v1", "v1").await.unwrap(), Changed::Yes);
        flush().await;
        acme.seen(n).await.unwrap();
        assert_eq!(acme.users().await.unwrap(), known(&[(ACME, n)]));
    }
}

#[tokio::test]
async fn keys_stand_where_the_documentation_says() {
    let server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    acme.pin("v1").await.unwrap();
    acme.seen(7).await.unwrap();
    assert_eq!(server.ask::<String>(cmd("GET").arg(PIN)).await, "v1");
    assert_eq!(server.ask::<i64>(cmd("TTL").arg(PIN)).await, -1, "it never ends");
    let score: f64 = server.ask(cmd("ZSCORE").arg(SEEN).arg(ACME)).await;
    assert_eq!(score, 7.0);
    assert_eq!(server.ask::<usize>(&cmd("DBSIZE")).await, 2, "and nothing else");
    let other = Acme::on(RedisStore::new(server.connection().await).key_prefix("other:"));
    assert_eq!(other.version().await.unwrap(), None, "it is of another service");
    assert_eq!(other.users().await.unwrap(), []);
    assert_eq!(other.pin("v2").await.unwrap(), to("v2"));
    assert_eq!(acme.version().await.unwrap().as_deref(), Some("v1"));
}

#[tokio::test]
async fn what_was_written_by_hand_is_read() {
    let server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    server.ask::<()>(cmd("SET").arg(PIN).arg("v9").arg("EX").arg(1_000)).await;
    assert_eq!(acme.version().await.unwrap().as_deref(), Some("v9"));
    assert_eq!(acme.pin("v1").await.unwrap(), to("v9"));
    assert_eq!(acme.change("v9", "v1").await.unwrap(), Changed::Yes);
    assert_eq!(server.ask::<i64>(cmd("TTL").arg(PIN)).await, -1, "it never ends");
    let users =
        ["-5", "below", "1.9", "between", "1e300", "beyond", "-inf", "first", "inf", "last"];
    server.ask::<()>(cmd("ZADD").arg(SEEN).arg(&users)).await;
    let expected: [(&[u8], u64); 5] =
        [(b"last", u64::MAX), (b"beyond", u64::MAX), (b"between", 1), (b"below", 0), (b"first", 0)];
    assert_eq!(acme.users().await.unwrap(), known(&expected));
}

#[tokio::test]
async fn what_is_none_of_ours_is_an_error_and_stays() {
    let server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    server.ask::<()>(cmd("RPUSH").arg(PIN).arg("x")).await;
    server.ask::<()>(cmd("SET").arg(SEEN).arg("x")).await;
    assert_eq!(acme.errors().await, [Some(StoreErrorKind::Incompatible); 6]);
    assert_eq!(server.ask::<Vec<String>>(cmd("LRANGE").arg(PIN).arg(0).arg(-1)).await, ["x"]);
    assert_eq!(server.ask::<String>(cmd("GET").arg(SEEN)).await, "x");
}

#[tokio::test]
async fn a_version_that_is_no_text_is_an_error_and_can_be_taken_off() {
    let server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    server.ask::<()>(cmd("SET").arg(PIN).arg(&b"v\xff"[..])).await;
    let incompatible = Some(StoreErrorKind::Incompatible);
    assert_eq!(acme.errors().await, [incompatible, incompatible, incompatible, None, None, None]);
    assert_eq!(acme.version().await.unwrap(), None, "it was taken off");
}

#[tokio::test]
async fn what_is_too_long_is_not_sent() {
    let server = Server::start().await;
    let counting = Counting::new(server.connection().await);
    let mut acme = Acme::new(counting.clone());
    acme.key = Key::from("l".repeat(257));
    assert_eq!(acme.pin("v1").await.unwrap(), Pinned::Full);
    acme.seen(1).await.unwrap();
    assert_eq!(counting.take(), 0);
    assert_eq!(acme.version().await.unwrap(), None);
    assert_eq!(acme.change("v1", "v2").await.unwrap(), Changed::NotPinned);
    assert_eq!(acme.unpin().await.unwrap(), Unpinned::NotPinned);
    assert_eq!(server.ask::<usize>(&cmd("DBSIZE")).await, 0);
    acme.key = Key::from("l".repeat(256));
    assert_eq!(acme.pin("v1").await.unwrap(), to("v1"));
}

#[tokio::test]
async fn who_was_not_seen_for_the_longest_time_is_forgotten_first() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let acme = Acme::on(store.clone().most_users(3));
    for (account, at) in [("a", 10), ("b", 20), ("c", 15), ("a", 30), ("d", 25)] {
        acme.other_seen(&Key::from(account), at).await.unwrap();
    }
    let expected = known(&[(b"a", 30), (b"d", 25), (b"b", 20)]);
    assert_eq!(acme.users().await.unwrap(), expected);
    acme.other_seen(&Key::from("e"), 19).await.unwrap();
    assert_eq!(acme.users().await.unwrap(), expected, "all others were seen later");
    let fewer = Acme::on(store.clone().most_users(1));
    fewer.other_seen(&Key::from("a"), 30).await.unwrap();
    assert_eq!(fewer.users().await.unwrap(), known(&[(b"a", 30)]));
    let all = Acme::on(store.most_users(usize::MAX));
    all.other_seen(&Key::from("b"), 20).await.unwrap();
    assert_eq!(all.users().await.unwrap(), known(&[(b"a", 30), (b"b", 20)]));
}

#[tokio::test]
async fn of_each_version_so_many_are_kept_as_the_documentation_says() {
    let server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    let fill = "for n = 1, 100000 do redis.call('ZADD', KEYS[1], n, n) end";
    server.ask::<()>(cmd("EVAL").arg(fill).arg(1).arg(SEEN)).await;
    acme.other_seen(&Key::from("2"), 200_000).await.unwrap();
    assert_eq!(server.ask::<usize>(cmd("ZCARD").arg(SEEN)).await, 100_000, "there was room");
    acme.seen(200_001).await.unwrap();
    assert_eq!(server.ask::<usize>(cmd("ZCARD").arg(SEEN)).await, 100_000);
    let forgotten: Option<f64> = server.ask(cmd("ZSCORE").arg(SEEN).arg("1")).await;
    assert_eq!(forgotten, None);
}

#[tokio::test]
async fn a_full_server_refuses_new_pins_and_keeps_those_that_it_has() {
    let server = Server::start().await;
    let acme = Acme::new(server.connection().await);
    let mut other = Acme::on(acme.store.clone());
    other.key = Key::from("other");
    acme.pin("v1").await.unwrap();
    acme.seen(1).await.unwrap();
    server.config_set("maxmemory", "1").await;
    assert_eq!(other.pin("v1").await.unwrap(), Pinned::Full);
    assert_eq!(other.version().await.unwrap(), None, "nothing was changed");
    assert_eq!(acme.pin("v2").await.unwrap(), to("v1"), "it is pinned");
    assert_eq!(acme.users().await.unwrap(), known(&[(ACME, 1)]));
    let refused = acme.change("v1", "v2").await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Refused);
    assert_eq!(acme.seen(2).await.unwrap_err().kind(), StoreErrorKind::Refused);
    assert_eq!(acme.unpin().await.unwrap(), Unpinned::Yes);
}

/// A connection as a user who may do only this, on keys below the prefix.
async fn as_user(server: &Server, commands: &[&str]) -> MultiplexedConnection {
    let user = ["SETUSER", "app", "reset", "on", ">secret", "~stonework:versioning:*"];
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
        "+get",
        "+getdel",
        "+zrange",
        "+eval",
        "+evalsha",
        "+set",
        "+zadd",
        "+zremrangebyrank",
        "+info",
    ];
    let acme = Acme::new(as_user(&server, &rights).await);
    assert_eq!(acme.store.preflight().await, []);
    // Twice: with the scripts in full, and by their hashes.
    for _ in 0..2 {
        assert_eq!(acme.errors().await, [None; 6]);
    }
    let acme = Acme::new(as_user(&server, &["+get"]).await);
    let refused = Some(StoreErrorKind::Refused);
    assert_eq!(acme.errors().await, [None, refused, refused, refused, refused, refused]);
}

#[tokio::test]
async fn a_server_that_may_evict_is_warned_of() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    assert_eq!(store.preflight().await, []);
    server.config_set("maxmemory", "100mb").await;
    server.config_set("maxmemory-policy", "allkeys-lru").await;
    assert!(matches!(store.preflight().await.as_slice(), [Warning::CanEvict { .. }]));
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let mut server = Server::durable().await;
    let acme = Acme::new(server.manager().await);
    acme.pin("v1").await.unwrap();
    acme.change("v1", "v2").await.unwrap();
    acme.seen(5).await.unwrap();
    server.restart().await;
    until("it connects again", async || acme.version().await.is_ok()).await;
    assert_eq!(acme.pin("v3").await.unwrap(), to("v2"));
    assert_eq!(acme.change("v2", "v3").await.unwrap(), Changed::Yes);
    assert_eq!(acme.users().await.unwrap(), known(&[(ACME, 5)]));
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_outage() {
    let mut server = Server::start().await;
    let acme = Acme::new(server.manager().await);
    let plain = Acme::new(server.connection().await);
    assert_eq!(acme.errors().await, [None; 6]);
    server.kill();
    for errors in [acme.errors_in_time().await, plain.errors_in_time().await] {
        assert_eq!(errors, [Some(StoreErrorKind::Unavailable); 6]);
    }
    server.restart().await;
    until("it connects again", async || acme.errors().await == [None; 6]).await;
}

#[tokio::test]
async fn a_server_that_is_silent_is_an_outage() {
    let server = Server::start().await;
    let acme = Acme::new(server.impatient(Duration::from_millis(50)).await);
    server.pause().await;
    assert_eq!(acme.errors_in_time().await, [Some(StoreErrorKind::TimedOut); 6]);
    server.resume();
    until("it answers again", async || acme.errors().await == [None; 6]).await;
}

#[test]
fn debug_tells_the_prefix_and_no_more() {
    let store = RedisStore::new("a secret").key_prefix("p:").most_users(7);
    let expected = r#"RedisStore { prefix: "p:", most_users: 7, .. }"#;
    assert_eq!(format!("{store:?}"), expected);
}
