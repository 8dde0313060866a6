//! Leases over a store that is far away, in time that the tests turn.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/leasing.rs"]
mod leasing;

use std::sync::Arc;
use std::time::Duration;

use leasing::{
    HOT, HOUR, OTHER, Remote, SECOND, WAY, alone, ask, granted, left, quota, slow, warm,
};
use proptest::prelude::*;
use stonework_core::{Clock, StoreErrorKind};
use stonework_ratelimit::store::{
    Acquire, Acquired, Adjust, AdjustId, Bucket, Demand, LeasedStore, RateLimitStore, Receipt,
    Reset,
};
use stonework_ratelimit::testing::ReferenceStore;
use stonework_ratelimit::{Quota, Span};
use tokio::task::JoinSet;

// ---- calls ----

#[tokio::test(start_paused = true)]
async fn a_hot_key_costs_few_calls() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let quota = quota(2_000, SECOND, 2_000);
    let mut decisions = 0;
    while remote.clock.monotonic() < 5 * SECOND {
        assert!(granted(&store, HOT, quota, 1).await, "the rate is above what is asked");
        decisions += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let calls = remote.calls();
    assert!(calls * 10 <= decisions, "{calls} calls for {decisions} decisions");
}

#[tokio::test(start_paused = true)]
async fn no_more_is_leased_than_may_be_held() {
    let remote = Remote::new(WAY);
    let builder = LeasedStore::builder(remote.clone()).nodes(1).max_lease(3);
    let store = builder.clock(Arc::clone(&remote.clock) as _).build().unwrap();
    for _ in 0..100 {
        assert!(granted(&store, HOT, slow(1_000), 1).await);
    }
    assert_eq!(remote.calls(), remote.leases(), "nothing had to go back");
    assert!(remote.leases() <= 30, "each brings four");
}

#[tokio::test(start_paused = true)]
async fn a_cold_key_takes_no_more_than_it_spends() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    for taken in 1..5 {
        assert!(granted(&store, HOT, slow(100), 1).await);
        assert_eq!(left(&remote, HOT, slow(100)).await, 100 - taken);
        tokio::time::sleep(SECOND / 2).await;
    }
}

#[test]
fn a_granted_request_allocates_nothing() {
    let remote = Remote::new(Duration::ZERO);
    let store = LeasedStore::builder(remote.clone()).nodes(1).build().unwrap();
    let demands = [Demand::new(HOT, slow(1_000), 1), Demand::new(OTHER, slow(1_000), 1)];
    let acquire = || store.acquire(Acquire::new(&demands)).try_ready();
    for _ in 0..50 {
        assert!(matches!(acquire(), Ok(Ok(Acquired::Granted(_)))));
    }
    let calls = remote.calls();
    let mut granted = None;
    let allocations = allocation_counter::measure(|| granted = Some(acquire()));
    assert_eq!(remote.calls(), calls, "the pools have the tokens");
    assert!(matches!(granted, Some(Ok(Ok(Acquired::Granted(_))))));
    assert_eq!(allocations.count_total, 0);
}

