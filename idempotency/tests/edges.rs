//! Edges that are easy to get wrong, each with what ought to hold there.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

#[path = "support/app.rs"]
mod app;
#[path = "support/faulty.rs"]
mod faulty;
#[path = "support/slow.rs"]
mod slow;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use app::{App, Incoming, app, body, count, counting, post, send, send_key, single};
use bytes::Bytes;
use faulty::{Fault, Faulty};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use slow::{Op, Slow};
use stonework_core::{Clock, NotExecuted, OriginalUri, SystemClock};
use stonework_idempotency::{
    Abandoned, Idempotency, InFlight, Key, KeyError, Outage, Rejection, RequestHead,
};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn begin(app: &App, key: &'static str) -> JoinHandle<app::Answer> {
    let app = app.clone();
    tokio::spawn(async move { send_key(&app, key).await })
}

async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        yield_now().await;
    }
}

/// A handler whose first run waits at a gate.
fn gated() -> (Arc<AtomicUsize>, Arc<Semaphore>, impl Fn(Incoming) -> Waiting + Clone + Send + Sync)
{
    let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (counter, waits) = (Arc::clone(&runs), Arc::clone(&gate));
    let handler = move |_: Incoming| -> Waiting {
        let (counter, waits) = (Arc::clone(&counter), Arc::clone(&waits));
        Box::pin(async move {
            let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
            waits.acquire().await.unwrap().forget();
            Response::builder().status(201).body(Full::from(format!("run {run}"))).unwrap()
        })
    };
    (runs, gate, handler)
}

type Waiting = std::pin::Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>;

/// A handler that is always ready to go on, as one that pumps data between channels is, uses up
/// tokio's budget in each poll. The heartbeat shares that budget and comes after it.
#[tokio::test]
async fn a_busy_handler_does_not_starve_the_heartbeat() {
    let store = Slow::default();
    let layer = single().lease(60 * MILLI).store(store.clone()).build().unwrap();
    let watched = store.clone();
    let app = app(&layer, move |_| {
        let store = watched.clone();
        async move {
            let clock = SystemClock::new();
            while store.count(Op::Renew) == 0 && clock.monotonic() < 60 * SECOND {
                tokio::task::coop::consume_budget().await;
            }
            Response::new(Full::<Bytes>::default())
        }
    });
    send_key(&app, "k").await;
    assert!(store.count(Op::Renew) > 0, "no renewal in a thousand leases");
}

/// `NotExecuted` lets outer layers undo what they did for the request. Here it did run.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_overtaken_is_not_told_that_it_never_ran() {
    let store = Faulty::default();
    let (runs, gate, handler) = gated();
    let layer = single().store(store.clone()).on_abandoned(Abandoned::Rerun).build().unwrap();
    // Two processes, of which one is cut off for a while.
    let other = single().store(store.store.clone()).on_abandoned(Abandoned::Rerun).build().unwrap();
    let (app, other) = (app(&layer, handler.clone()), app(&other, handler));
    let first = begin(&app, "k");
    until(|| count(&runs) == 1).await;
    store.set(Fault::Refuses);
    sleep(35 * SECOND).await;
    let second = begin(&other, "k");
    until(|| count(&runs) == 2).await;
    store.set(Fault::None);
    sleep(SECOND).await;
    gate.add_permits(1);
    let late = first.await.unwrap();
    assert_eq!(*late.extensions.get::<Rejection>().unwrap(), Rejection::InFlight);
    assert_eq!(late.extensions.get::<NotExecuted>(), None, "{late:?}");
    drop(second);
}

