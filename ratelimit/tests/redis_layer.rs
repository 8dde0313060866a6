//! The whole layer over a real Redis, with real faults.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod support;

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use redis::cmd;
use redis_server::{Counting, Server, until};
use stonework_ratelimit::store::redis1::RedisStore;
use stonework_ratelimit::{
    Basis, Charge, Decision, Outage, Policy, RateLimitLayer, RateLimitLayerBuilder, Rejection,
};
use support::app::{App, Incoming, app, by, ok, send};
use tokio::task::JoinHandle;
use tower::ServiceExt;

const HOUR: Duration = Duration::from_secs(3600);

/// So many at once, and none comes back while the test runs.
fn hourly(burst: u32) -> Policy {
    Policy::new("a").rate(1).per(HOUR).burst(burst).key_header("x-key")
}

/// A layer as a process of its own would have it: with a connection of its own.
///
/// It waits long, since a busy machine is no outage; tests of outages wait less.
async fn process(server: &Server) -> RateLimitLayerBuilder {
    let store = RedisStore::new(server.manager().await);
    RateLimitLayer::builder().store(store).store_timeout(Duration::from_secs(30))
}

fn all_at_once(apps: &[App], requests: usize) -> Vec<JoinHandle<StatusCode>> {
    let apps = apps.iter().cycle().take(requests).cloned();
    apps.map(|app| tokio::spawn(async move { send(&app, by("k")).await.status })).collect()
}

async fn granted(requests: Vec<JoinHandle<StatusCode>>) -> usize {
    let mut granted = 0;
    for request in requests {
        granted += usize::from(request.await.unwrap() == StatusCode::OK);
    }
    granted
}

/// Looks at the buckets of a client, and takes nothing.
fn looking<C>(connection: C, policies: impl IntoIterator<Item = Policy>) -> App
where
    C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
{
    let builder = RateLimitLayer::builder().store(RedisStore::new(connection));
    let builder = builder.store_timeout(Duration::from_secs(30));
    ok(policies.into_iter().fold(builder, |builder, policy| builder.policy(policy.cost(0))))
}

/// Tokens that are left under each policy.
async fn left(looking: &App, key: &str) -> Vec<u32> {
    let answer = send(looking, by(key)).await;
    answer.decision().standings().iter().map(stonework_ratelimit::Standing::remaining).collect()
}

#[tokio::test]
async fn a_decision_is_one_round_trip_and_so_is_a_correction() {
    let server = Server::start().await;
    let connection = Counting::new(server.connection().await);
    let all = || Policy::new("all").rate(1).per(HOUR).burst(9).key_global();
    let layer = RateLimitLayer::builder()
        .store(RedisStore::new(connection.clone()))
        .store_timeout(Duration::from_secs(30))
        .policy(hourly(5))
        .policy(all())
        .refund_when(|response| response.status == StatusCode::NO_CONTENT);
    let layer = layer.build().unwrap();
    let answering = |status: StatusCode| {
        app(&layer, move |_: Incoming| {
            ready(Response::builder().status(status).body(Full::<Bytes>::default()).unwrap())
        })
    };
    let (costs, is_free) = (answering(StatusCode::OK), answering(StatusCode::NO_CONTENT));
    let looking = looking(server.connection().await, [hourly(5), all()]);
    send(&is_free, by("loads-the-scripts")).await;
    until("it is free", async || left(&looking, "loads-the-scripts").await == [5, 9]).await;

    connection.take();
    send(&costs, by("k")).await;
    assert_eq!(connection.take(), 1, "for both policies");
    send(&is_free, by("k")).await;
    until("it is free", async || left(&looking, "k").await == [4, 8]).await;
    assert_eq!(connection.take(), 3, "and one for each correction");
}