// ---- many at once ----

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_at_once_five_are_granted() {
    let remote = Remote::new(Duration::from_micros(200));
    for round in 0..20_u64 {
        // In real time: on a busy machine a lease is not lost, nor are its tokens sent back.
        let builder = LeasedStore::builder(remote.clone()).nodes(1).timeout(HOUR).idle(HOUR);
        let (store, key) = (builder.build().unwrap(), round.to_be_bytes());
        let mut tasks = JoinSet::new();
        for _ in 0..50 {
            let store = store.clone();
            tasks.spawn(async move { granted(&store, Bucket::new("api", &key), slow(5), 1).await });
        }
        let granted = tasks.join_all().await.into_iter().filter(|granted| *granted).count();
        assert_eq!(granted, 5, "in round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_are_decided_by_two_leases() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let mut tasks = JoinSet::new();
    for _ in 0..1_000 {
        let store = store.clone();
        tasks.spawn(async move { granted(&store, HOT, slow(300), 1).await });
    }
    let granted = tasks.join_all().await.into_iter().filter(|granted| *granted).count();
    assert_eq!((granted, remote.leases()), (300, 2));
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_more_does_not_hold_up_who_asks_for_less() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    assert!(granted(&store, HOT, slow(10), 7).await);
    let ask = |cost| {
        let store = store.clone();
        async move { granted(&store, HOT, slow(10), cost).await }
    };
    let (first, large, small) = tokio::join!(ask(1), ask(5), ask(2));
    assert_eq!((first, large, small), (true, false, true));
    assert_eq!(left(&remote, HOT, slow(10)).await, 0);
}

// ---- who gives up ----

/// Polls a request once, and drops it while its lease is under way.
async fn give_up(store: &LeasedStore<Remote>, bucket: Bucket<'_>, quota: Quota, cost: u32) {
    let asked = granted(store, bucket, quota, cost);
    tokio::pin!(asked);
    assert!(futures_poll(asked.as_mut()).await.is_none(), "the lease is under way");
}

/// One poll.
async fn futures_poll<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        let poll = std::pin::Pin::new(&mut future).poll(cx);
        std::task::Poll::Ready(match poll {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn the_lease_of_one_who_gives_up_serves_those_who_wait() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let waits = {
        let leads = granted(&store, HOT, slow(1), 1);
        tokio::pin!(leads);
        assert_eq!(futures_poll(leads.as_mut()).await, None, "the lease is under way");
        let mut waits = Box::pin(granted(&store, HOT, slow(1), 1));
        assert_eq!(futures_poll(waits.as_mut()).await, None, "the other waits for it");
        waits
    };
    assert!(waits.await, "the only token is the other's");
    assert_eq!(remote.leases(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_leased_for_one_who_gives_up_goes_back() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    give_up(&store, HOT, slow(40), 30).await;
    tokio::time::sleep(2 * WAY).await;
    tokio::time::sleep(2 * WAY).await;
    assert_eq!(left(&remote, HOT, slow(40)).await, 20, "a reserve of half the burst stays");
    assert!(granted(&store, HOT, slow(40), 40).await, "nothing was lost");
}

// ---- outages ----

async fn error(store: &impl RateLimitStore, demands: &[Demand<'_>]) -> StoreErrorKind {
    store.acquire(Acquire::new(demands)).await.unwrap_err().kind()
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_and_spends_nothing() {
    for way in [Duration::ZERO, WAY] {
        let remote = Remote::new(way);
        let store = alone(&remote);
        let both = [Demand::new(HOT, slow(100), 1), Demand::new(OTHER, slow(100), 1)];
        let spent = warm(&store, HOT, slow(100)).await;
        remote.fail(true);
        for _ in 0..3 {
            assert_eq!(error(&store, &both).await, StoreErrorKind::Unavailable);
        }
        remote.fail(false);
        assert!(granted(&store, HOT, slow(100), 100 - spent).await, "nothing was spent");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_in_shadow_that_fails_fails_no_request() {
    for way in [Duration::ZERO, WAY] {
        let remote = Remote::new(way);
        let store = alone(&remote);
        warm(&store, HOT, slow(100)).await;
        let both = [Demand::new(OTHER, slow(100), 1).shadow(true), Demand::new(HOT, slow(100), 1)];
        remote.fail(true);
        let (granted, levels) = ask(&store, &both).await;
        assert!(granted, "what counts is held here");
        assert_eq!([levels[0].fits, levels[1].fits], [false, true]);
        assert_eq!(levels[0].debt, Span::ZERO, "nobody knows");
        assert!(ask(&store, &both[..1]).await.0);
        let counting = both.map(|demand| demand.shadow(false));
        assert_eq!(error(&store, &counting).await, StoreErrorKind::Unavailable);
        remote.fail(false);
        assert_eq!(left(&remote, OTHER, slow(100)).await, 100);
        assert!(ask(&store, &both).await.1[0].fits, "it is asked again");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_granted_during_an_outage() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let spent = warm(&store, HOT, slow(100)).await;
    let held = 100 - spent - left(&remote, HOT, slow(100)).await;
    assert!(held > 0);
    remote.fail(true);
    for _ in 0..held {
        assert!(granted(&store, HOT, slow(100), 1).await);
    }
    let demand = [Demand::new(HOT, slow(100), 1)];
    assert_eq!(error(&store, &demand).await, StoreErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_silent_store_times_out_for_all_who_wait_and_is_asked_again() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    remote.fall_silent(true);
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { error(&store, &[Demand::new(HOT, slow(9), 1)]).await });
    }
    for kind in tasks.join_all().await {
        assert_eq!(kind, StoreErrorKind::TimedOut);
    }
    assert_eq!(remote.leases(), 2, "one for the first, and one for those who came meanwhile");
    remote.fall_silent(false);
    assert!(granted(&store, HOT, slow(9), 9).await);
}

#[test]
fn without_a_runtime_a_store_that_has_to_be_awaited_fails() {
    let store = LeasedStore::new(Remote::new(WAY));
    let reply = store.acquire(Acquire::new(&[Demand::new(HOT, slow(9), 1)]));
    let error = reply.try_ready().unwrap().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

// ---- denials that are remembered ----

/// One token a hundred milliseconds, five at once.
fn brisk() -> Quota {
    quota(10, SECOND, 5)
}

fn promised(cost: u32) -> [Demand<'static>; 1] {
    [Demand::new(HOT, brisk(), cost).only_time_refills(true)]
}

async fn emptied(remote: &Remote) -> LeasedStore<Remote> {
    let store = alone(remote);
    assert!(ask(&store, &promised(5)).await.0);
    assert!(!ask(&store, &promised(2)).await.0);
    store
}

#[tokio::test(start_paused = true)]
async fn a_remembered_denial_makes_no_call_until_its_time() {
    let remote = Remote::new(Duration::ZERO);
    let store = emptied(&remote).await;
    let calls = remote.calls();
    let (_, levels) = ask(&store, &promised(2)).await;
    let wait = brisk().wait(levels[0].debt, 2).unwrap();
    assert_eq!(wait, Duration::from_millis(200));
    tokio::time::advance(wait - Duration::from_millis(1)).await;
    assert!(!ask(&store, &promised(2)).await.0);
    assert!(!ask(&store, &promised(3)).await.0);
    assert_eq!(remote.calls(), calls, "denied without asking");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(ask(&store, &promised(2)).await.0, "the tokens are there at the time that was told");
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_remembered_for_a_second_at_most() {
    let remote = Remote::new(Duration::ZERO);
    let store = alone(&remote);
    let never = [Demand::new(HOT, slow(2), 2).only_time_refills(true)];
    assert!(ask(&store, &never).await.0);
    assert!(!ask(&store, &never).await.0);
    remote.store.reset(Reset::new(HOT)).await.unwrap();
    tokio::time::advance(SECOND - Duration::from_millis(1)).await;
    assert!(!ask(&store, &never).await.0, "nobody said that the bucket was reset");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(ask(&store, &never).await.0);
}

#[tokio::test(start_paused = true)]
async fn without_the_promise_each_denial_is_asked_for() {
    let remote = Remote::new(Duration::ZERO);
    let store = emptied(&remote).await;
    let calls = remote.calls();
    for _ in 0..3 {
        assert!(!granted(&store, HOT, brisk(), 2).await);
    }
    assert_eq!(remote.calls(), calls + 3);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_remembers_no_denials_asks_each_time() {
    let remote = Remote::new(Duration::ZERO);
    let builder = LeasedStore::builder(remote.clone()).cache_denials(false);
    let store = builder.clock(Arc::clone(&remote.clock) as _).build().unwrap();
    assert!(ask(&store, &promised(5)).await.0);
    let calls = remote.calls();
    for _ in 0..3 {
        assert!(!ask(&store, &promised(2)).await.0);
    }
    assert_eq!(remote.calls(), calls + 3);
}

fn back(tokens: i64) -> Adjust<'static> {
    Adjust::new(HOT, brisk(), -tokens, AdjustId::random())
}

#[tokio::test(start_paused = true)]
async fn a_correction_or_a_reset_ends_what_is_remembered() {
    for way in [Duration::ZERO, Duration::from_micros(10)] {
        let remote = Remote::new(way);
        let store = emptied(&remote).await;
        store.adjust(back(2)).await.unwrap();
        assert!(ask(&store, &promised(2)).await.0, "what was given back is there");
        assert!(!ask(&store, &promised(2)).await.0);
        store.reset(Reset::new(HOT)).await.unwrap();
        assert!(ask(&store, &promised(5)).await.0, "the bucket was filled");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_that_a_correction_overtook_is_not_remembered() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    // Another process has emptied the bucket.
    assert!(ask(&remote.store, &promised(5)).await.0);
    // Decided before the correction and answered after it.
    let demands = promised(4);
    remote.reply_late(10 * WAY);
    let denied = ask(&store, &demands);
    let corrected = async {
        tokio::time::sleep(2 * WAY).await;
        remote.reply_late(Duration::ZERO);
        store.adjust(back(4)).await.unwrap();
    };
    let ((granted, _), ()) = tokio::join!(denied, corrected);
    assert!(!granted);
    assert!(ask(&store, &promised(4)).await.0, "the correction counts");
}

// ---- several policies ----

#[tokio::test(start_paused = true)]
async fn a_denial_by_one_policy_spends_nothing_of_the_other() {
    for way in [Duration::ZERO, WAY] {
        let remote = Remote::new(way);
        let store = alone(&remote);
        let spent = warm(&store, HOT, slow(100)).await;
        assert!(granted(&store, OTHER, slow(3), 3).await);
        for cost in [1, 5, 90, 96] {
            let both = [Demand::new(HOT, slow(100), cost), Demand::new(OTHER, slow(3), 1)];
            let (granted, levels) = ask(&store, &both).await;
            assert!(!granted);
            assert_eq!([levels[0].fits, levels[1].fits], [true, false]);
            assert_eq!(slow(100).remaining(levels[0].debt), 100 - spent);
        }
        // What was leased for them and is more than the reserve is on its way back.
        tokio::time::sleep(2 * WAY).await;
        assert!(granted(&store, HOT, slow(100), 100 - spent).await, "all of it is still there");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shadow_neither_denies_nor_is_charged_in_vain() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let demands = [Demand::new(HOT, slow(9), 1), Demand::new(OTHER, slow(2), 1).shadow(true)];
    let fits = [true, true, false, false];
    for fits in fits {
        let (granted, levels) = ask(&store, &demands).await;
        assert!(granted);
        assert_eq!([levels[0].fits, levels[1].fits], [true, fits]);
    }
}

// ---- what goes back ----

#[tokio::test(start_paused = true)]
async fn idle_tokens_return() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let spent = warm(&store, HOT, slow(100)).await;
    assert!(left(&remote, HOT, slow(100)).await < 100 - spent, "there is a reserve");
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(left(&remote, HOT, slow(100)).await, 100 - spent, "it has gone back");
    // And the one who looks after them comes again.
    let spent = spent + warm(&store, HOT, slow(100)).await;
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(left(&remote, HOT, slow(100)).await, 100 - spent);
}

#[tokio::test(start_paused = true)]
async fn beyond_max_keys_the_least_used_return() {
    let remote = Remote::new(Duration::ZERO);
    let builder = LeasedStore::builder(remote.clone()).nodes(1).max_keys(64);
    let store = builder.clock(Arc::clone(&remote.clock) as _).build().unwrap();
    let keys: Vec<[u8; 4]> = (0..1_000_u32).map(u32::to_be_bytes).collect();
    let mut reserves = 0;
    for key in &keys {
        warm(&store, Bucket::new("api", key), slow(100)).await;
        tokio::time::advance(Duration::from_micros(1)).await;
    }
    for (at, key) in keys.iter().enumerate() {
        let left = left(&remote, Bucket::new("api", key), slow(100)).await;
        reserves += usize::from(left < 96);
        assert!(at >= 500 || left == 96, "of key {at}, {left} are left");
    }
    assert!((1..=64).contains(&reserves), "{reserves} pools are held");
}

// ---- corrections ----

async fn receipt(store: &impl RateLimitStore, cost: u32) -> Receipt {
    ask(store, &[Demand::new(HOT, slow(100), cost)]).await.1[0].receipt
}

fn correction(tokens: i64, receipt: Receipt) -> Adjust<'static> {
    Adjust::new(HOT, slow(100), tokens, AdjustId::random()).of(receipt)
}

#[tokio::test(start_paused = true)]
async fn tokens_go_back_where_they_came_from_once() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let receipt = receipt(&store, 10).await;
    let calls = remote.calls();
    let adjust = correction(-10, receipt);
    for _ in 0..3 {
        let debt = store.adjust(adjust).await.unwrap().debt;
        assert_eq!(slow(100).remaining(debt), 100);
    }
    assert_eq!(remote.calls(), calls, "the pool that paid takes them back");
    assert!(granted(&store, HOT, slow(100), 10).await);
    assert_eq!(remote.calls(), calls);
    assert!(granted(&store, HOT, slow(100), 90).await);
    assert!(!granted(&store, HOT, slow(100), 1).await, "they came back once");
}

#[tokio::test(start_paused = true)]
async fn tokens_of_a_pool_that_is_gone_go_to_the_store_once() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let receipt = receipt(&store, 10).await;
    let local = correction(-3, receipt);
    store.adjust(local).await.unwrap();
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(left(&remote, HOT, slow(100)).await, 93);
    let late = correction(-7, receipt);
    for adjust in [late, late, local] {
        let debt = store.adjust(adjust).await.unwrap().debt;
        assert_eq!(slow(100).remaining(debt), 100);
    }
    assert_eq!(left(&remote, HOT, slow(100)).await, 100);
}

#[tokio::test(start_paused = true)]
async fn more_than_the_reserve_goes_to_the_store() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let receipt = receipt(&store, 90).await;
    for _ in 0..2 {
        store.adjust(correction(-40, receipt)).await.unwrap();
    }
    assert_eq!(left(&remote, HOT, slow(100)).await, 50, "one of the two");
    assert!(granted(&store, HOT, slow(100), 90).await);
    assert!(!granted(&store, HOT, slow(100), 1).await);
}

#[tokio::test(start_paused = true)]
async fn charges_after_the_fact_come_out_of_the_pool_first() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let spent = warm(&store, HOT, slow(100)).await;
    let calls = remote.calls();
    let debt = store.adjust(correction(1, Receipt::default())).await.unwrap().debt;
    assert_eq!((slow(100).remaining(debt), remote.calls()), (95, calls));
    let debt = store.adjust(correction(50, Receipt::default())).await.unwrap().debt;
    assert_eq!((slow(100).remaining(debt), remote.calls()), (45, calls + 1));
    assert!(granted(&store, HOT, slow(100), 96 - spent + 4 - 51).await);
    assert!(!granted(&store, HOT, slow(100), 1).await);
}

#[tokio::test(start_paused = true)]
async fn what_another_pool_paid_goes_to_the_store() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let first = receipt(&store, 5).await;
    tokio::time::sleep(3 * SECOND).await;
    let second = receipt(&store, 5).await;
    assert_ne!(first, second);
    for paid_by in [first, Receipt::default()] {
        let calls = remote.calls();
        store.adjust(correction(-1, paid_by)).await.unwrap();
        assert_eq!(remote.calls(), calls + 1);
    }
    assert_eq!(left(&remote, HOT, slow(100)).await, 92);
}

/// Takes one by one what there is.
async fn count(store: &impl RateLimitStore, quota: Quota) -> u32 {
    let mut count = 0;
    while granted(store, HOT, quota, 1).await {
        count += 1;
    }
    count
}

#[tokio::test(start_paused = true)]
async fn a_reset_forgets_what_was_held() {
    for way in [Duration::ZERO, WAY] {
        let remote = Remote::new(way);
        let store = alone(&remote);
        let spent = warm(&store, HOT, slow(20)).await;
        assert!(left(&remote, HOT, slow(20)).await < 20 - spent, "there is a reserve");
        store.reset(Reset::new(HOT)).await.unwrap();
        assert_eq!(count(&store, slow(20)).await, 20, "a full bucket and nothing beside it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_a_reset_overtook_is_forgotten() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    remote.reply_late(10 * WAY);
    let overtaken = granted(&store, HOT, slow(10), 4);
    let reset = async {
        tokio::time::sleep(2 * WAY).await;
        remote.reply_late(Duration::ZERO);
        store.reset(Reset::new(HOT)).await.unwrap();
    };
    assert_eq!(tokio::join!(overtaken, reset), (true, ()), "it is leased again");
    assert_eq!(count(&store, slow(10)).await, 6, "of the bucket as it is now");
}

// ---- quotas ----

#[tokio::test(start_paused = true)]
async fn another_quota_applies_at_once() {
    for way in [Duration::ZERO, WAY] {
        let remote = Remote::new(way);
        let store = alone(&remote);
        let spent = warm(&store, HOT, slow(100)).await;
        assert!(left(&remote, HOT, slow(100)).await < 100 - spent, "there is a reserve");
        assert!(!granted(&store, HOT, slow(5), 2).await);
        tokio::time::sleep(2 * WAY).await;
        assert!(granted(&store, HOT, slow(5), 1).await, "the reserve has gone back");
        assert!(granted(&store, HOT, slow(200), 195).await);
        assert!(!granted(&store, HOT, slow(200), 1).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_beside_one_that_is_waited_for_is_asked_for_past_the_pool() {
    let remote = Remote::new(WAY);
    let store = alone(&remote);
    let ask = |quota| {
        let store = store.clone();
        async move { granted(&store, HOT, quota, 6).await }
    };
    let (one, other) = tokio::join!(ask(slow(20)), ask(slow(22)));
    assert_eq!((one, other), (true, true));
    assert_eq!((remote.leases(), remote.calls()), (1, 2));
}

// ---- one node is its store ----

#[derive(Clone, Debug)]
enum Op {
    Acquire(Vec<(usize, u32, bool)>),
    Take(usize, i64),
    Back(usize, i64),
    Reset(usize),
}

const NAMES: [Bucket<'static>; 3] = [HOT, OTHER, Bucket::new("tenant", b"third")];

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let demand = |at| (Just(at), 0..5_u32, prop::bool::weighted(0.2));
    let demands = (demand(0), demand(1), demand(2), 1..4_usize, 0..3_usize).prop_map(
        |(a, b, c, many, turn)| {
            let mut demands = vec![a, b, c];
            demands.rotate_left(turn);
            demands.truncate(many);
            demands
        },
    );
    let op = prop_oneof![
        12 => demands.prop_map(Op::Acquire),
        2 => (0..3_usize, 1..4_i64).prop_map(|(at, tokens)| Op::Take(at, tokens)),
        2 => (0..3_usize, 1..4_i64).prop_map(|(at, tokens)| Op::Back(at, tokens)),
        1 => (0..3_usize).prop_map(Op::Reset),
    ];
    prop::collection::vec(op, 1..60)
}

/// Corrects both in the same way, if neither would be clamped.
async fn correct_both(
    [model, leased]: [&dyn RateLimitStore; 2],
    at: usize,
    tokens: i64,
    receipt: Receipt,
) {
    let id = AdjustId::random();
    let adjust = Adjust::new(NAMES[at], slow(20), tokens, id);
    let expected = model.adjust(adjust).await.unwrap().debt;
    for _ in 0..2 {
        assert_eq!(leased.adjust(adjust.of(receipt)).await.unwrap().debt, expected);
    }
}

async fn one_is_as_the_other(ops: Vec<Op>, nodes: u32) {
    let clock: Arc<dyn Clock> = Arc::new(stonework_core::TokioClock::new());
    let model = ReferenceStore::with_clock(Arc::clone(&clock));
    let inner = ReferenceStore::with_clock(Arc::clone(&clock));
    let leased = LeasedStore::builder(inner).nodes(nodes).clock(clock).build().unwrap();
    let mut receipts = [Receipt::default(); 3];
    for op in ops {
        match op {
            Op::Acquire(demands) => {
                let demand = |&(at, cost, shadow): &(usize, u32, bool)| {
                    Demand::new(NAMES[at], slow(20), cost).shadow(shadow)
                };
                let asked: Vec<Demand<'_>> = demands.iter().map(demand).collect();
                let (expected, levels) = ask(&model, &asked).await;
                let (granted, told) = ask(&leased, &asked).await;
                assert_eq!(granted, expected);
                for (((at, ..), level), told) in demands.iter().zip(levels).zip(told) {
                    assert_eq!((told.fits, told.debt), (level.fits, level.debt));
                    receipts[*at] = told.receipt;
                }
            }
            Op::Take(at, tokens) | Op::Back(at, tokens) => {
                let (_, levels) = ask(&model, &[Demand::new(NAMES[at], slow(20), 0)]).await;
                let left = i64::from(slow(20).remaining(levels[0].debt));
                let tokens = if matches!(op, Op::Take(..)) {
                    tokens.min(left)
                } else {
                    -tokens.min(20 - left)
                };
                correct_both([&model, &leased], at, tokens, receipts[at]).await;
            }
            Op::Reset(at) => {
                model.reset(Reset::new(NAMES[at])).await.unwrap();
                leased.reset(Reset::new(NAMES[at])).await.unwrap();
            }
        }
    }
}

proptest! {
    /// While no time passes, which would refill the inner bucket beside the reserve.
    #[test]
    fn one_node_decides_as_its_store_would(ops in ops(), nodes in 1..4_u32) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(one_is_as_the_other(ops, nodes));
    }
}
