//! Quotas that a provider tells, client by client.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(all(feature = "memory", feature = "quotas"))]

mod support;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stonework_core::{StoreError, StoreErrorKind, StoreFuture};
use stonework_ratelimit::{
    Allowance, Charge, Decision, Key, Policy, Quota, QuotaProvider, Quotas, RateLimitLayer,
    Rejection,
};
use support::app::{App, app, by, count, granted, ok, send};
use support::limits::{Hand, SECOND, left_of, over, policy, quota_of, still};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// What the provider says of a client: `bob` has ten at once, `vip` has no limit, `broken` is an
/// error, `hung` is never told, and of all others nothing is known.
async fn plan_of(client: Key) -> Result<Allowance, std::io::Error> {
    match client.as_bytes() {
        b"bob" => Ok(Allowance::Quota(quota_of(10))),
        b"vip" => Ok(Allowance::Unlimited),
        b"broken" => Err(std::io::Error::other("the database is away")),
        b"hung" => pending().await,
        _ => Ok(Allowance::Default),
    }
}

/// The same, and how often it was asked.
fn counted() -> (Arc<AtomicUsize>, Quotas) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let quotas = Quotas::new(move |client| {
        counter.fetch_add(1, Ordering::SeqCst);
        plan_of(client)
    });
    (asked, quotas)
}

/// Five at once for those of whom the provider says nothing.
fn limited(quotas: Quotas) -> (Hand, stonework_ratelimit::store::MemoryStore, App) {
    let (clock, store) = still();
    let app = ok(over(&store).policy(policy("plan").quotas(quotas)));
    (clock, store, app)
}

#[tokio::test]
async fn each_client_has_the_quota_that_the_provider_tells() {
    let (asked, quotas) = counted();
    let (_, _, app) = limited(quotas);
    assert_eq!(granted(&app, 20, "alice").await, 5, "the policy's own");
    assert_eq!(granted(&app, 20, "bob").await, 10);
    assert_eq!(granted(&app, 20, "vip").await, 20);
    assert_eq!(count(&asked), 3, "answers are kept");
}

