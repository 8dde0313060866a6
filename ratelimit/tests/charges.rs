//! What a request costs, corrected afterwards: how much, when, and to whom.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

mod support;

use std::future::{pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use stonework_core::StoreErrorKind;
use stonework_ratelimit::{
    Basis, Charge, NotExecuted, Outage, RateLimitLayer, RateLimitLayerBuilder, Span,
};
use support::app::{App, Incoming, app, by, granted, ok, send};
use support::faulty::{Fault, Faulty};
use support::limits::{SECOND, debt_of, left, left_of, over, policy, quota, quota_of, still};
use support::streams::{Pipe, Piped, piped};
use tokio::task::yield_now;
use tower::{Layer, ServiceExt, service_fn};

fn charge_of(request: &Incoming) -> Charge {
    request.extensions().get::<Charge>().expect("a charge").clone()
}

/// A handler that says this of its charge, and `ok`.
fn saying(
    builder: RateLimitLayerBuilder,
    say: impl Fn(&Charge) + Clone + Send + Sync + 'static,
) -> App {
    app(&builder.adjustable(true).build().unwrap(), move |request| {
        say(&charge_of(&request));
        ready(Response::new(Full::from("ok")))
    })
}

#[tokio::test]
async fn a_handler_gives_back_or_takes_more() {
    let (_, store) = still();
    let builder = || over(&store).policy(policy("a").cost(2));
    for (key, total, expected) in [
        ("silent", None, 3),
        ("free", Some(0), 5),
        ("less", Some(1), 4),
        ("same", Some(2), 3),
        ("more", Some(4), 1),
    ] {
        let app = saying(builder(), move |charge| {
            if let Some(total) = total {
                assert!(charge.total(total));
            }
        });
        assert!(send(&app, by(key)).await.is_ok());
        assert_eq!(left(&store, "a", key), expected, "{key}");
    }
}

#[tokio::test]
async fn a_store_is_not_asked_for_what_changes_nothing() {
    let store = Faulty::new(still().1);
    let builder = || RateLimitLayer::builder().store(store.clone()).policy(policy("a").cost(2));
    send(&saying(builder(), |charge| assert!(charge.total(2))), by("k")).await;
    send(&saying(builder(), |_| ()), by("k")).await;
    assert_eq!(store.adjusts(), []);
}

#[tokio::test]
async fn a_debt_is_a_burst_at_most_and_is_paid_off_by_time() {
    let (clock, store) = still();
    let app = saying(over(&store).policy(policy("a")), |charge| assert!(charge.total(u32::MAX)));
    assert!(send(&app, by("k")).await.is_ok());
    assert_eq!(debt_of(&store, "a", "k", quota()).duration(), 10 * SECOND, "two bursts");
    let denied = send(&app, by("k")).await;
    assert_eq!(denied.header("retry-after"), Some("6"));
    clock.advance(6 * SECOND);
    assert!(send(&app, by("k")).await.is_ok());
}

#[tokio::test]
async fn a_bucket_never_holds_more_than_its_burst() {
    let (clock, store) = still();
    let charge = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&charge);
    let layer = over(&store).adjustable(true).policy(policy("a").cost(4)).build().unwrap();
    let app = app(&layer, move |request| {
        *kept.lock().unwrap() = Some(charge_of(&request));
        ready(Response::new(Full::<Bytes>::default()))
    });
    let response = app.clone().oneshot(by("k")).await.unwrap();
    clock.advance(60 * SECOND);
    assert!(charge.lock().unwrap().as_ref().unwrap().refund());
    drop(response);
    assert_eq!(debt_of(&store, "a", "k", quota()), Span::ZERO);
    assert_eq!(left(&store, "a", "k"), 5);
}

#[tokio::test]
async fn policies_are_corrected_together_or_one_by_one() {
    let (_, store) = still();
    let builder = over(&store)
        .policy(policy("requests"))
        .policy(policy("rows"))
        .policy(policy("shadow").shadow(true))
        .policy(policy("other").only(|_| false));
    let app = saying(builder, |charge| {
        assert!(charge.total(3));
        assert!(charge.total_under("requests", 1));
        assert!(!charge.total_under("other", 1), "it did not charge this request");
        assert!(!charge.total_under("unknown", 1));
    });
    send(&app, by("k")).await;
    let left = ["requests", "rows", "shadow"].map(|policy| left(&store, policy, "k"));
    assert_eq!(left, [4, 2, 2]);
}

