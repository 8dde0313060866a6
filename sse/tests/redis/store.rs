//! The log by itself: under the suite, by its round trips, and by what is there.

use std::time::Duration;

use bytes::Bytes;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Value, cmd};
use stonework_core::{Key, StoreError, StoreErrorKind};
use stonework_sse::Position;
use stonework_sse::store::redis1::{RedisLog, Warning};
use stonework_sse::store::{Append, EventLog, Head, Lost, Read, ReadAfter};
use stonework_sse::testing::{log_conformance, trim_conformance};

use crate::listening::try_to_listen;
use crate::nodes::LOG;
use crate::redis_server::{Cluster, Counting, Server, Twice, until};

/// With the first 16 bytes of the SHA-256 of `acct_7`.
pub(crate) const EVENTS: &str = "stonework:sse:{92820572b5399cdbd17a247e3d6328fb}:events";
pub(crate) const HASH: &str = "stonework:sse:{92820572b5399cdbd17a247e3d6328fb}:log";
const ID: &str =
    "stonework:sse:{92820572b5399cdbd17a247e3d6328fb}:id:01010101010101010101010101010101";

const HOUR: i64 = 3_600_000;

/// One log as a hub uses it.
struct Log<L> {
    store: L,
    name: Key,
}

impl<L: EventLog> Log<L> {
    fn of(store: L) -> Self {
        Self { store, name: Key::from(LOG) }
    }

    async fn append(&self, id: u8) -> Result<Position, StoreError> {
        let (topic, body) = (Key::from("t"), Bytes::from_static(b"data: x\n\n"));
        self.store.append(Append::new(&self.name, [id; 16], &topic, body)).await
    }

    async fn add(&self, id: u8) -> Position {
        self.append(id).await.unwrap()
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.store.head(Head::new(&self.name)).await
    }

    async fn read(&self, after: Position) -> Result<Read, StoreError> {
        self.store.read_after(ReadAfter::new(&self.name, after, 10)).await
    }

    async fn offsets(&self, after: Position) -> Vec<u64> {
        match self.read(after).await.unwrap() {
            Read::Events(events) => events.iter().map(|event| event.position.offset).collect(),
            other => panic!("{other:?}"),
        }
    }

    async fn gap(&self, after: Position) -> (Lost, Position) {
        match self.read(after).await.unwrap() {
            Read::Gap(gap) => (gap.lost, gap.resume),
            other => panic!("{other:?}"),
        }
    }

    /// What each operation fails with.
    async fn errors(&self) -> [Option<StoreErrorKind>; 4] {
        [
            self.append(1).await.err(),
            self.head().await.err(),
            self.read(Position::start(1)).await.err(),
            try_to_listen(&self.store, &self.name).await.err(),
        ]
        .map(|error| error.map(|error| error.kind()))
    }
}

