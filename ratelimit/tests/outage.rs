//! A store that is away, hangs, refuses or is full: what is decided then, and that nothing hangs.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

mod support;

use std::sync::{Arc, Mutex};

use http::{Request, StatusCode};
use stonework_core::StoreErrorKind::{Incompatible, NotAsked, Refused, TimedOut, Unavailable};
use stonework_ratelimit::{
    Basis, Decision, Outage, RateLimitLayer, RateLimitLayerBuilder, Rejection, RequestHead,
};
use support::app::{App, app, by, count, counting, ok, send, with};
use support::faulty::{Fault, Faulty};
use support::limits::{MILLI, SECOND, left, left_of, policy, quota_of, still};
use tower::ServiceExt;

/// How long a store that has stopped answering is left alone.
const COOL_DOWN: std::time::Duration = MILLI.saturating_mul(200);

/// Failures in a row after which it is.
const THRESHOLD: usize = 3;

fn faulty() -> Faulty {
    Faulty::new(still().1)
}

fn over(store: &Faulty, outage: Outage) -> RateLimitLayerBuilder {
    RateLimitLayer::builder().store(store.clone()).on_outage(outage)
}

fn faults() -> Vec<Fault> {
    let kinds = [Unavailable, TimedOut, NotAsked, Incompatible, Refused];
    let failing = kinds.into_iter().flat_map(|kind| [Fault::Fails(kind), Fault::FailsLate(kind)]);
    failing.chain([Fault::Silent, Fault::LosesReplies]).collect()
}

