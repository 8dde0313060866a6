//! What the layer keeps towards its store and its clients, in the order in which things happen.
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
use stonework_core::{Key, StoreErrorKind};
use stonework_idempotency::store::{
    Claim, Claimed, Complete, Completed, Held, IdempotencyStore, MemoryStore, Release, Renew, Watch,
};
use stonework_idempotency::{
    Abandoned, Idempotency, IdempotencyLayer, InFlight, Outage, Rejection,
};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{advance, sleep, timeout};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn begin(app: &App) -> JoinHandle<app::Answer> {
    let app = app.clone();
    tokio::spawn(async move { send_key(&app, "k").await })
}

async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        yield_now().await;
    }
}

/// Lets all tasks do what they can without time passing.
async fn settle_down() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_the_answer_is_recorded() {
    let store = Slow::default();
    store.delay(Op::Complete, 300 * MILLI);
    let (_, handler) = counting();
    let app = app(&single().store(store.clone()).build().unwrap(), handler);
    let client = begin(&app);
    until(|| store.count(Op::Complete) == 1).await;
    settle_down().await;
    assert!(!client.is_finished(), "the store has not yet said that it has the answer");
    assert_eq!(client.await.unwrap().text(), "run 1");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_the_store_is_asked_cancels_nothing() {
    for op in [Op::Claim, Op::Complete] {
        let store = Slow::default();
        store.delay(op, 300 * MILLI);
        let (runs, handler) = counting();
        let layer = single().store(store.clone()).build().unwrap();
        let app = app(&layer, handler);
        let client = begin(&app);
        until(|| store.count(op) == 1).await;
        client.abort();
        layer.tracker().drained().await;
        let retry = send_key(&app, "k").await;
        assert!(retry.is_replay(), "{op:?}");
        assert_eq!((retry.text(), count(&runs)), ("run 1", 1));
    }
}

/// A handler that waits until it is let go.
fn gated() -> (Arc<AtomicUsize>, Arc<Semaphore>, impl Fn(Incoming) -> Waiting + Clone + Send + Sync)
{
    let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (counter, waits) = (Arc::clone(&runs), Arc::clone(&gate));
    let handler = move |request: Incoming| -> Waiting {
        let (counter, waits) = (Arc::clone(&counter), Arc::clone(&waits));
        Box::pin(async move {
            let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
            let attempt = request.extensions().get::<Idempotency>().map(Idempotency::attempt);
            waits.acquire().await.unwrap().forget();
            assert!(run > 1, "the first run is interrupted");
            Response::new(Full::from(format!("run {run}, attempt {attempt:?}")))
        })
    };
    (runs, gate, handler)
}

type Waiting = std::pin::Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>;

#[tokio::test(start_paused = true)]
async fn too_many_runs_are_refused_before_the_store_is_asked() {
    let store = Slow::default();
    let (runs, _gate, handler) = gated();
    let layer = single().max_in_flight(1).store(store.clone()).build().unwrap();
    let app = app(&layer, handler);
    let _running = begin(&app);
    until(|| count(&runs) == 1).await;
    assert_eq!(send_key(&app, "other").await.rejection(), Rejection::TooManyInFlight);
    assert_eq!(store.count(Op::Claim), 1);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_learns_at_once_that_the_winner_was_interrupted() {
    for (policy, expected) in
        [(Abandoned::Reject, None), (Abandoned::Rerun, Some("run 2, attempt Some(2)"))]
    {
        let (runs, gate, handler) = gated();
        let layer = single().in_flight(InFlight::Wait { up_to: HOUR }).on_abandoned(policy);
        let layer = layer.build().unwrap();
        let app = app(&layer, handler);
        let first = begin(&app);
        until(|| count(&runs) == 1).await;
        let second = begin(&app);
        until(|| layer.tracker().in_flight() == 2).await;
        settle_down().await;
        gate.add_permits(2);
        assert_eq!(first.await.unwrap().rejection(), Rejection::Interrupted);
        // Sooner than the lease of 30 s would run out.
        let second = timeout(SECOND, second).await.unwrap().unwrap();
        match expected {
            Some(text) => assert_eq!(second.text(), text),
            None => assert_eq!(second.rejection(), Rejection::OutcomeUnknown),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_claim_is_answered_while_the_store_is_still_silent() {
    let store = Faulty::default();
    store.set(Fault::Silent);
    let (_, handler) = counting();
    let layer = single().store(store.clone()).build().unwrap();
    let app = app(&layer, handler);
    let answer = timeout(SECOND, send_key(&app, "k")).await.expect("within a second");
    assert_eq!(answer.rejection(), Rejection::StoreUnavailable);
    assert_eq!(layer.tracker().in_flight(), 1, "the claim is still to be taken back");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_recorded_is_sent_within_a_second() {
    let store = Slow::default();
    let (_, handler) = counting();
    let layer = single().store(store.clone()).build().unwrap();
    let app = app(&layer, handler);
    store.delay(Op::Complete, HOUR);
    let answer = timeout(SECOND, send_key(&app, "k")).await.expect("within a second");
    assert_eq!(answer.text(), "run 1");
    assert_eq!(store.count(Op::Complete), 2, "it was tried twice");
}

#[tokio::test(start_paused = true)]
async fn one_reply_that_is_lost_does_not_leave_an_answer_unrecorded() {
    let store = Slow::default();
    store.fail(Op::Complete, true);
    let (_, handler) = counting();
    let app = app(&single().store(store.clone()).build().unwrap(), handler);
    let client = begin(&app);
    until(|| store.count(Op::Complete) == 1).await;
    store.fail(Op::Complete, false);
    assert_eq!(client.await.unwrap().text(), "run 1");
    assert!(send_key(&app, "k").await.is_replay(), "recorded when the answer was sent");
}

/// A handler that tells by which virtual time it learned that it had lost its key.
fn losing() -> impl Fn(Incoming) -> Waiting + Clone + Send + Sync {
    #[allow(clippy::disallowed_methods)] // The test's own time.
    let began = tokio::time::Instant::now();
    move |request: Incoming| {
        Box::pin(async move {
            let idempotency = request.extensions().get::<Idempotency>().unwrap().clone();
            idempotency.ownership_lost().await;
            let millis = began.elapsed().as_millis().to_string();
            Response::new(Full::from(millis))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_counts_from_before_its_renewal_was_sent() {
    let store = Slow::default();
    store.delay(Op::Renew, 300 * MILLI);
    let layer = single().lease(3 * SECOND).store(store.clone()).build().unwrap();
    let app = app(&layer, losing());
    let client = begin(&app);
    // The first renewal is sent after 1 s; its reply comes at 1.3 s, and the others fail.
    until(|| store.count(Op::Claim) == 1).await;
    sleep(1100 * MILLI).await;
    assert_eq!(store.count(Op::Renew), 1);
    store.fail(Op::Renew, true);
    let lost: u64 = client.await.unwrap().text().parse().unwrap();
    assert!((4000..4200).contains(&lost), "{lost} ms");
}

#[tokio::test(start_paused = true)]
async fn a_lease_counts_from_before_its_claim_was_sent() {
    let store = Slow::default();
    store.delay(Op::Claim, 300 * MILLI);
    store.fail(Op::Renew, true);
    let layer = single().lease(3 * SECOND).store(store.clone()).build().unwrap();
    let app = app(&layer, losing());
    let lost: u64 = send_key(&app, "k").await.text().parse().unwrap();
    assert!((3000..3200).contains(&lost), "{lost} ms");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_told_when_max_run_and_its_last_lease_have_passed() {
    let layer = single().lease(30 * SECOND).max_run(60 * SECOND).build().unwrap();
    let app = app(&layer, losing());
    let lost: u64 = send_key(&app, "k").await.text().parse().unwrap();
    assert!((60_000..=100_000).contains(&lost), "{lost} ms");
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_a_day_unless_said_otherwise() {
    let (_, handler) = counting();
    let app = app(&single().build().unwrap(), handler);
    assert_eq!(send_key(&app, "k").await.text(), "run 1");
    advance(24 * HOUR - SECOND).await;
    assert_eq!(send_key(&app, "k").await.text(), "run 1");
    advance(SECOND).await;
    assert_eq!(send_key(&app, "k").await.text(), "run 2");
}

#[tokio::test]
async fn an_answer_of_a_later_version_fails_closed() {
    let store = Slow::default();
    store.write_as_a_later_version();
    let (runs, handler) = counting();
    let app = app(&single().store(store).build().unwrap(), handler);
    send_key(&app, "k").await;
    let retry = send_key(&app, "k").await;
    assert_eq!(retry.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(retry.rejection(), Rejection::StoreUnavailable);
    assert_eq!(count(&runs), 1, "it is not run again");
}

#[tokio::test(start_paused = true)]
async fn rerun_does_not_show_the_checkpoint_and_resume_does() {
    for (policy, expected) in [(Abandoned::Rerun, "None"), (Abandoned::Resume, "Some(b\"one\")")] {
        let app = app(&single().on_abandoned(policy).build().unwrap(), |request: Incoming| async {
            let idempotency = request.extensions().get::<Idempotency>().unwrap().clone();
            drop(request);
            if idempotency.attempt() == 1 {
                idempotency.save("one").await.unwrap();
                panic!("the first attempt is interrupted");
            }
            Response::new(Full::<Bytes>::from(format!("{:?}", idempotency.checkpoint())))
        });
        send_key(&app, "k").await;
        assert_eq!(send_key(&app, "k").await.text(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_one_second_after_the_store_is_back_is_served() {
    // However the outage began, and wherever in the layer's own rhythm it ends.
    for fault in [Fault::Silent, Fault::Refuses, Fault::LosesReplies] {
        for requests in [1, 3, 30] {
            for step in 0..14 {
                let store = Faulty::default();
                let (_, handler) = counting();
                let app = app(&single().store(store.clone()).build().unwrap(), handler);
                store.set(fault);
                for n in 0..requests {
                    let app = app.clone();
                    let key = format!("k{n}");
                    tokio::spawn(async move { send_key(&app, &key).await });
                    sleep(10 * MILLI).await;
                }
                sleep(5 * SECOND + step * 50 * MILLI).await;
                store.set(Fault::None);
                sleep(SECOND).await;
                for key in ["k0", "new"] {
                    let answer = send_key(&app, key).await;
                    let case = format!("{fault:?} {requests} {step} {key}: {answer:?}");
                    assert_eq!(answer.status, StatusCode::CREATED, "{case}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn permits_come_back_when_an_outage_ends() {
    let store = Faulty::default();
    let (_, handler) = counting();
    let layer = single().max_in_flight(2).store(store.clone()).build().unwrap();
    let app = app(&layer, handler);
    store.set(Fault::Silent);
    for key in ["a", "b"] {
        assert_eq!(send_key(&app, key).await.rejection(), Rejection::StoreUnavailable);
    }
    assert_eq!(layer.tracker().in_flight(), 2, "both claims are still to be taken back");
    assert_eq!(send_key(&app, "c").await.status, StatusCode::SERVICE_UNAVAILABLE);
    store.set(Fault::None);
    sleep(SECOND).await;
    assert_eq!(layer.tracker().in_flight(), 0);
    assert_eq!(send_key(&app, "c").await.status, StatusCode::CREATED);
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_a_refused_request_leaves_nothing_to_do() {
    let store = Faulty::default();
    let (_, handler) = counting();
    let layer = single().store(store.clone()).build().unwrap();
    let app = app(&layer, handler);
    store.set(Fault::Refuses);
    for n in 0..50 {
        send_key(&app, &format!("k{n}")).await;
    }
    // Only what may have reached the store has to be taken back.
    assert!(layer.tracker().in_flight() <= 3, "{}", layer.tracker().in_flight());
}

#[tokio::test]
async fn gives_unavailable_with_a_pushback_over_grpc() {
    const PATH: &str = "/pay.Payments/Charge";
    let call = |key: &str| {
        let request = Request::post(PATH).header("content-type", "application/grpc");
        request.header("idempotency-key", key).body(Full::default()).unwrap()
    };
    let away = Faulty::default();
    away.set(Fault::Refuses);
    let full = MemoryStore::builder().max_keys(1).build().unwrap();
    let (_, handler) = counting();
    for layer in [single().store(away), single().store(full)] {
        let app = app(&layer.grpc_unary([PATH]).build().unwrap(), handler.clone());
        send(&app, call("first")).await;
        let answer = send(&app, call("second")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("grpc-status"), Some("14"));
        assert_eq!(answer.header("grpc-retry-pushback-ms"), Some("1000"));
        assert_eq!(answer.header("retry-after"), None);
    }
}

/// Neither store nor closures need be `Clone`; that this compiles is the test.
#[tokio::test]
async fn a_store_and_closures_that_cannot_be_cloned_will_do() {
    struct Unique(MemoryStore);
    impl IdempotencyStore for Unique {
        fn claim(&self, claim: Claim<'_>) -> StoreReply<Claimed> {
            self.0.claim(claim)
        }
        fn renew(&self, renew: Renew<'_>) -> StoreReply<Held> {
            self.0.renew(renew)
        }
        fn complete(&self, complete: Complete<'_>) -> StoreReply<Completed> {
            self.0.complete(complete)
        }
        fn release(&self, release: Release<'_>) -> StoreReply<()> {
            self.0.release(release)
        }
        fn watch(&self, watch: Watch<'_>) -> stonework_core::StoreFuture<()> {
            self.0.watch(watch)
        }
    }
    struct Owner(&'static str);
    let (owner, added) = (Owner("alice"), Owner("more"));
    let layer = IdempotencyLayer::builder()
        .scope(move |_| {
            let owner = &owner;
            Some(Key::from(owner.0))
        })
        .fingerprint_with(move |_, input| {
            let added = &added;
            input.add(added.0.as_bytes());
        })
        .store(Unique(MemoryStore::new()))
        .build()
        .unwrap();
    let (_, handler) = counting();
    let app = app(&layer.clone(), handler);
    send(&app, body(post("k"), "")).await;
    assert!(send(&app, body(post("k"), "")).await.is_replay());
}

type StoreReply<T> = stonework_core::StoreFuture<Result<T, stonework_core::StoreError>>;

#[tokio::test]
async fn the_run_holds_its_permit_to_its_end() {
    let (runs, gate, handler) = gated();
    let layer = single().build().unwrap();
    let app = app(&layer, handler);
    let client = begin(&app);
    until(|| count(&runs) == 1).await;
    assert_eq!(layer.tracker().in_flight(), 1);
    gate.add_permits(1);
    client.await.unwrap();
    layer.tracker().drained().await;
    assert_eq!(layer.tracker().in_flight(), 0);
}

/// A service that must not be kept by a request which will never call it.
#[tokio::test(start_paused = true)]
async fn a_claim_that_is_being_taken_back_does_not_keep_the_inner_service() {
    use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimit, service_fn};
    let store = Faulty::default();
    let layer = single().store(store.clone()).build().unwrap();
    let inner = ConcurrencyLimit::new(
        service_fn(async |_: Incoming| {
            Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
        }),
        1,
    );
    let mut service = layer.layer(inner);
    store.set(Fault::Silent);
    let refused = service.ready().await.unwrap().call(body(post("k"), "")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(layer.tracker().in_flight(), 1);
    let keyless = Request::post("/").body(Full::default()).unwrap();
    let served = timeout(SECOND, async { service.ready().await.unwrap().call(keyless).await });
    assert_eq!(served.await.expect("the limit is free").unwrap().status(), StatusCode::OK);
}

/// A handler that panics the first time and counts.
fn fragile() -> (Arc<AtomicUsize>, impl Fn(Incoming) -> Waiting + Clone + Send + Sync) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let handler = move |_: Incoming| -> Waiting {
        let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            assert!(run > 1, "the first run is interrupted");
            Response::new(Full::from(format!("run {run}")))
        })
    };
    (runs, handler)
}

#[tokio::test(start_paused = true)]
async fn a_takeover_that_is_refused_is_not_tried_for_ever() {
    let store = Slow::default();
    store.ignore_takeovers();
    let (runs, handler) = fragile();
    let layer = single().store(store.clone()).on_abandoned(Abandoned::Rerun).build().unwrap();
    let app = app(&layer, handler);
    send_key(&app, "k").await;
    let answer = send_key(&app, "k").await;
    assert_eq!(answer.rejection(), Rejection::InFlight, "the owner has come back to life");
    assert_eq!((count(&runs), store.count(Op::Claim)), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_takeover_is_not_run_even_when_outages_are_run_through() {
    let store = Slow::default();
    store.fail_takeovers();
    let (runs, handler) = fragile();
    let layer = single().store(store.clone()).on_abandoned(Abandoned::Rerun);
    let app = app(&layer.on_outage(Outage::Open).build().unwrap(), handler);
    send_key(&app, "k").await;
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::StoreUnavailable);
    assert_eq!(count(&runs), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_not_run_even_when_outages_are_run_through() {
    for kind in [StoreErrorKind::Incompatible, StoreErrorKind::Refused] {
        let store = Slow::default();
        store.refuse(Op::Claim, kind);
        let (runs, handler) = counting();
        let layer = single().store(store.clone()).on_outage(Outage::Open).build().unwrap();
        let app = app(&layer, handler);
        assert_eq!(send_key(&app, "k").await.rejection(), Rejection::StoreUnavailable);
        assert_eq!(count(&runs), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_looks_again_when_the_lease_of_the_winner_has_run_out() {
    let store = MemoryStore::new();
    let handle = Arc::new(std::sync::Mutex::new(None));
    let dying = single().store(store.clone()).spawn_with({
        let handle = Arc::clone(&handle);
        move |run| *handle.lock().unwrap() = Some(tokio::spawn(run))
    });
    let (runs, _gate, handler) = gated();
    let dying = app(&dying.build().unwrap(), handler.clone());
    let _first = begin(&dying);
    until(|| count(&runs) == 1).await;
    // As a process that dies: no word to the store.
    handle.lock().unwrap().take().unwrap().abort();
    let layer = single().store(store).in_flight(InFlight::Wait { up_to: HOUR }).build().unwrap();
    let app = app(&layer, handler);
    let answer = timeout(31 * SECOND, send_key(&app, "k")).await.expect("after the lease");
    assert_eq!(answer.rejection(), Rejection::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_claim_is_sent_again_and_then_released() {
    let store = Slow::default();
    store.fail(Op::Claim, true);
    let (_, handler) = counting();
    let layer = single().store(store.clone()).build().unwrap();
    let app = app(&layer, handler);
    send_key(&app, "k").await;
    store.fail(Op::Claim, false);
    layer.tracker().drained().await;
    assert_eq!((store.count(Op::Claim), store.count(Op::Release)), (2, 1));
    assert_eq!(store.store.stats().keys, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_to_a_store_that_stays_away_is_given_up_after_max_run() {
    let store = Faulty::default();
    let (_, handler) = counting();
    let layer = single().max_run(60 * SECOND).store(store.clone()).build().unwrap();
    let app = app(&layer, handler);
    store.set(Fault::Silent);
    send_key(&app, "k").await;
    timeout(62 * SECOND, async { layer.tracker().drained().await }).await.expect("given up");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_an_answer_for_good_is_not_asked_again() {
    let store = Slow::default();
    store.refuse(Op::Complete, StoreErrorKind::Refused);
    let (_, handler) = counting();
    let layer = single().store(store.clone()).build().unwrap();
    let app = app(&layer, handler);
    assert_eq!(send_key(&app, "k").await.text(), "run 1");
    timeout(SECOND, async { layer.tracker().drained().await }).await.expect("nothing to do");
    assert_eq!(store.count(Op::Complete), 1);
    advance(30 * SECOND).await;
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn a_run_learns_from_its_renewal_that_it_was_taken_over() {
    let store = Slow::default();
    store.lose_renewals();
    let app = app(&single().store(store).build().unwrap(), losing());
    let lost: u64 = send_key(&app, "k").await.text().parse().unwrap();
    assert!((10_000..10_100).contains(&lost), "at a third of the lease and not later: {lost} ms");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_waited_for_as_long_as_was_said_and_no_longer() {
    use tower::{Layer, ServiceExt, service_fn};
    let layer = single().read_timeout(5 * SECOND).build().unwrap();
    let service = layer.layer(service_fn(async |_: Request<_>| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let silence = || {
        let frames = tokio_stream::pending::<Result<http_body::Frame<Bytes>, &str>>();
        post("k").body(http_body_util::StreamBody::new(frames)).unwrap()
    };
    let early = timeout(5 * SECOND - MILLI, service.clone().oneshot(silence())).await;
    assert!(early.is_err(), "still waiting");
    let late = timeout(5 * SECOND + MILLI, service.oneshot(silence())).await;
    assert_eq!(late.expect("in time").unwrap().status(), StatusCode::REQUEST_TIMEOUT);
}