/// After an outage of more than `max_run` nobody probes in the background. Then the first request
/// is the probe, and whoever comes beside it is refused by a store that is well.
#[tokio::test(start_paused = true)]
async fn after_a_long_quiet_outage_two_requests_at_once_are_both_served() {
    let store = Slow::default();
    let (_, handler) = counting();
    let app = app(&single().store(store.clone()).build().unwrap(), handler);
    store.fail(Op::Claim, true);
    for key in ["a", "b", "c"] {
        send_key(&app, key).await;
    }
    sleep(Duration::from_secs(3600)).await;
    store.fail(Op::Claim, false);
    store.delay(Op::Claim, MILLI); // As over a network.
    sleep(SECOND).await;
    let (first, second) = (begin(&app, "x"), begin(&app, "y"));
    assert_eq!(first.await.unwrap().status, StatusCode::CREATED);
    assert_eq!(second.await.unwrap().status, StatusCode::CREATED);
}

/// Under a prefix (`Router::nest`, a proxy's path) the original path is not `/package.Service/Method`,
/// and the prefixed one cannot be named: `build` refuses it.
#[tokio::test]
async fn a_grpc_method_below_a_prefix_can_be_protected() {
    const PATH: &str = "/pay.Payments/Charge";
    let (runs, handler) = counting();
    let request = || {
        let request = Request::post(PATH).header("content-type", "application/grpc");
        let original = OriginalUri(http::Uri::from_static("/grpc/pay.Payments/Charge"));
        let request = request.header("idempotency-key", "k").extension(original);
        request.body(Full::<Bytes>::default()).unwrap()
    };
    let app = app(&single().grpc_unary([PATH]).build().unwrap(), handler);
    send(&app, request()).await;
    assert!(send(&app, request()).await.is_replay());
    assert_eq!(count(&runs), 1);
}

/// A pending record's retention is not renewed. Unless it outlasts the last lease, the key of a
/// run that is alive looks new.
#[tokio::test(start_paused = true)]
async fn a_live_run_within_its_lease_never_outlives_its_record() {
    let (runs, _gate, handler) = gated();
    let minute = 60 * SECOND;
    let layer = single().retention(minute).max_run(minute).lease(30 * SECOND).build();
    let Ok(layer) = layer else { return };
    let app = app(&layer, handler);
    let _first = begin(&app, "k");
    until(|| count(&runs) == 1).await;
    sleep(minute + SECOND).await;
    let second = begin(&app, "k");
    sleep(SECOND).await;
    assert_eq!(count(&runs), 1, "two live runs of one key: {second:?}");
}

/// `Outage::Open` runs what nobody could ask about. This key is known to be in flight.
#[tokio::test(start_paused = true)]
async fn a_waiter_does_not_run_beside_the_winner_when_the_store_goes_away() {
    let store = Faulty::default();
    let (runs, _gate, handler) = gated();
    let layer = single()
        .store(store.clone())
        .on_outage(Outage::Open)
        .in_flight(InFlight::Wait { up_to: 20 * SECOND })
        .build()
        .unwrap();
    let app = app(&layer, handler);
    let _first = begin(&app, "k");
    until(|| count(&runs) == 1).await;
    let second = begin(&app, "k");
    sleep(SECOND).await;
    store.set(Fault::Refuses);
    sleep(30 * SECOND).await;
    assert_eq!(count(&runs), 1, "the waiter ran: {second:?}");
}

/// Under `Outage::Open` a handler that ran has an answer. If the key turns out to be another
/// request's, that is no reason to hide the answer behind a 500.
#[tokio::test(start_paused = true)]
async fn a_run_through_an_outage_gets_its_own_answer_when_the_key_was_anothers() {
    let store = Slow::default();
    let (_, handler) = counting();
    let layer = single().store(store.clone()).on_outage(Outage::Open).build().unwrap();
    let app = app(&layer, handler);
    send_key(&app, "k").await;
    store.fail(Op::Claim, true);
    let other = send(&app, body(post("k"), "another request")).await;
    assert_eq!((other.status, other.text()), (StatusCode::CREATED, "run 2"));
}

