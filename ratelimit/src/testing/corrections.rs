//! Corrections after the fact, and resets.

use super::case::{Case, assert_owed, slow};
use crate::span::Span;
use crate::store::{AdjustId, RateLimitStore};

fn id() -> AdjustId {
    AdjustId::random()
}

/// What is given back can be taken again.
pub async fn tokens_are_given_back(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    case.take(5).await;
    assert_owed(case.adjust(-2, id()).await, case.quota.time_of(3));
    case.gives(2).await;
}

/// What is taken is gone; a correction of zero changes nothing.
pub async fn tokens_are_taken(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    case.take(1).await;
    assert_owed(case.adjust(2, id()).await, case.quota.time_of(3));
    assert_owed(case.adjust(0, id()).await, case.quota.time_of(3));
    case.gives(2).await;
}

/// Whatever is given back, a bucket is at most full.
pub async fn no_bucket_holds_more_than_its_burst(store: &dyn RateLimitStore) {
    for tokens in [-3, -100, i64::from(i32::MIN) * 4, i64::MIN] {
        let case = Case::new(store, slow(5));
        case.take(2).await;
        assert_eq!(case.adjust(tokens, id()).await, Span::ZERO, "the bucket is full");
        case.gives(5).await;
    }
}

/// Whatever is taken, a bucket owes at most two bursts, and earns them like any other debt.
pub async fn no_bucket_owes_more_than_two_bursts(store: &dyn RateLimitStore) {
    for tokens in [8, 100, i64::from(u32::MAX) + 1, i64::MAX] {
        let case = Case::new(store, slow(5));
        case.take(3).await;
        assert_owed(case.adjust(tokens, id()).await, case.quota.time_of(10));
        assert!(!case.is_granted(1).await, "an indebted bucket has no token");
        assert_owed(case.adjust(-6, id()).await, case.quota.time_of(4));
        case.gives(1).await;
    }
}

/// A correction that is sent again has been made; another one has not.
pub async fn an_id_counts_once(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(9));
    let (first, second) = (id(), id());
    for _ in 0..3 {
        assert_owed(case.adjust(3, first).await, case.quota.time_of(3));
    }
    assert_owed(case.adjust(3, second).await, case.quota.time_of(6));
    assert_owed(case.adjust(3, first).await, case.quota.time_of(6));
    case.gives(3).await;
    let back = id();
    for _ in 0..3 {
        assert_owed(case.adjust(-2, back).await, case.quota.time_of(7));
    }
    case.gives(2).await;
}

/// One id may be used for each bucket.
pub async fn an_id_counts_once_for_each_bucket(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    let others = [Case::new(store, slow(5)), Case { policy: "another", ..case }];
    let id = id();
    case.adjust(2, id).await;
    for other in others {
        assert_owed(other.adjust(2, id).await, case.quota.time_of(2));
        other.gives(3).await;
    }
    case.gives(3).await;
}

/// A bucket that is not there is a full one, also for a correction.
pub async fn an_absent_bucket_is_corrected(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    assert_owed(case.adjust(2, id()).await, case.quota.time_of(2));
    case.gives(3).await;
    let full = Case::new(store, slow(5));
    assert_eq!(full.adjust(-2, id()).await, Span::ZERO, "a full bucket stays full");
    full.gives(5).await;
}

/// What a level's receipt names is given back once, like anything else.
pub async fn what_was_paid_comes_back_by_its_receipt(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    let (_, level) = case.ask(3).await;
    case.take(2).await;
    let id = id();
    for _ in 0..2 {
        assert_owed(case.correct(-1, id, level.receipt).await, case.quota.time_of(4));
    }
    case.gives(1).await;
}

/// A reset fills a bucket, whatever it owes, and an absent one.
pub async fn a_reset_fills_the_bucket(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    case.reset().await;
    case.gives(5).await;
    case.reset().await;
    assert_eq!(case.debt().await, Span::ZERO, "a bucket that was reset is full");
    case.take(5).await;
    case.adjust(100, id()).await;
    case.reset().await;
    case.gives(5).await;
}

/// A reset is one bucket's.
pub async fn a_reset_leaves_the_others(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    let other = Case { policy: "another", ..case };
    case.take(5).await;
    other.take(4).await;
    case.reset().await;
    other.gives(1).await;
}
