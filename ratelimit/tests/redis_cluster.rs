//! The store over Redis on three nodes that share the slots.

// A helper of a test may panic as the test may.
#![allow(clippy::unwrap_used)]

#[path = "support/buckets.rs"]
#[allow(dead_code)]
mod buckets;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use buckets::{Client, acquire, bucket_keys, fits, hourly, hours, levels, record};
use redis::aio::ConnectionLike;
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, Pipeline, RedisFuture, Value, cmd};
use redis_server::{Cluster, Counting, Twice, until};
use stonework_core::StoreErrorKind;
use stonework_ratelimit::Span;
use stonework_ratelimit::store::redis1::{RedisStore, Warning};
use stonework_ratelimit::store::{Acquire, Acquired, RateLimitStore};

/// The key of a client whose bucket is on this node.
async fn key_on(cluster: &Cluster, node: usize) -> String {
    let store = RedisStore::new(cluster.connection().await);
    for n in 0.. {
        let key = n.to_string();
        let client = Client::new(&store, &key, hourly(1));
        client.take(1).await;
        let found = !bucket_keys(&cluster.nodes[node]).await.is_empty();
        client.reset().await;
        if found {
            return key;
        }
    }
    unreachable!()
}

/// One key per node.
async fn keys(cluster: &Cluster) -> [String; 3] {
    [key_on(cluster, 0).await, key_on(cluster, 1).await, key_on(cluster, 2).await]
}

fn clients<'a, C>(
    store: &'a RedisStore<C>,
    keys: &'a [String; 3],
    bursts: [u32; 3],
) -> [Client<'a, RedisStore<C>>; 3]
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    std::array::from_fn(|n| Client::new(store, &keys[n], hourly(bursts[n])))
}

async fn left<C>(clients: &[Client<'_, RedisStore<C>>; 3]) -> [u32; 3]
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    [clients[0].left().await, clients[1].left().await, clients[2].left().await]
}

#[tokio::test]
async fn a_cluster_keeps_each_bucket_on_one_node() {
    let cluster = Cluster::start().await;
    let connection = cluster.connection().await;
    for store in [RedisStore::new(connection.clone()), RedisStore::cluster(connection)] {
        assert_eq!(store.preflight().await, []);
        for key in 0..30 {
            let key = key.to_string();
            let client = Client::new(&store, &key, hourly(5));
            assert!(client.take(3).await && !client.take(3).await);
            assert!(client.adjust(-1).await > hours(1));
            assert_eq!(client.lease(9, 1).await, 3);
            assert!(client.adjust(9).await > hours(9));
            client.reset().await;
            assert_eq!(client.left().await, 5);
            assert!(client.take(1).await);
        }
        for node in &cluster.nodes {
            assert!(!bucket_keys(node).await.is_empty());
            node.ask::<()>(&cmd("FLUSHALL")).await;
        }
    }
    let last = &cluster.nodes[2];
    last.config_set("maxmemory-policy", "volatile-lru").await;
    last.config_set("maxmemory", "100mb").await;
    let store = RedisStore::cluster(cluster.connection().await);
    let warnings = store.preflight().await;
    assert!(matches!(&warnings[..], [Warning::CanEvict { .. }]), "{warnings:?}");
}

#[tokio::test]
async fn demands_in_one_slot_are_one_round_trip_and_in_three_are_three() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let connection = Counting::new(cluster.connection().await);
    let store = RedisStore::cluster(connection.clone());
    let spread = clients(&store, &keys, [5; 3]);
    let one_slot = store.clone().key_prefix("{one}:");
    let together = clients(&one_slot, &keys, [5; 3]);
    let demands = [0, 1, 2].map(|n| spread[n].demand(2));
    let in_one = [0, 1, 2].map(|n| together[n].demand(2));
    // The first time, the nodes do not know the scripts.
    for trips in [None, Some([3, 1])] {
        connection.take();
        assert!(matches!(acquire(&store, &demands).await, Acquired::Granted(_)));
        let spread = connection.take();
        assert!(matches!(acquire(&one_slot, &in_one).await, Acquired::Granted(_)));
        assert!(trips.is_none_or(|trips| trips == [spread, connection.take()]));
    }
    assert_eq!(left(&spread).await, [1; 3]);
    assert_eq!(left(&together).await, [1; 3]);

    let plain = RedisStore::new(connection.clone()).key_prefix("{one}:");
    let acquired = acquire(&plain, &[0, 1, 2].map(|n| together[n].demand(1))).await;
    assert!(matches!(acquired, Acquired::Granted(_)), "where one slot holds all");
}