/// The headers that say how to read a body are gone, so the body must go too.
#[tokio::test]
async fn an_answer_whose_headers_were_too_large_is_replayed_without_its_body() {
    let app = app(&single().build().unwrap(), |_| async {
        let response = Response::builder().header("content-encoding", "gzip");
        let large = response.header("x-large", "x".repeat(16 * 1024));
        large.body(Full::<Bytes>::from("not readable without its headers")).unwrap()
    });
    send_key(&app, "k").await;
    let retry = send_key(&app, "k").await;
    assert!(retry.is_replay());
    assert!(retry.header("content-encoding").is_some() || retry.body.is_empty(), "{retry:?}");
}

/// An empty body is no gzip, and no JSON.
#[tokio::test]
async fn a_replay_without_its_body_does_not_describe_one() {
    let app = app(&single().max_answer_body(3).build().unwrap(), |_| async {
        let response = Response::builder().header("location", "/1");
        let response = response.header("content-encoding", "gzip").header("content-type", "a/b");
        response.body(Full::<Bytes>::from("large")).unwrap()
    });
    send_key(&app, "k").await;
    let retry = send_key(&app, "k").await;
    assert!(retry.is_replay());
    assert_eq!(retry.header("location"), Some("/1"));
    assert_eq!(retry.header("content-encoding"), None);
}

/// The contract of `watch` allows it to resolve for no reason. On a runtime of one thread a waiter
/// that never yields keeps the winner from its end.
#[tokio::test]
async fn a_store_whose_watches_resolve_at_once_does_not_hang_the_runtime() {
    let store = Slow::default();
    store.resolve_watches_at_once();
    let (runs, gate, handler) = gated();
    let layer =
        single().store(store).in_flight(InFlight::Wait { up_to: 3_600 * SECOND }).build().unwrap();
    let app = app(&layer, handler);
    let first = begin(&app, "k");
    until(|| count(&runs) == 1).await;
    let second = begin(&app, "k");
    for _ in 0..100 {
        yield_now().await;
    }
    gate.add_permits(1);
    assert_eq!(first.await.unwrap().text(), "run 1");
    let second = second.await.unwrap();
    assert!(second.is_replay(), "{second:?}");
}

/// A few bytes of a large buffer, as a proxy gets them from its connection, must not keep the
/// buffer for a day.
#[tokio::test]
async fn a_recorded_answer_does_not_keep_the_buffer_that_it_was_cut_from() {
    struct Buffer(Vec<u8>, Arc<AtomicUsize>);
    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Buffer {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let freed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&freed);
    let layer = single().build().unwrap();
    let app = app(&layer, move |_| {
        let buffer = Buffer(vec![b'x'; 1 << 20], Arc::clone(&counter));
        let cut = Bytes::from_owner(buffer).slice(..10);
        async move { Response::new(Full::new(cut)) }
    });
    send_key(&app, "k").await;
    layer.tracker().drained().await;
    assert_eq!(count(&freed), 1, "1 MiB is kept for an answer of 10 bytes");
}

/// Another attempt may begin when the lease has run out, so the handler must know by then, and not
/// only when the renewal that is on its way has timed out.
#[tokio::test(start_paused = true)]
async fn a_handler_is_told_when_its_lease_ends_and_not_a_store_timeout_later() {
    #[allow(clippy::disallowed_methods)] // The test's own time.
    let began = tokio::time::Instant::now();
    let store = Slow::default();
    store.delay(Op::Renew, 60 * SECOND);
    let layer = single().lease(30 * SECOND).store_timeout(4 * SECOND).store(store);
    let app = app(&layer.build().unwrap(), move |request: Incoming| async move {
        let idempotency = request.extensions().get::<Idempotency>().unwrap().clone();
        idempotency.ownership_lost().await;
        Response::new(Full::<Bytes>::from(began.elapsed().as_millis().to_string()))
    });
    let told: u64 = send_key(&app, "k").await.text().parse().unwrap();
    assert!(told < 30_100, "told after {told} ms");
}