#[tokio::test]
async fn headers_tell_the_clients_own_quota() {
    let (_, quotas) = counted();
    let (_, _, app) = limited(quotas);
    // The second time the answer is kept.
    for left in [9, 8] {
        let bob = send(&app, by("bob")).await;
        assert_eq!(bob.header("ratelimit").unwrap(), format!(r#""plan";r={left};t={left}"#));
        assert_eq!(bob.decision().standings()[0].quota().burst(), 10);
    }
    let fast = Quota::new(7, SECOND, 9).unwrap();
    let quotas =
        Quotas::new(move |_| async move { Ok::<_, std::io::Error>(Allowance::Quota(fast)) });
    let answer = send(&limited(quotas).2, by("alice")).await;
    assert_eq!(answer.header("ratelimit-policy"), Some(r#""plan";q=7;w=1"#));
}

#[tokio::test]
async fn who_is_unlimited_has_no_bucket_and_may_be_limited_by_other_policies() {
    let (_, quotas) = counted();
    let (_, store) = still();
    let app = app(
        &over(&store)
            .adjustable(true)
            .policy(policy("plan").quotas(quotas))
            .policy(policy("writes").burst(2).only(|head| head.uri.path() == "/write"))
            .build()
            .unwrap(),
        |request: support::app::Incoming| {
            assert!(request.extensions().get::<Charge>().is_some(), "there may be one to correct");
            std::future::ready(http::Response::new(http_body_util::Full::default()))
        },
    );
    let read = send(&app, by("vip")).await;
    assert!(read.is_ok() && read.header("ratelimit").is_none());
    assert_eq!(read.extensions.get::<Decision>().unwrap().standings(), []);
    let write = || {
        let mut request = by("vip");
        *request.uri_mut() = "/write".parse().unwrap();
        request
    };
    let first = send(&app, write()).await;
    assert_eq!(first.header("ratelimit"), Some(r#""writes";r=1;t=1"#));
    send(&app, write()).await;
    assert_eq!(send(&app, write()).await.rejection(), Rejection::QuotaExceeded);
    assert_eq!(store.stats().keys, 1);
}

/// Does something as soon as its method is called, as the contract of stores allows.
struct Eager {
    asked: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl QuotaProvider for Eager {
    fn allowance(&self, _: &Key) -> StoreFuture<Result<Allowance, StoreError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let gate = Arc::clone(&self.gate);
        StoreFuture::new(async move {
            gate.acquire().await.unwrap().forget();
            Ok(Allowance::Quota(quota_of(10)))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn many_requests_at_once_ask_once() {
    let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let quotas = Quotas::new(Eager { asked: Arc::clone(&asked), gate: Arc::clone(&gate) });
    let (_, _, app) = limited(quotas);
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { send(&app, by("alice")).await.is_ok() })
        })
        .collect();
    for _ in 0..10 {
        yield_now().await;
    }
    assert_eq!(count(&asked), 1);
    gate.add_permits(1);
    let mut granted = 0;
    for request in requests {
        granted += usize::from(request.await.unwrap());
    }
    assert_eq!((granted, count(&asked)), (10, 1));
}

#[tokio::test(start_paused = true)]
async fn who_was_asked_for_by_a_client_that_left_is_asked_for_again() {
    let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let quotas = Quotas::new(Eager { asked: Arc::clone(&asked), gate: Arc::clone(&gate) });
    let (_, _, app) = limited(quotas);
    let begin = || {
        let app = app.clone();
        tokio::spawn(async move { send(&app, by("alice")).await })
    };
    let (leaves, stays) = (begin(), begin());
    while count(&asked) == 0 {
        yield_now().await;
    }
    yield_now().await;
    leaves.abort();
    gate.add_permits(1);
    assert!(stays.await.unwrap().is_ok());
    assert_eq!(count(&asked), 2);
}

#[tokio::test(start_paused = true)]
async fn while_the_provider_fails_or_hangs_the_policys_own_quota_holds() {
    for client in ["broken", "hung"] {
        let (asked, quotas) = counted();
        let (_, _, app) = limited(quotas);
        assert_eq!(granted(&app, 8, client).await, 5);
        assert_eq!(count(&asked), 8, "each request asks again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_waited_for_as_long_as_was_set() {
    let is_answered_within =
        async |app: &App, time| tokio::time::timeout(time, send(app, by("hung"))).await.is_ok();
    let (_, _, app) = limited(Quotas::new(plan_of));
    assert!(is_answered_within(&app, SECOND).await, "half a second by default");
    let (_, _, app) = limited(Quotas::new(plan_of).patience(3 * SECOND));
    assert!(!is_answered_within(&app, 2 * SECOND).await);
    assert!(is_answered_within(&app, 4 * SECOND).await);
}

#[tokio::test]
async fn answers_are_kept_until_they_are_forgotten_or_too_old() {
    let (asked, quotas) = counted();
    let (_, _, app) = limited(quotas.clone());
    granted(&app, 3, "alice").await;
    granted(&app, 3, "bob").await;
    assert_eq!(count(&asked), 2);
    quotas.forget(&Key::from("alice")).await;
    granted(&app, 3, "bob").await;
    assert_eq!(count(&asked), 2, "only hers is forgotten");
    granted(&app, 3, "alice").await;
    assert_eq!(count(&asked), 3);

    let (asked, quotas) = counted();
    let (_, _, app) = limited(quotas.keep_for(std::time::Duration::from_nanos(1)));
    granted(&app, 3, "alice").await;
    assert_eq!(count(&asked), 3);
}

#[tokio::test]
async fn a_quota_that_changes_holds_at_once_and_the_debt_stays() {
    let burst = Arc::new(AtomicUsize::new(5));
    let told = Arc::clone(&burst);
    let quotas = Quotas::new(move |_| {
        let burst = told.load(Ordering::SeqCst) as u32;
        async move { Ok::<_, std::io::Error>(Allowance::Quota(quota_of(burst))) }
    });
    let (_, store, app) = limited(quotas.clone());
    let becomes = async |tokens: usize| {
        burst.store(tokens, Ordering::SeqCst);
        quotas.forget(&Key::from("alice")).await;
    };
    assert_eq!(granted(&app, 9, "alice").await, 5);
    becomes(8).await;
    assert_eq!(granted(&app, 9, "alice").await, 3, "five of eight are spent");
    becomes(2).await;
    let denied = send(&app, by("alice")).await;
    assert_eq!(denied.header("retry-after"), Some("7"), "eight owed, one of two needed");
    assert_eq!(left_of(&store, "plan", "alice", quota_of(10)), 2);
}

#[tokio::test]
async fn a_cost_beyond_the_clients_own_burst_is_never_met() {
    let quotas = Quotas::new(|_| async { Ok::<_, std::io::Error>(Allowance::Quota(quota_of(2))) });
    let (_, store) = still();
    let app = ok(over(&store).policy(policy("plan").cost(3).quotas(quotas)));
    assert_eq!(send(&app, by("alice")).await.rejection(), Rejection::CostTooHigh);
}

#[tokio::test(start_paused = true)]
async fn a_slow_provider_and_a_slow_store_are_waited_for_in_turn() {
    use support::faulty::{Fault, Faulty};

    let store = Faulty::new(still().1);
    store.set(Fault::Waits);
    let quotas = Quotas::new(|_| async {
        tokio::time::sleep(SECOND / 10).await;
        Err::<Allowance, _>(StoreError::new(StoreErrorKind::Refused))
    });
    let app = ok(RateLimitLayer::builder().store(store).policy(policy("plan").quotas(quotas)));
    assert_eq!(granted(&app, 6, "alice").await, 5);
}

#[tokio::test]
async fn a_bucket_whose_quota_may_change_is_never_promised_to_refill_by_time_alone() {
    let store = support::faulty::Faulty::new(still().1);
    let (_, quotas) = counted();
    let app =
        ok(RateLimitLayer::builder().store(store.clone()).policy(policy("plan").quotas(quotas)));
    send(&app, by("alice")).await;
    assert_eq!(store.promised(), [false]);
}

#[test]
fn settings_that_keep_or_wait_for_nothing_are_mistakes() {
    let provider = |_: Key| async { Ok::<_, std::io::Error>(Allowance::Default) };
    for (quotas, setting) in [
        (Quotas::new(provider).keep_for(Duration::MAX), "keep_for"),
        (Quotas::new(provider).keep_for(Duration::ZERO), "keep_for"),
        (Quotas::new(provider).patience(Duration::ZERO), "patience"),
        (Quotas::new(provider).max_clients(0), "max_clients"),
    ] {
        let policy = Policy::new("p").rate(1).per(Duration::from_secs(1)).key_global();
        let errors = RateLimitLayer::builder().policy(policy.quotas(quotas)).build().unwrap_err();
        let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
        assert_eq!(settings, [setting]);
    }
}