#[tokio::test]
async fn a_server_without_memory_is_an_outage() {
    let server = Server::start().await;
    let over = async |outage| ok(process(&server).await.on_outage(outage).policy(hourly(1)));
    let open = over(Outage::Open).await;
    let closed = over(Outage::Closed).await;
    let falls_back = over(Outage::LocalFallback { nodes: 1 }).await;
    server.config_set("maxmemory-policy", "noeviction").await;
    server.config_set("maxmemory", "1").await;
    for status in [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(send(&open, by("k")).await.status, StatusCode::OK);
        assert_eq!(send(&closed, by("k")).await.rejection(), Rejection::StoreUnavailable);
        assert_eq!(send(&falls_back, by("k")).await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_race_for_five_tokens_are_granted_five() {
    let server = Server::start().await;
    for _ in 0..10 {
        let one = ok(process(&server).await.policy(hourly(5)));
        let two = ok(process(&server).await.policy(hourly(5)));
        assert_eq!(granted(all_at_once(&[one, two], 50)).await, 5);
        server.ask::<()>(&cmd("FLUSHALL")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_are_flushed_under_load_cost_no_count() {
    let server = Server::start().await;
    let apps = [
        ok(process(&server).await.policy(hourly(100))),
        ok(process(&server).await.policy(hourly(100))),
    ];
    let load = tokio::spawn(async move { granted(all_at_once(&apps, 400)).await });
    while !load.is_finished() {
        server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(load.await.unwrap(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buckets_that_are_flushed_under_load_are_full_and_nobody_is_refused_for_it() {
    let server = Server::start().await;
    let app = ok(process(&server).await.policy(hourly(5)));
    let load = tokio::spawn({
        let app = app.clone();
        async move {
            let statuses = all_at_once(&[app], 200);
            let mut seen = Vec::new();
            for status in statuses {
                seen.push(status.await.unwrap().as_u16());
            }
            seen
        }
    });
    let mut flushes = 0;
    while !load.is_finished() {
        server.ask::<()>(&cmd("FLUSHALL")).await;
        flushes += 1;
    }
    let statuses = load.await.unwrap();
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    let granted = statuses.iter().filter(|status| **status == 200).count();
    assert!((5..=5 * (flushes + 1)).contains(&granted), "{granted} after {flushes} flushes");
    server.ask::<()>(&cmd("FLUSHALL")).await;
    assert_eq!(self::granted(all_at_once(&[app], 20)).await, 5);
}

/// Requests without end, until they are told to stop; by whom they were decided is counted.
struct Load {
    stop: Arc<AtomicBool>,
    fallback: Arc<AtomicUsize>,
    rejected: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<usize>>,
}

impl Load {
    fn on(app: &App) -> Self {
        let load = Self {
            stop: Arc::default(),
            fallback: Arc::default(),
            rejected: Arc::default(),
            clients: Vec::new(),
        };
        let client = |_| {
            let app = app.clone();
            let (stop, fallback, rejected) =
                (Arc::clone(&load.stop), Arc::clone(&load.fallback), Arc::clone(&load.rejected));
            tokio::spawn(async move {
                let mut granted = 0;
                while !stop.load(Ordering::SeqCst) {
                    let answer = send(&app, by("k")).await;
                    match answer.extensions.get::<Decision>() {
                        Some(decision) => match decision.basis() {
                            Basis::Fallback => drop(fallback.fetch_add(1, Ordering::SeqCst)),
                            _ => granted += usize::from(decision.is_granted()),
                        },
                        None => {
                            assert_eq!(answer.rejection(), Rejection::StoreUnavailable);
                            rejected.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    tokio::task::yield_now().await;
                }
                granted
            })
        };
        let clients = (0..8).map(client).collect();
        Self { clients, ..load }
    }

    /// How many the store has granted.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        let mut granted = 0;
        for client in self.clients {
            granted += client.await.unwrap();
        }
        granted
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_paused_under_load_is_done_without_and_its_counts_are_kept() {
    let server = Server::start().await;
    let builder = process(&server).await.store_timeout(Duration::from_millis(100));
    let app = ok(builder.policy(hourly(50)));
    let load = Load::on(&app);
    // On a busy machine this process may have decided already.
    until("the quota is used up", async || {
        let answer = send(&app, by("k")).await;
        answer.decision().basis() == Basis::Store && !answer.decision().is_granted()
    })
    .await;
    server.pause().await;
    let by_now = load.fallback.load(Ordering::SeqCst);
    until("this process decides", async || load.fallback.load(Ordering::SeqCst) >= by_now + 500)
        .await;
    server.resume();
    until("the server decides", async || {
        send(&app, by("k")).await.decision().basis() == Basis::Store
    })
    .await;
    assert!(load.end().await <= 50, "no more than the quota before and after");
    let denied = send(&app, by("k")).await;
    assert_eq!(denied.rejection(), Rejection::QuotaExceeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_is_refused_for_and_comes_back_with_its_counts() {
    let mut server = Server::durable().await;
    let builder = process(&server).await.store_timeout(Duration::from_millis(500));
    let app = ok(builder.on_outage(Outage::Closed).policy(hourly(50)));
    let load = Load::on(&app);
    until("the quota is used up", async || {
        send(&app, by("k")).await.status == StatusCode::TOO_MANY_REQUESTS
    })
    .await;
    server.kill();
    let by_now = load.rejected.load(Ordering::SeqCst);
    until("requests are refused", async || load.rejected.load(Ordering::SeqCst) >= by_now + 100)
        .await;
    server.restart().await;
    until("the server decides", async || {
        send(&app, by("k")).await.status == StatusCode::TOO_MANY_REQUESTS
    })
    .await;
    assert!(load.end().await <= 50, "the log had all of them");
}

/// A handler that says that its request costs four, and its store's connection.
async fn costing_four(
    server: &Server,
    store_timeout: Duration,
) -> (Counting<redis::aio::MultiplexedConnection>, App) {
    let connection = Counting::new(server.connection().await);
    let builder = RateLimitLayer::builder().store(RedisStore::new(connection.clone()));
    let builder = builder.store_timeout(store_timeout).policy(hourly(10));
    let layer = builder.adjustable(true).on_outage(Outage::Closed).build().unwrap();
    let app = app(&layer, |request: Incoming| {
        assert!(request.extensions().get::<Charge>().unwrap().total(4));
        ready(Response::new(Full::<Bytes>::default()))
    });
    (connection, app)
}

#[tokio::test]
async fn a_correction_is_made_after_the_request_is_gone() {
    let server = Server::start().await;
    let (_, app) = costing_four(&server, Duration::from_secs(30)).await;
    let looking = looking(server.connection().await, [hourly(10)]);
    drop(app.oneshot(by("k")).await.unwrap());
    until("it is corrected", async || left(&looking, "k").await == [6]).await;
}

#[tokio::test]
async fn a_correction_that_a_server_does_not_answer_is_sent_again_and_counts_once() {
    let server = Server::start().await;
    let (connection, app) = costing_four(&server, Duration::from_secs(5)).await;
    let looking = looking(connection.clone(), [hourly(10)]);
    send(&app, by("loads-the-scripts")).await;
    until("it is corrected", async || left(&looking, "loads-the-scripts").await == [6]).await;
    let response = app.oneshot(by("k")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    server.pause().await;
    connection.take();
    drop(response);
    let mut sent = 0;
    until("it is sent again", async || {
        sent += connection.take();
        sent >= 2
    })
    .await;
    server.resume();
    // Behind both of them on the same socket.
    assert_eq!(left(&looking, "k").await, [6]);
}

#[tokio::test]
async fn limits_that_no_longer_hold_leave_nothing_behind() {
    let server = Server::start().await;
    let quick = Policy::new("a").rate(1_000).per(Duration::from_secs(1)).key_header("x-key");
    let app = ok(process(&server).await.policy(quick));
    for client in 0..50 {
        assert!(send(&app, by(&client.to_string())).await.is_ok());
    }
    until("the buckets are full, and gone", async || {
        server.ask::<usize>(&cmd("DBSIZE")).await == 0
    })
    .await;
}