/// One layer around a router and again around one of its routes: an easy mistake, after which
/// every request with a key is in its own way.
#[tokio::test]
async fn a_layer_within_itself_lets_its_own_run_pass() {
    use tower::{Layer, ServiceExt, service_fn};
    let layer = single().build().unwrap();
    let inner = layer.layer(service_fn(async |_: Request<_>| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("ran")))
    }));
    let twice = layer.layer(inner);
    let response = twice.oneshot(body(post("k"), "{}")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.extensions().get::<Rejection>(), None);
}

/// The service that was polled ready holds its permit while the client takes its time to send the
/// body: a few slow clients close an inner `ConcurrencyLimit` to all others, for `read_timeout`.
#[tokio::test(start_paused = true)]
async fn a_client_that_is_slow_to_send_does_not_hold_the_limit_of_the_inner_service() {
    use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimit, service_fn};
    type Frames = tokio_stream::Pending<Result<http_body::Frame<Bytes>, std::convert::Infallible>>;
    let inner = service_fn(async |_: Request<_>| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let mut service = single().build().unwrap().layer(ConcurrencyLimit::new(inner, 1));
    let request = |builder: http::request::Builder| {
        let silence: Frames = tokio_stream::pending();
        builder.body(http_body_util::StreamBody::new(silence)).unwrap()
    };
    let slow = service.ready().await.unwrap().call(request(post("k")));
    let slow = tokio::spawn(slow);
    yield_now().await;
    let keyless = request(Request::post("/"));
    let served = async { service.ready().await.unwrap().call(keyless).await.unwrap() };
    let served = tokio::time::timeout(SECOND, served).await;
    assert!(served.is_ok(), "nothing runs, and yet nobody is served");
    slow.abort();
}

/// The id of a message, as an outer layer has read it.
#[derive(Clone)]
struct MessageId(&'static [u8]);

fn message(id: &'static [u8]) -> Request<Full<Bytes>> {
    let mut request = body(post("of the header"), "{}");
    request.extensions_mut().insert(MessageId(id));
    request
}

#[tokio::test]
async fn a_key_is_read_where_the_closure_says() {
    let found = |head: &RequestHead<'_>| {
        head.extensions.get::<MessageId>().map(|id| Key::copy_from_slice(id.0))
    };
    let (runs, handler) = counting();
    let app = app(&single().key_with(found).build().unwrap(), handler);
    assert!(!send(&app, message(b"a\n\xff")).await.is_replay());
    assert!(send(&app, message(b"a\n\xff")).await.is_replay(), "taken as it is");
    assert!(!send(&app, message(b"b")).await.is_replay(), "the header is not looked at");
    for _ in 0..2 {
        assert!(!send_key(&app, "of the header").await.is_replay(), "nor does it stand in");
    }
    assert_eq!(count(&runs), 4);
    for (id, error) in [(&b""[..], KeyError::Empty), (&[b'x'; 256], KeyError::TooLong)] {
        let answer = send(&app, message(id)).await;
        assert_eq!(answer.rejection(), Rejection::KeyMalformed(error));
    }
    assert!(!send(&app, message(&[b'x'; 255])).await.is_replay());
    let required = single().key_with(found).required(true).build().unwrap();
    let app = app::app(&required, counting().1);
    assert_eq!(send_key(&app, "of the header").await.rejection(), Rejection::KeyMissing);
}

#[tokio::test]
async fn what_is_skipped_passes_whatever_its_key() {
    let reads = |head: &RequestHead<'_>| head.headers.contains_key("x-reads");
    let (runs, handler) = counting();
    let app = app(&single().required(true).skip_when(reads).build().unwrap(), handler);
    for key in ["k", "k", "", "not, a key"] {
        let answer = send(&app, body(post(key).header("x-reads", "1"), "{}")).await;
        assert_eq!((answer.status, answer.is_replay()), (StatusCode::CREATED, false), "{key}");
    }
    assert_eq!(count(&runs), 4);
    send_key(&app, "k").await;
    assert!(send_key(&app, "k").await.is_replay(), "and all else is protected");
}