#[tokio::test]
async fn a_denial_gives_back_exactly_what_was_taken_before_it() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let connection = Counting::new(cluster.connection().await);
    let store = RedisStore::cluster(connection.clone());
    for empty in 0..3 {
        let clients = clients(&store, &keys, [5; 3]);
        let full = (empty + 1) % 3;
        for (n, client) in clients.iter().enumerate() {
            client.reset().await;
            let tokens = if n == empty { 5 } else { 1 };
            assert!(n == full || client.take(tokens).await);
        }
        let kept = [&cluster.nodes[empty], &cluster.nodes[3 - empty - full]];
        let before = [record(kept[0]).await, record(kept[1]).await];
        let demands = [0, 1, 2].map(|n| clients[n].demand(2));
        acquire(&store, &demands).await;
        connection.take();
        let acquired = acquire(&store, &demands).await;
        assert!(matches!(acquired, Acquired::Denied(_)));
        assert_eq!(connection.take(), 3 + empty, "three are asked, and those before it once more");
        assert_eq!(fits(&acquired), [0, 1, 2].map(|n| n != empty));
        assert_eq!(levels(&acquired)[full].debt, Span::ZERO, "as it was found");

        let after = [record(kept[0]).await, record(kept[1]).await];
        for (before, after) in before.iter().zip(after) {
            assert_eq!((before.full, before.part), (after.full, after.part));
        }
        assert_eq!(bucket_keys(&cluster.nodes[full]).await, [""; 0]);
    }
}

#[tokio::test]
async fn what_only_watches_is_asked_last_and_pays_for_no_denial() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let connection = Counting::new(cluster.connection().await);
    let store = RedisStore::cluster(connection.clone());
    let clients = clients(&store, &keys, [1, 1, 2]);
    let demands = [clients[0].demand(1).shadow(true), clients[1].demand(1), clients[2].demand(1)];
    let acquired = acquire(&store, &demands).await;
    assert!(matches!(acquired, Acquired::Granted(_)));
    assert_eq!(left(&clients).await, [0, 0, 1]);
    clients[1].reset().await;
    let acquired = acquire(&store, &demands).await;
    assert!(matches!(acquired, Acquired::Granted(_)));
    assert_eq!(fits(&acquired), [false, true, true], "in the order of the demands");
    clients[0].reset().await;
    connection.take();
    let acquired = acquire(&store, &demands).await;
    assert!(matches!(acquired, Acquired::Denied(_)));
    assert_eq!(fits(&acquired), [true, false, false]);
    assert_eq!(connection.take(), 3, "nothing had to be given back");
    assert_eq!(left(&clients).await, [1, 0, 0]);
}

#[tokio::test]
async fn several_slots_without_the_cluster_mode_are_refused() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let store = RedisStore::new(cluster.connection().await);
    let clients = clients(&store, &keys, [5; 3]);
    let demands = [0, 1].map(|n| clients[n].demand(1));
    let refused = store.acquire(Acquire::new(&demands)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Refused);
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.to_uppercase().contains("SLOT"), "{cause}");
    assert_eq!(left(&clients).await, [5; 3]);
}

/// How many of 50 requests of two processes are granted.
async fn granted_of_fifty(cluster: &Cluster, keys: &[String; 3], bursts: [u32; 3]) -> u32 {
    let stores = [
        RedisStore::cluster(cluster.connection().await),
        RedisStore::cluster(cluster.connection().await),
    ];
    let requests: Vec<_> = (0..50)
        .map(|n| {
            let (store, keys) = (stores[n % 2].clone(), keys.clone());
            tokio::spawn(async move {
                let clients = clients(&store, &keys, bursts);
                let demands = [0, 1, 2].map(|n| clients[n].demand(1));
                matches!(acquire(&store, &demands).await, Acquired::Granted(_))
            })
        })
        .collect();
    let mut granted = 0;
    for request in requests {
        granted += u32::from(request.await.unwrap());
    }
    granted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_of_two_processes_share_limits_over_three_nodes() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let store = RedisStore::cluster(cluster.connection().await);

    assert_eq!(granted_of_fifty(&cluster, &keys, [100, 100, 5]).await, 5);
    assert_eq!(left(&clients(&store, &keys, [100, 100, 5])).await, [95, 95, 0], "all is settled");

    for client in clients(&store, &keys, [5; 3]) {
        client.reset().await;
    }
    // What is held for a moment may deny others, and never admits them.
    let granted = granted_of_fifty(&cluster, &keys, [5; 3]).await;
    assert!((1..=5).contains(&granted), "{granted}");
    assert_eq!(left(&clients(&store, &keys, [5; 3])).await, [5 - granted; 3]);
}