#[tokio::test]
async fn the_last_word_counts_whoever_says_it() {
    let (_, store) = still();
    let app = saying(over(&store).policy(policy("a")), |charge| {
        let clone = charge.clone();
        assert!(charge.total(5) && clone.refund() && charge.total(2));
    });
    send(&app, by("k")).await;
    assert_eq!(left(&store, "a", "k"), 3);
}

type Opened = Arc<Mutex<Vec<(Charge, Pipe)>>>;

/// A service whose handler says nothing yet: the charge and the pipe of each request are kept.
fn streaming(builder: RateLimitLayerBuilder) -> (Opened, App<Piped>) {
    let opened = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&opened);
    let app = app(&builder.adjustable(true).build().unwrap(), move |request: Incoming| {
        let (pipe, body) = piped();
        kept.lock().unwrap().push((charge_of(&request), pipe));
        ready(Response::new(body))
    });
    (opened, app)
}

#[tokio::test]
async fn a_charge_is_corrected_when_the_body_has_ended_and_only_once() {
    for ends in [Pipe::trailers, Pipe::error, |_: &Pipe| ()] {
        let store = Faulty::new(still().1);
        let builder = RateLimitLayer::builder().store(store.clone());
        let (opened, app) = streaming(builder.policy(policy("a")));
        let mut body = app.oneshot(by("k")).await.unwrap().into_body();
        let (charge, pipe) = opened.lock().unwrap().remove(0);
        pipe.data("rows");
        assert!(body.frame().await.unwrap().unwrap().is_data());
        assert!(charge.total(3), "the handler may still count");
        assert_eq!(store.adjusts(), []);
        ends(&pipe);
        drop(pipe);
        drop(body.frame().await);
        assert_eq!(left(&store.store, "a", "k"), 2, "although the body is still there");
        assert!(!charge.total(4) && !charge.refund() && !charge.total_under("a", 4), "too late");
        drop(body);
        assert_eq!(store.adjusts().len(), 1);
        assert_eq!(left(&store.store, "a", "k"), 2);
    }
}

#[tokio::test]
async fn a_charge_is_corrected_when_the_client_leaves_half_way() {
    let (_, store) = still();
    let (opened, app) = streaming(over(&store).policy(policy("a")));
    let mut body = app.oneshot(by("k")).await.unwrap().into_body();
    let (charge, pipe) = opened.lock().unwrap().remove(0);
    pipe.data("rows");
    assert!(body.frame().await.unwrap().unwrap().is_data());
    assert!(charge.total(4));
    drop(body);
    assert_eq!(left(&store, "a", "k"), 1);
    assert!(!charge.refund());
}

#[tokio::test]
async fn a_charge_is_corrected_when_the_client_leaves_before_there_is_a_response() {
    let (_, store) = still();
    let app = app(&over(&store).adjustable(true).policy(policy("a")).build().unwrap(), |request| {
        let charge = charge_of(&request);
        async move {
            assert!(charge.total(3));
            pending::<Response<Full<Bytes>>>().await
        }
    });
    let mut waiting = Box::pin(app.oneshot(by("k")));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(Pin::new(&mut waiting).poll(&mut cx), Poll::Pending));
    assert_eq!(left(&store, "a", "k"), 4);
    drop(waiting);
    assert_eq!(left(&store, "a", "k"), 2);
}

#[tokio::test]
async fn a_charge_is_corrected_when_the_service_fails_or_panics() {
    let (_, store) = still();
    let layer = over(&store).adjustable(true).policy(policy("a")).build().unwrap();
    let failing = service_fn(|request: Incoming| {
        charge_of(&request).refund();
        ready(Err::<Response<Full<Bytes>>, _>("broken"))
    });
    assert!(layer.layer(failing).oneshot(by("k")).await.is_err());
    assert_eq!(left(&store, "a", "k"), 5);
    let panicking: App = app(&layer, |request| async move {
        charge_of(&request).total(3);
        panic!("a panic that the test wants")
    });
    assert!(tokio::spawn(async move { send(&panicking, by("k")).await }).await.is_err());
    assert_eq!(left(&store, "a", "k"), 2);
}