#[tokio::test(start_paused = true)]
async fn closed_answers_503_and_calls_nobody() {
    for fault in faults() {
        let store = faulty();
        let (runs, handler) = counting();
        let app = app(&over(&store, Outage::Closed).policy(policy("a")).build().unwrap(), handler);
        store.set(fault);
        for _ in 0..5 {
            let answer = send(&app, by("k")).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.rejection(), Rejection::StoreUnavailable);
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert_eq!(
                answer.text(),
                concat!(
                    r#"{"type":"urn:stonework:ratelimit:store-unavailable","#,
                    r#""title":"Limits cannot be checked now","status":503}"#,
                )
            );
        }
        assert_eq!(count(&runs), 0, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn open_lets_pass_and_says_that_nobody_was_asked() {
    for fault in faults() {
        let store = faulty();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hook = {
            let heard = Arc::clone(&heard);
            move |decision: &Decision, _: &RequestHead<'_>| {
                heard.lock().unwrap().push((decision.is_granted(), decision.basis()));
            }
        };
        let app = ok(over(&store, Outage::Open).policy(policy("a")).on_decision(hook));
        store.set(fault);
        for _ in 0..9 {
            let answer = send(&app, by("k")).await;
            assert!(answer.is_ok() && answer.header("ratelimit").is_none());
            assert_eq!(answer.decision().basis(), Basis::Unchecked);
            assert_eq!(answer.decision().standings(), []);
        }
        assert_eq!(*heard.lock().unwrap(), [(true, Basis::Unchecked); 9], "{fault:?}");
    }
}

/// How many of twenty this process grants by itself.
async fn granted_alone(app: &App, key: &str) -> usize {
    let mut granted = 0;
    for _ in 0..20 {
        let answer = send(app, by(key)).await;
        assert_eq!(answer.decision().basis(), Basis::Fallback);
        granted += usize::from(answer.is_ok());
    }
    granted
}

#[tokio::test(start_paused = true)]
async fn the_fallback_limits_by_the_memory_of_this_process() {
    for fault in faults() {
        let store = faulty();
        let hourly = || policy("a").per(3600 * SECOND).burst(10);
        let one = ok(over(&store, Outage::LocalFallback { nodes: 1 }).policy(hourly()));
        store.set(fault);
        assert_eq!(granted_alone(&one, "alice").await, 10, "{fault:?}");
        assert_eq!(granted_alone(&one, "bob").await, 10);
        let denied = send(&one, by("alice")).await;
        assert_eq!(denied.rejection(), Rejection::QuotaExceeded);
        // The fallback's clock is the processor's.
        let wait: u64 = denied.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn processes_share_a_quota_among_them() {
    let store = faulty();
    let hourly = || policy("a").per(3600 * SECOND).burst(10);
    let process = || ok(over(&store, Outage::LocalFallback { nodes: 3 }).policy(hourly()));
    store.set(Fault::Fails(Refused));
    let mut granted = 0;
    for process in [process(), process(), process()] {
        granted += granted_alone(&process, "alice").await;
        let answer = send(&process, by("bob")).await;
        assert_eq!(answer.header("ratelimit-policy"), Some(r#""a";q=1;w=10800"#), "its share");
    }
    assert_eq!(granted, 9);
    // What costs more than a share costs all of it, and is not impossible all at once.
    let costly = ok(over(&store, Outage::LocalFallback { nodes: 5 }).policy(hourly().cost(7)));
    assert_eq!(granted_alone(&costly, "alice").await, 1);
}

#[tokio::test]
async fn without_a_choice_limits_hold_in_this_process() {
    let store = faulty();
    store.set(Fault::Fails(Unavailable));
    let hourly = policy("a").per(3600 * SECOND).burst(10);
    let app = ok(RateLimitLayer::builder().store(store).policy(hourly));
    assert_eq!(granted_alone(&app, "alice").await, 10);
}

#[tokio::test(start_paused = true)]
async fn after_a_few_failures_nobody_asks_until_somebody_finds_the_store_back() {
    for fault in [Fault::Silent, Fault::Fails(Unavailable), Fault::FailsLate(Unavailable)] {
        let store = faulty();
        let app = ok(over(&store, Outage::Closed).policy(policy("a")));
        store.set(fault);
        for _ in 0..10 {
            assert_eq!(send(&app, by("k")).await.rejection(), Rejection::StoreUnavailable);
        }
        assert_eq!(store.acquires(), THRESHOLD, "{fault:?}");
        tokio::time::advance(COOL_DOWN).await;
        send(&app, by("k")).await;
        send(&app, by("k")).await;
        assert_eq!(store.acquires(), THRESHOLD + 1, "one has looked");

        store.set(Fault::Waits);
        tokio::time::advance(COOL_DOWN).await;
        for _ in 0..5 {
            assert!(send(&app, by("k")).await.is_ok());
        }
        assert_eq!(send(&app, by("k")).await.rejection(), Rejection::QuotaExceeded);
        assert_eq!(send(&app, by("k")).await.decision().basis(), Basis::Store);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_says_no_is_asked_again_each_time() {
    let store = faulty();
    let app = ok(over(&store, Outage::Closed).policy(policy("a")));
    store.set(Fault::Fails(Refused));
    for _ in 0..10 {
        send(&app, by("k")).await;
    }
    assert_eq!(store.acquires(), 10, "that is an answer and no outage");
}

/// Time is paused: were one of them to wait for good, the test would not end.
#[tokio::test(start_paused = true)]
async fn however_many_come_at_once_each_is_answered() {
    for outage in [Outage::Open, Outage::Closed, Outage::LocalFallback { nodes: 1 }] {
        let store = faulty();
        let app = ok(over(&store, outage).policy(policy("a").burst(1_000)));
        store.set(Fault::Silent);
        for round in 0..3 {
            let requests: Vec<_> = (0..50)
                .map(|_| {
                    let app = app.clone();
                    tokio::spawn(async move { send(&app, by("k")).await.is_ok() })
                })
                .collect();
            for request in requests {
                assert_eq!(request.await.unwrap(), outage != Outage::Closed, "{outage:?} {round}");
            }
            tokio::time::advance(COOL_DOWN).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_beside_the_one_that_looks_is_served_if_the_store_is_back() {
    let store = faulty();
    let app = ok(over(&store, Outage::Closed).policy(policy("a").burst(100)));
    store.set(Fault::Silent);
    for _ in 0..THRESHOLD {
        send(&app, by("k")).await;
    }
    store.set(Fault::Waits);
    tokio::time::advance(COOL_DOWN).await;
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { send(&app, by("k")).await.is_ok() })
        })
        .collect();
    for request in requests {
        assert!(request.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_is_waited_for_as_long_as_was_set() {
    let is_answered_within = async |builder: RateLimitLayerBuilder, time| {
        tokio::time::timeout(time, send(&ok(builder.policy(policy("a"))), by("k"))).await.is_ok()
    };
    let store = faulty();
    store.set(Fault::Silent);
    let builder = || over(&store, Outage::Closed);
    assert!(is_answered_within(builder(), 150 * MILLI).await, "a tenth of a second by default");
    let patient = || builder().store_timeout(3 * SECOND);
    assert!(!is_answered_within(patient(), 2 * SECOND).await);
    assert!(is_answered_within(patient(), 4 * SECOND).await);
}

/// A client that does not wait for its answer.
async fn leaves(app: &App) {
    let left = tokio::time::timeout(MILLI, app.clone().oneshot(by("k"))).await;
    assert!(left.is_err(), "there was no answer yet");
}

#[tokio::test(start_paused = true)]
async fn clients_that_leave_while_the_store_is_asked_leave_nothing_behind() {
    let store = faulty();
    let app = ok(over(&store, Outage::Closed).policy(policy("a")));
    store.set(Fault::Silent);
    for _ in 0..10 {
        leaves(&app).await;
    }
    store.set(Fault::None);
    assert!(send(&app, by("k")).await.is_ok(), "they say nothing of the store");
    assert_eq!(left(&store.store, "a", "k"), 4, "and were not charged");

    store.set(Fault::Silent);
    for _ in 0..THRESHOLD {
        send(&app, by("k")).await;
    }
    tokio::time::advance(COOL_DOWN).await;
    leaves(&app).await;
    store.set(Fault::None);
    tokio::time::sleep(SECOND).await;
    assert!(send(&app, by("k")).await.is_ok(), "one of them was the one that looked");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_lost_may_cost_twice_and_never_grants_too_much() {
    let store = faulty();
    let app = ok(over(&store, Outage::Closed).policy(policy("a")));
    store.set(Fault::LosesReplies);
    assert!(!send(&app, by("k")).await.is_ok());
    store.set(Fault::None);
    let mut granted = 0;
    for _ in 0..9 {
        granted += usize::from(send(&app, by("k")).await.is_ok());
    }
    assert_eq!(granted, 4);
}

#[tokio::test]
async fn a_store_without_room_is_503_whatever_was_chosen_for_outages() {
    for outage in [Outage::Open, Outage::Closed, Outage::LocalFallback { nodes: 1 }] {
        let store = faulty();
        let app = ok(over(&store, outage).policy(policy("a")));
        store.set(Fault::Full);
        for _ in 0..5 {
            let answer = send(&app, by("k")).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.rejection(), Rejection::StoreFull);
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        assert_eq!(store.acquires(), 5, "that is an answer and no outage");
    }
}

#[tokio::test]
async fn a_memory_store_that_denies_new_clients_keeps_the_old_ones() {
    use stonework_ratelimit::store::{MemoryStore, Overflow};

    let store = MemoryStore::builder().max_keys(2).overflow(Overflow::DenyNew).build().unwrap();
    let hourly = policy("a").per(3600 * SECOND);
    let app = ok(RateLimitLayer::builder().store(store.clone()).policy(hourly));
    for (client, status) in [("a", 200), ("b", 200), ("c", 503), ("a", 200), ("d", 503)] {
        assert_eq!(send(&app, by(client)).await.status, status, "{client}");
    }
    assert_eq!((store.stats().keys, store.stats().refused), (2, 2));
}

#[tokio::test]
async fn grpc_clients_are_told_to_come_back() {
    let store = faulty();
    store.set(Fault::Fails(Unavailable));
    let app = ok(over(&store, Outage::Closed).policy(policy("a")));
    let call = Request::post("/").header("x-key", "k").header("content-type", "application/grpc");
    let answer = send(&app, with(call)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("grpc-status"), Some("14"));
    assert_eq!(answer.header("grpc-retry-pushback-ms"), Some("1000"));
}

#[tokio::test]
async fn what_needs_no_store_is_decided_without_one() {
    let store = faulty();
    store.set(Fault::Fails(Unavailable));
    let app =
        ok(over(&store, Outage::Closed).policy(policy("a").cost_with(|_| 6)).skip_paths(["/x"]));
    assert_eq!(send(&app, by("k")).await.rejection(), Rejection::CostTooHigh);
    let keyless = send(&app, support::app::get("/")).await;
    assert_eq!(keyless.rejection(), Rejection::KeyMissing);
    assert!(send(&app, support::app::get("/x")).await.is_ok());
    assert_eq!(store.acquires(), 0);
    assert_eq!(left_of(&store.store, "a", "k", quota_of(5)), 5);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_only_watches_denies_nobody_whatever_the_store_says() {
    for fault in faults() {
        for outage in [Outage::Open, Outage::Closed, Outage::LocalFallback { nodes: 1 }] {
            let store = faulty();
            let app = ok(over(&store, outage).policy(policy("a").burst(1).shadow(true)));
            store.set(fault);
            for _ in 0..5 {
                assert!(send(&app, by("k")).await.is_ok(), "{fault:?}, {outage:?}");
            }
        }
    }
}