#[tokio::test]
async fn a_node_that_is_full_or_refuses_takes_nothing_from_the_others() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let store = RedisStore::cluster(cluster.connection().await);
    let clients = clients(&store, &keys, [5; 3]);
    let demands = [0, 1, 2].map(|n| clients[n].demand(2));
    let last = &cluster.nodes[2];
    last.config_set("maxmemory-policy", "noeviction").await;
    last.config_set("maxmemory", "1").await;
    let refused = store.acquire(Acquire::new(&demands)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Refused);
    assert_eq!(left(&clients).await, [5; 3]);
    last.config_set("maxmemory", "0").await;

    last.ask::<()>(cmd("ACL").arg(&["SETUSER", "default", "-eval", "-evalsha"])).await;
    let refused = store.acquire(Acquire::new(&demands)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Refused);
    assert_eq!([clients[0].left().await, clients[1].left().await], [5, 5]);
    last.ask::<()>(cmd("ACL").arg(&["SETUSER", "default", "+eval", "+evalsha"])).await;
    assert!(matches!(acquire(&store, &demands).await, Acquired::Granted(_)));
    assert_eq!(left(&clients).await, [3; 3]);
}

#[tokio::test]
async fn what_is_sent_twice_is_given_back_once() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let store = RedisStore::cluster(Twice(cluster.connection().await));
    let clients = clients(&store, &keys, [9, 9, 1]);
    assert!(clients[2].try_take(1).await.is_ok());
    let demands = [0, 1, 2].map(|n| clients[n].demand(2));
    assert!(matches!(acquire(&store, &demands).await, Acquired::Denied(_)));
    assert_eq!(left(&clients).await, [7, 7, 0], "taken twice, given back once");
}

#[tokio::test]
async fn what_cannot_be_given_back_stays_taken_and_admits_nobody() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let store = RedisStore::cluster(cluster.connection().await);
    let healthy = clients(&store, &keys, [5, 1, 5]);
    for client in &healthy {
        client.take(1).await;
    }
    let demands = [0, 1, 2].map(|n| healthy[n].demand(1));

    let breaking = RedisStore::cluster(Breaking::after(2, cluster.connection().await));
    let acquired = acquire(&breaking, &demands[..2]).await;
    assert!(matches!(acquired, Acquired::Denied(_)), "the decision stands");
    assert_eq!(left(&healthy).await, [3, 0, 4]);

    let breaking = RedisStore::cluster(Breaking::after(2, cluster.connection().await));
    let acquired = acquire(&breaking, &demands).await;
    assert!(matches!(acquired, Acquired::Denied(_)), "though nobody knows how the third stands");
    assert_eq!(fits(&acquired), [true, false, true]);
    assert_eq!(levels(&acquired)[2].debt, Span::ZERO);
    assert_eq!(left(&healthy).await, [2, 0, 4]);
}