#[tokio::test]
async fn a_response_may_tell_that_nothing_is_owed() {
    let (_, store) = still();
    let layer = over(&store)
        .policy(policy("a"))
        .refund_when(|response| {
            response.extensions.get::<NotExecuted>().is_some()
                || response.status == StatusCode::NOT_MODIFIED
        })
        .build()
        .unwrap();
    let answering = |status: u16, not_executed: bool| {
        app(&layer, move |request: Incoming| {
            assert!(request.extensions().get::<Charge>().is_none(), "it is not adjustable");
            let mut response = Response::builder().status(status);
            if not_executed {
                response = response.extension(NotExecuted);
            }
            ready(response.body(Full::<Bytes>::default()).unwrap())
        })
    };
    for (status, not_executed, expected) in
        [(304, false, 5), (503, true, 5), (503, false, 4), (200, false, 3)]
    {
        send(&answering(status, not_executed), by("k")).await;
        assert_eq!(left(&store, "a", "k"), expected);
    }
}

#[tokio::test]
async fn what_the_response_gives_back_is_given_back_whatever_the_handler_says() {
    let (_, store) = still();
    let (opened, app) = streaming(over(&store).policy(policy("a")).refund_when(|_| true));
    let mut body = app.oneshot(by("k")).await.unwrap().into_body();
    let (charge, pipe) = opened.lock().unwrap().remove(0);
    charge.total(5);
    drop(pipe);
    assert!(body.frame().await.is_none());
    assert_eq!(left(&store, "a", "k"), 5);
}

#[tokio::test]
async fn without_leave_handlers_have_no_charge() {
    let (_, store) = still();
    let app = app(&over(&store).policy(policy("a")).build().unwrap(), |request: Incoming| {
        let charge = request.extensions().get::<Charge>();
        ready(Response::new(Full::<Bytes>::from(charge.is_some().to_string())))
    });
    assert_eq!(send(&app, by("k")).await.text(), "false");
}

/// A handler that extracts a charge must not fail for those who are not charged.
#[tokio::test]
async fn whoever_is_let_in_has_a_charge() {
    let store = Faulty::new(still().1);
    let builder = || RateLimitLayer::builder().store(store.clone());
    let exceeded = builder().policy(policy("watched").burst(1).shadow(true));
    let app = saying(exceeded, |charge| assert!(charge.total(3)));
    for _ in 0..3 {
        assert!(send(&app, by("k")).await.is_ok());
    }
    store.set(Fault::Fails(StoreErrorKind::Refused));
    let unchecked = builder().policy(policy("a")).on_outage(Outage::Open);
    let app = saying(unchecked, |charge| assert!(charge.total(3)));
    assert_eq!(send(&app, by("k")).await.decision().basis(), Basis::Unchecked);
    assert_eq!(store.adjusts().len(), 1, "what was not charged is not corrected");
}

#[tokio::test]
async fn tokens_go_back_to_those_who_gave_them() {
    let (_, memory) = still();
    let store = Faulty::new(memory);
    let builder = RateLimitLayer::builder().store(store.clone());
    let builder = builder.policy(policy("a").per(3600 * SECOND).cost(5));
    let app = saying(builder, |charge| assert!(charge.refund()));
    store.set(Fault::Fails(StoreErrorKind::Unavailable));
    for _ in 0..3 {
        let answer = send(&app, by("k")).await;
        assert!(answer.is_ok(), "the bucket of this process was given its tokens back");
        assert_eq!(answer.decision().basis(), Basis::Fallback);
    }
    assert_eq!(store.adjusts(), []);
    assert_eq!(left_of(&store.store, "a", "k", quota_of(5)), 5);
}

#[tokio::test]
async fn a_bucket_that_handlers_may_refill_is_never_promised_to_refill_by_time_alone() {
    let store = Faulty::new(still().1);
    let builder = || RateLimitLayer::builder().store(store.clone()).policy(policy("a"));
    send(&ok(builder()), by("k")).await;
    send(&ok(builder().adjustable(true)), by("k")).await;
    send(&ok(builder().refund_when(|_| false)), by("k")).await;
    assert_eq!(store.promised(), [true, false, false]);
}