/// A log on this server.
async fn on(server: &Server) -> Log<RedisLog<MultiplexedConnection>> {
    Log::of(RedisLog::new(server.connection().await, server.client()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server() {
    let server = Server::start().await;
    let log = RedisLog::new(server.connection().await, server.client());
    log_conformance(log.clone()).await;
    trim_conformance(log.max_events(10)).await;
    log_conformance(RedisLog::new(server.manager().await, server.client())).await;
    // Clients of a cluster send again by themselves.
    let twice = RedisLog::new(Twice(server.connection().await), server.client());
    log_conformance(twice.key_prefix("shop:{x}:")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_three() {
    let cluster = Cluster::start().await;
    for node in &cluster.nodes {
        let log = RedisLog::new(cluster.connection().await, node.client());
        log_conformance(log.clone()).await;
        trim_conformance(log.max_events(10)).await;
    }
    for node in &cluster.nodes {
        assert!(node.ask::<usize>(&cmd("DBSIZE")).await > 0, "logs are on all nodes");
    }
}

#[tokio::test]
async fn an_operation_is_one_round_trip() {
    let server = Server::start().await;
    let counting = Counting::new(server.connection().await);
    let log = Log::of(RedisLog::new(counting.clone(), server.client()));
    // The first call sends the script in full.
    for expected in [[2, 2, 1, 0], [1, 1, 1, 0]] {
        let mut trips = Vec::new();
        let last = log.add(expected[0] as u8).await;
        trips.push(counting.take());
        assert_eq!(log.head().await.unwrap(), last);
        trips.push(counting.take());
        log.read(last).await.unwrap();
        trips.push(counting.take());
        try_to_listen(&log.store, &log.name).await.unwrap();
        trips.push(counting.take());
        assert_eq!(trips, expected);
    }
}

#[tokio::test]
async fn keys_stand_where_the_documentation_says() {
    let server = Server::start().await;
    let log = on(&server).await;
    let position = log.add(1).await;
    let epoch = format!("{:08x}", position.epoch);
    assert_eq!(position, Position::start(position.epoch).then([1; 16]));
    let hash: Vec<String> = server.ask(cmd("HGETALL").arg(HASH)).await;
    assert_eq!(hash, ["epoch", &epoch, "offset", "1", "tag", "00000001"]);
    assert_eq!(server.ask::<String>(cmd("GET").arg(ID)).await, position.to_string());
    let stream: Value = server.ask(cmd("XRANGE").arg(&[EVENTS, "-", "+"])).await;
    let text = |text: &str| Value::BulkString(text.into());
    let fields = ["t", "t", "p", "00000000", "g", "00000001", "b", "data: x\n\n"].map(text).into();
    let event = Value::Array(vec![text("1-0"), Value::Array(fields)]);
    assert_eq!(stream, Value::Array(vec![event]));
    assert_eq!(server.ask::<usize>(&cmd("DBSIZE")).await, 3, "and nothing else");

    let other = Log::of(log.store.clone().key_prefix("other:"));
    assert_eq!(other.head().await.unwrap().offset, 0, "it is of another service");
    let keys: Vec<String> = server.ask(cmd("KEYS").arg("other:*")).await;
    assert_eq!(keys, ["other:{92820572b5399cdbd17a247e3d6328fb}:log"]);
}

/// In milliseconds, about.
async fn stays(server: &Server, key: &str, expected: i64) -> bool {
    let left: i64 = server.ask(cmd("PTTL").arg(key)).await;
    (expected - HOUR / 2..=expected).contains(&left)
}

#[tokio::test]
async fn what_is_kept_goes_by_itself() {
    let server = Server::start().await;
    let log = on(&server).await;
    log.head().await.unwrap();
    assert!(stays(&server, HASH, 25 * HOUR).await);
    log.add(1).await;
    assert!(stays(&server, EVENTS, HOUR).await && stays(&server, HASH, 25 * HOUR).await);
    assert!((1..=300_000).contains(&server.ask::<i64>(cmd("PTTL").arg(ID)).await));

    let longer = log.store.clone().max_age(Duration::from_secs(7_200));
    let longer = Log::of(longer.repeats_for(Duration::from_secs(3_600)));
    longer.add(2).await;
    assert!(stays(&server, EVENTS, 2 * HOUR).await && stays(&server, HASH, 26 * HOUR).await);

    let longest = Log::of(log.store.clone().max_age(Duration::MAX).repeats_for(Duration::MAX));
    longest.add(3).await;
    let least = Log::of(log.store.clone().max_age(Duration::ZERO).repeats_for(Duration::ZERO));
    let last = least.add(4).await;
    until("the events are gone", async || {
        server.ask::<usize>(cmd("EXISTS").arg(EVENTS)).await == 0
    })
    .await;
    assert_eq!(log.offsets(last).await, [] as [u64; 0], "who has read them misses none");
    assert_eq!(log.gap(Position::start(last.epoch)).await, (Lost::Trimmed, last));
    assert_eq!(log.add(5).await, last.then([5; 16]), "it goes on");
}

#[tokio::test]
async fn a_quiet_log_that_is_read_stays() {
    let server = Server::start().await;
    let log = on(&server).await;
    let head = log.head().await.unwrap();
    let soon = (HOUR / 2).to_string();
    for _ in 0..2 {
        server.ask::<()>(cmd("PEXPIRE").arg(&[HASH, &soon])).await;
        log.read(head).await.unwrap();
        assert!(stays(&server, HASH, 25 * HOUR).await);
    }
    // Nothing is written as long as there is time.
    server.ask::<()>(cmd("PEXPIRE").arg(HASH).arg(20 * HOUR)).await;
    log.read(head).await.unwrap();
    assert!(stays(&server, HASH, 20 * HOUR).await);
}

#[tokio::test]
async fn offsets_are_whole_numbers_however_large() {
    let server = Server::start().await;
    let log = on(&server).await;
    let last = (1_u64 << 53) - 2;
    for before in [999_999, 99_999_999_999_999, last] {
        let hash = ["epoch", "0000c0de", "tag", "00c0ffee", "offset", &before.to_string()];
        server.ask::<()>(cmd("DEL").arg(EVENTS)).await;
        server.ask::<()>(cmd("HSET").arg(HASH).arg(&hash)).await;
        let start = Position::new(0xc0de, before, 0xc0ffee);
        assert_eq!(log.head().await.unwrap(), start);
        assert_eq!(log.append(before as u8).await.unwrap(), start.then([before as u8; 16]));
        assert_eq!(log.offsets(start).await, [before + 1]);
    }
}

/// As a server that was given back an older state of one key.
#[tokio::test]
async fn keys_that_do_not_belong_together_are_a_new_log() {
    for appends in [true, false] {
        let server = Server::start().await;
        let log = on(&server).await;
        for id in 1..=3 {
            log.add(id).await;
        }
        let before = log.head().await.unwrap();
        server.ask::<()>(cmd("HSET").arg(&[HASH, "offset", "2", "tag", "02020202"])).await;
        if appends {
            assert_eq!(log.add(4).await.offset, 1);
        }
        let (lost, resume) = log.gap(before).await;
        assert_eq!((lost, resume.offset), (Lost::Replaced, 0));
        assert_eq!(log.offsets(resume).await.len(), usize::from(appends));
        assert_ne!(log.head().await.unwrap().epoch, before.epoch);
        log.add(5).await;
    }
}

#[tokio::test]
async fn an_event_that_somebody_has_deleted_is_a_gap() {
    let server = Server::start().await;
    let log = on(&server).await;
    let start = log.head().await.unwrap();
    let mut places = vec![start];
    for id in 1..=6 {
        places.push(log.add(id).await);
    }
    server.ask::<()>(cmd("XDEL").arg(&[EVENTS, "3-0", "6-0"])).await;
    assert_eq!(log.offsets(start).await, [1, 2]);
    assert_eq!(log.gap(places[2]).await, (Lost::Trimmed, places[3]));
    assert_eq!(log.offsets(places[3]).await, [4, 5]);
    assert_eq!(log.gap(places[5]).await, (Lost::Trimmed, places[6]));
    server.ask::<()>(cmd("DEL").arg(EVENTS)).await;
    assert_eq!(log.gap(start).await, (Lost::Trimmed, places[6]));
}

#[tokio::test]
async fn an_event_is_known_again_as_long_as_its_log_is() {
    let server = Server::start().await;
    let log = on(&server).await;
    let first = log.add(1).await;
    log.add(2).await;
    server.ask::<()>(cmd("DEL").arg(EVENTS)).await;
    assert_eq!(log.add(1).await, first, "it was appended");
    server.ask::<()>(cmd("DEL").arg(HASH)).await;
    let again = log.add(1).await;
    assert_eq!((again.offset, again.epoch != first.epoch), (1, true), "it is in no other log");
    assert_eq!(log.add(1).await, again);
    server.ask::<()>(cmd("DEL").arg(ID)).await;
    assert_eq!(log.add(1).await.offset, 2, "nobody knows of it");
}

#[tokio::test]
async fn what_is_none_of_ours_is_an_error_and_stays() {
    let server = Server::start().await;
    let log = on(&server).await;
    let incompatible = Some(StoreErrorKind::Incompatible);
    for (key, expected) in [
        (HASH, [incompatible, incompatible, incompatible, None]),
        (EVENTS, [incompatible, incompatible, incompatible, None]),
        (ID, [incompatible, None, None, None]),
    ] {
        server.ask::<()>(&cmd("FLUSHALL")).await;
        log.head().await.unwrap();
        server.ask::<()>(cmd("DEL").arg(key)).await;
        server.ask::<()>(cmd("RPUSH").arg(key).arg("x")).await;
        assert_eq!(log.errors().await, expected, "{key}");
        assert_eq!(server.ask::<Vec<String>>(cmd("LRANGE").arg(&[key, "0", "-1"])).await, ["x"]);
    }
    server.ask::<()>(&cmd("FLUSHALL")).await;
    let start = log.head().await.unwrap();
    server.ask::<()>(cmd("XADD").arg(&[EVENTS, "1-0", "x", "y"])).await;
    server.ask::<()>(cmd("HSET").arg(&[HASH, "offset", "1"])).await;
    let error = log.read(start).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
}

#[tokio::test]
async fn a_full_server_refuses_events_and_tells_those_that_it_has() {
    let server = Server::start().await;
    let log = on(&server).await;
    let start = log.head().await.unwrap();
    log.add(1).await;
    let mut other = Log::of(log.store.clone());
    other.name = Key::from("other");
    server.config_set("maxmemory", "1").await;
    let refused = Some(StoreErrorKind::Refused);
    assert_eq!(log.append(2).await.err().map(|error| error.kind()), refused);
    assert_eq!(log.add(1).await.offset, 1, "it was appended");
    assert_eq!(log.offsets(start).await, [1]);
    assert_eq!(other.append(2).await.err().map(|error| error.kind()), refused);
    assert_eq!(other.head().await.err().map(|error| error.kind()), refused);
    assert_eq!(server.ask::<usize>(&cmd("DBSIZE")).await, 3, "nothing was changed");
    server.config_set("maxmemory", "0").await;
    assert_eq!(log.add(2).await.offset, 2);
}

/// A log of a user who may do only this, below the prefix.
async fn as_user(server: &Server, rights: &[&str]) -> Log<RedisLog<MultiplexedConnection>> {
    let user = ["SETUSER", "app", "reset", "on", ">secret"];
    let below = ["~stonework:sse:*", "&stonework:sse:*"];
    server.ask::<()>(cmd("ACL").arg(&user).arg(&below).arg(rights)).await;
    let url = format!("redis://app:secret@127.0.0.1:{}/", server.port());
    let client = redis::Client::open(url).unwrap();
    let mut connection = server.connection().await;
    let auth = cmd("AUTH").arg(&["app", "secret"]).query_async(&mut connection).await;
    let () = auth.unwrap();
    Log::of(RedisLog::new(connection, client))
}

const RIGHTS: [&str; 16] = [
    "+eval",
    "+evalsha",
    "+hmget",
    "+hset",
    "+xadd",
    "+xrange",
    "+del",
    "+get",
    "+set",
    "+pexpire",
    "+pttl",
    "+publish",
    "+subscribe",
    "+unsubscribe",
    "+ping",
    "+info",
];

#[tokio::test]
async fn the_documented_rights_suffice_and_less_is_refused() {
    let server = Server::start().await;
    let log = as_user(&server, &RIGHTS).await;
    assert_eq!(log.store.preflight().await, []);
    // Twice: with the scripts in full, and by their hashes.
    for _ in 0..2 {
        assert_eq!(log.errors().await, [None; 4]);
    }
    for missing in RIGHTS.iter().filter(|right| !["+unsubscribe", "+ping", "+info"].contains(right))
    {
        server.ask::<()>(&cmd("FLUSHALL")).await;
        server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
        let less: Vec<_> = RIGHTS.iter().copied().filter(|right| right != missing).collect();
        let errors = as_user(&server, &less).await.errors().await;
        assert!(errors.contains(&Some(StoreErrorKind::Refused)), "{missing}: {errors:?}");
    }
}

#[tokio::test]
async fn a_server_that_may_evict_is_warned_of() {
    let server = Server::start().await;
    let log = on(&server).await;
    assert_eq!(log.store.preflight().await, []);
    server.config_set("maxmemory", "100mb").await;
    server.config_set("maxmemory-policy", "allkeys-lru").await;
    assert!(matches!(log.store.preflight().await.as_slice(), [Warning::CanEvict { .. }]));
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_outage() {
    let mut server = Server::start().await;
    let log = Log::of(RedisLog::new(server.manager().await, server.client()));
    assert_eq!(log.errors().await, [None; 4]);
    server.kill();
    for error in log.errors().await {
        let kind = error.unwrap();
        assert!(matches!(kind, StoreErrorKind::Unavailable | StoreErrorKind::TimedOut), "{kind:?}");
    }
    server.restart().await;
    until("it connects again", async || log.errors().await == [None; 4]).await;
}

#[tokio::test]
async fn as_many_are_kept_as_the_documentation_says() {
    let server = Server::start().await;
    let connection = server.connection().await;
    for (log, least) in [
        (RedisLog::new(connection.clone(), server.client()), 1_000),
        (RedisLog::new(connection.clone(), server.client()).max_events(30), 30),
        (RedisLog::new(connection.clone(), server.client()).max_events(0), 1),
    ] {
        server.ask::<()>(&cmd("FLUSHALL")).await;
        let (log, topic) = (Log::of(log), Key::from("t"));
        for id in 0..least as u128 + 300 {
            let body = Bytes::from_static(b"data: x\n\n");
            let append = Append::new(&log.name, id.to_le_bytes(), &topic, body);
            log.store.append(append).await.unwrap();
        }
        let kept: usize = server.ask(cmd("XLEN").arg(EVENTS)).await;
        assert!((least..least + 150).contains(&kept), "{kept} are kept");
    }
}

#[test]
fn debug_tells_the_settings_and_no_more() {
    let client = redis::Client::open("redis://app:secret@127.0.0.1/").unwrap();
    let log = RedisLog::new("a secret", client).key_prefix("p:").max_events(7);
    let expected =
        r#"RedisLog { prefix: "p:", max_events: 7, max_age: 3600s, repeats_for: 300s, .. }"#;
    assert_eq!(format!("{log:?}"), expected);
}

fn _a_log_is_one_for_any_connection<C>(log: RedisLog<C>) -> impl EventLog
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    log
}