#[tokio::test]
async fn a_slot_that_only_watches_fails_nothing() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let store = RedisStore::cluster(cluster.connection().await);
    let clients = clients(&store, &keys, [5; 3]);
    let demands = [0, 1, 2].map(|n| clients[n].demand(2).shadow(n == 0));
    let watching = demands.map(|demand| demand.shadow(true));
    let first = &cluster.nodes[0];
    first.config_set("maxmemory-policy", "noeviction").await;
    for (spoil, mend) in [
        (["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]),
        (["ACL", "SETUSER", "default", "-evalsha"], ["ACL", "SETUSER", "default", "+evalsha"]),
    ] {
        let run = async |words: [&str; 4]| first.ask::<()>(cmd(words[0]).arg(&words[1..])).await;
        run(spoil).await;
        for demands in [&demands, &watching] {
            let acquired = acquire(&store, demands).await;
            assert!(matches!(acquired, Acquired::Granted(_)), "{spoil:?}");
            assert_eq!(fits(&acquired), [false, true, true]);
            assert_eq!(levels(&acquired)[0].debt, Span::ZERO, "nobody knows");
        }
        let denied = acquire(&store, &demands).await;
        assert!(matches!(denied, Acquired::Denied(_)), "{spoil:?}");
        run(mend).await;
        assert_eq!(left(&clients).await, [5, 1, 1]);
        for client in &clients {
            client.reset().await;
        }
    }
    let away = RedisStore::cluster(Breaking::after(0, cluster.connection().await));
    let failed = away.acquire(Acquire::new(&watching)).await.unwrap_err();
    assert_eq!(failed.kind(), StoreErrorKind::Unavailable, "when no slot has answered");
}

/// Polls a request so many times, each but the first when it is woken, and drops it.
async fn give_up_after<F: Future>(polls: usize, request: F) {
    let mut request = Box::pin(request);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        left -= 1;
        let over = request.as_mut().poll(cx).is_ready() || left == 0;
        if over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn who_asks_and_hangs_up_takes_nothing_from_others() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let connection = Counting::new(cluster.connection().await);
    let store = RedisStore::cluster(connection.clone());
    let clients = clients(&store, &keys, [50, 50, 1]);
    assert!(clients[2].take(1).await);
    let demands = [0, 1, 2].map(|n| clients[n].demand(1));
    // All nodes get to know the scripts.
    assert!(matches!(acquire(&store, &demands).await, Acquired::Denied(_)));
    connection.take();
    let mut trips = 0;
    for polls in 1..=6 {
        for rounds in 1..=10 {
            give_up_after(polls, store.acquire(Acquire::new(&demands))).await;
            until("the round is over", async || {
                trips += connection.take();
                trips == 5 * (10 * (polls - 1) + rounds)
            })
            .await;
        }
    }
    until("all is given back", async || left(&clients).await == [50, 50, 0]).await;
}

#[tokio::test]
async fn a_grant_that_nobody_waits_for_stays_taken() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let store = RedisStore::cluster(cluster.connection().await);
    let clients = clients(&store, &keys, [5; 3]);
    let demands = [0, 1, 2].map(|n| clients[n].demand(2));
    give_up_after(1, store.acquire(Acquire::new(&demands))).await;
    until("all is taken", async || left(&clients).await == [3; 3]).await;
}

#[tokio::test]
async fn a_denial_leaves_nothing_behind_for_more_than_ten_seconds() {
    let cluster = Cluster::start().await;
    let keys = keys(&cluster).await;
    let store = RedisStore::cluster(cluster.connection().await);
    let clients = clients(&store, &keys, [5, 5, 1]);
    assert!(clients[2].take(1).await);
    let demands = [0, 1, 2].map(|n| clients[n].demand(1));
    assert!(matches!(acquire(&store, &demands).await, Acquired::Denied(_)));
    for node in &cluster.nodes[..2] {
        let ids: Vec<String> = node.ask(cmd("KEYS").arg("*:a:*")).await;
        assert_eq!(ids.len(), 1, "a repeat is known as one");
        let left: u64 = node.ask(cmd("PTTL").arg(&ids[0])).await;
        assert!(left > 0 && left <= 10_000, "{left}");
    }
}

/// A connection that breaks for good after so many commands.
#[derive(Clone)]
struct Breaking {
    inner: ClusterConnection,
    left: Arc<AtomicUsize>,
}

impl Breaking {
    fn after(commands: usize, inner: ClusterConnection) -> Self {
        Self { inner, left: Arc::new(commands.into()) }
    }
}

impl ConnectionLike for Breaking {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let go = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, go) {
            Ok(_) => self.inner.req_packed_command(cmd),
            Err(_) => Box::pin(async { Err(io::Error::from(io::ErrorKind::BrokenPipe).into()) }),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a Pipeline,
        _: usize,
        _: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        unreachable!("the store sends no pipelines")
    }

    fn get_db(&self) -> i64 {
        0
    }
}
