//! How a record passes from an owner that has lapsed to another.

use std::time::Duration;

use bytes::Bytes;
use stonework_core::{Clock, SystemClock};

use super::{Case, LONG, PRINT, SHORT, completed, owned, past, times};
use crate::lookup::Fingerprint;
use crate::store::{Claim, Claimed, Completed, Held, IdempotencyStore};

/// While its lease runs, an owner is not replaced.
pub async fn a_living_owner_is_not_replaced(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    let told = case.take_over(case.a, case.b).await;
    assert!(matches!(told, Claimed::Taken(_)), "the lease still runs: {told:?}");
    assert_eq!(case.record().await.token, case.a);
    assert_eq!(case.record().await.attempt, 1);
}

/// An owner whose lease has run out is replaced when somebody asks for it.
pub async fn a_lapsed_owner_is_replaced(
    store: &dyn IdempotencyStore,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store);
    let claim = Claim { lease: SHORT, ..case.claiming(case.a) };
    assert_eq!(case.ask(claim).await, owned(1));
    elapse(past(SHORT)).await;
    assert_eq!(case.take_over(case.a, case.b).await, owned(2), "the lease has run out");
    let left = case.lease_left().await;
    assert!(left > Duration::ZERO && left <= LONG, "{left:?} of the new owner's lease");
}

/// A takeover names the owner that was seen; another one is not replaced.
pub async fn only_the_observed_owner_is_replaced(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    for (observed, asker) in [(case.c, case.b), (case.b, case.b)] {
        let told = case.take_over(observed, asker).await;
        assert!(matches!(told, Claimed::Taken(_)), "another owner was observed: {told:?}");
    }
    let told = case.claim(case.b).await;
    assert!(matches!(told, Claimed::Taken(_)), "nobody asked for a takeover: {told:?}");
    assert_eq!(case.record().await.token, case.a);
}

/// The attempt grows by one with each takeover.
pub async fn each_takeover_counts_one_attempt(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    let owners = [case.a, case.b, case.c, case.a];
    for (attempt, pair) in (2..).zip(owners.windows(2)) {
        assert_eq!(case.take_over(pair[0], pair[1]).await, owned(attempt));
        assert_eq!(case.record().await.attempt, attempt);
        assert_eq!(case.renew(pair[1], Duration::ZERO).await, Held::Held);
    }
}

/// A takeover that is asked for again is owned again, with the same attempt.
pub async fn a_takeover_again_is_the_same_one(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    for _ in 0..3 {
        assert_eq!(case.take_over(case.a, case.b).await, owned(2));
    }
    assert_eq!(case.renew(case.b, Duration::ZERO).await, Held::Held);
    assert_eq!(case.take_over(case.b, case.b).await, owned(2), "nobody takes over from itself");
}

/// The new owner finds the checkpoint of the old one, and the fingerprint stays.
pub async fn checkpoint_and_fingerprint_stay(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    assert_eq!(case.save(case.a, "half").await, Held::Held);
    assert_eq!(case.renew(case.a, Duration::ZERO).await, Held::Held);
    let takeover = Claim {
        fingerprint: Fingerprint::from_bytes([0; 32]),
        ..case.claiming(case.b).taking_over(case.a)
    };
    let half = Claimed::Owned { attempt: 2, checkpoint: Some(Bytes::from_static(b"half")) };
    assert_eq!(case.ask(takeover).await, half);
    assert_eq!(case.record().await.fingerprint, PRINT);
}

/// A completed record is not taken over.
pub async fn a_completed_record_is_not_taken_over(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    assert_eq!(case.complete(case.a, "done").await, Completed::Stored);
    let told = case.take_over(case.a, case.b).await;
    assert_eq!(told, Claimed::Taken(completed(case.a, 1, "done")));
}

/// Where there is no record, a takeover is a first claim.
pub async fn an_absent_record_is_claimed(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.take_over(case.a, case.b).await, owned(1));
}

/// Who was replaced neither renews, nor saves, nor releases.
pub async fn the_replaced_owner_has_lost(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    assert_eq!(case.take_over(case.a, case.b).await, owned(2));
    assert_eq!(case.renew(case.a, Duration::ZERO).await, Held::Lost);
    assert_eq!(case.save(case.a, "ghost").await, Held::Lost);
    case.release(case.a).await;
    assert_eq!(case.claim(case.b).await, owned(2), "the new owner's record is untouched");
    assert!(case.lease_left().await > Duration::ZERO);
}

/// The retention of a pending record counts anew from a takeover.
pub async fn a_takeover_starts_the_retention_anew(
    store: &dyn IdempotencyStore,
    elapse: &impl AsyncFn(Duration),
) {
    for retention in times() {
        let (case, began) = (Case::new(store), SystemClock::new());
        let claim = Claim { lease: Duration::ZERO, retention, ..case.claiming(case.a) };
        assert_eq!(case.ask(claim).await, owned(1));
        let taken = case.take_over(case.a, case.b).await;
        if began.monotonic() < retention {
            assert_eq!(taken, owned(2));
            elapse(past(retention)).await;
            let told = case.claim(case.b).await;
            return assert_eq!(told, owned(2), "the record is there for the new retention");
        }
    }
}