/// Lets what was spawned run until it waits for time.
async fn settle() {
    for _ in 0..8 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_has_to_be_waited_for_is_told_after_the_request_is_gone() {
    let store = Faulty::new(still().1);
    let builder = RateLimitLayer::builder().store(store.clone()).policy(policy("a"));
    let app = saying(builder, |charge| assert!(charge.total(4)));
    store.set(Fault::Waits);
    drop(app.oneshot(by("k")).await.unwrap());
    settle().await;
    assert_eq!(left(&store.store, "a", "k"), 1);
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(store.adjusts().len(), 1, "what was answered is not sent again");
}

#[tokio::test(start_paused = true)]
async fn a_correction_whose_reply_is_lost_is_sent_again_once_and_counts_once() {
    let store = Faulty::new(still().1);
    let builder = RateLimitLayer::builder().store(store.clone()).policy(policy("a"));
    let app = saying(builder, |charge| assert!(charge.total(3)));
    let response = app.oneshot(by("k")).await.unwrap();
    store.set(Fault::LosesReplies);
    drop(response);
    settle().await;
    assert_eq!(store.adjusts().len(), 1);
    tokio::time::sleep(3600 * SECOND).await;
    let [first, second] = store.adjusts().try_into().expect("two");
    assert_eq!(first, second, "the same tokens under the same id");
    assert_eq!(left(&store.store, "a", "k"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_correction_that_fails_is_sent_again_when_the_store_may_be_back() {
    for fault in [Fault::Fails, Fault::FailsLate] {
        let store = Faulty::new(still().1);
        let builder = RateLimitLayer::builder().store(store.clone()).policy(policy("a"));
        let app = saying(builder, |charge| assert!(charge.total(3)));
        let response = app.oneshot(by("k")).await.unwrap();
        store.set(fault(StoreErrorKind::Unavailable));
        drop(response);
        settle().await;
        assert_eq!(left(&store.store, "a", "k"), 4, "not yet");
        store.set(Fault::None);
        tokio::time::sleep(60 * SECOND).await;
        assert_eq!(left(&store.store, "a", "k"), 2);
        let adjusts = store.adjusts();
        assert!(adjusts.iter().all(|adjust| adjust == &adjusts[0]), "{adjusts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_correction_that_is_refused_is_not_repeated() {
    let store = Faulty::new(still().1);
    let builder = RateLimitLayer::builder().store(store.clone()).policy(policy("a"));
    let app = saying(builder, |charge| assert!(charge.total(3)));
    for fault in [Fault::Fails, Fault::FailsLate] {
        let response = app.clone().oneshot(by("k")).await.unwrap();
        store.set(fault(StoreErrorKind::Refused));
        drop(response);
        tokio::time::sleep(60 * SECOND).await;
        store.set(Fault::None);
    }
    assert_eq!(store.adjusts().len(), 2);
}

#[test]
fn without_a_runtime_a_store_in_memory_is_corrected_all_the_same() {
    let (_, store) = still();
    let app = saying(over(&store).policy(policy("a")), |charge| assert!(charge.refund()));
    let mut future = Box::pin(app.oneshot(by("k")));
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(response) = Pin::new(&mut future).poll(&mut cx) else { panic!("not ready") };
    drop(response);
    assert_eq!(left(&store, "a", "k"), 5);
}

#[tokio::test]
async fn a_request_that_is_denied_has_nothing_to_correct() {
    let store = Faulty::new(still().1);
    let builder = RateLimitLayer::builder().store(store.clone()).adjustable(true);
    let app = ok(builder.refund_when(|_| true).policy(policy("a").cost(5).shadow(false)));
    assert_eq!(granted(&app, 1, "k").await, 1);
    assert_eq!(store.adjusts().len(), 1, "given back");
    let keyless = send(&app, support::app::get("/")).await;
    assert!(keyless.extensions.get::<NotExecuted>().is_some());
    assert_eq!(store.adjusts().len(), 1);
}
