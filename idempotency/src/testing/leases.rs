//! How long an owner is taken to be alive, and what it saves.

use std::time::Duration;

use bytes::Bytes;
use stonework_core::{Clock, SystemClock};

use super::{Case, LONG, SHORT, completed, owned, past, times};
use crate::store::{Claim, Claimed, Completed, Held, IdempotencyStore};

/// A lease that has run out is told as zero; the owner stays the owner.
pub async fn a_lease_runs_out_and_changes_nothing(
    store: &dyn IdempotencyStore,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store);
    let claim = Claim { lease: SHORT, ..case.claiming(case.a) };
    assert_eq!(case.ask(claim).await, owned(1));
    elapse(past(SHORT)).await;
    assert_eq!(case.lease_left().await, Duration::ZERO, "the lease has run out");
    assert_eq!(case.record().await.token, case.a, "nobody took the record over");
    assert_eq!(case.claim(case.a).await, owned(1), "a lapsed owner is still the owner");
}

/// A renewal makes the lease end later.
pub async fn a_renewal_extends_the_lease(
    store: &dyn IdempotencyStore,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store);
    let claim = Claim { lease: SHORT, ..case.claiming(case.a) };
    assert_eq!(case.ask(claim).await, owned(1));
    assert_eq!(case.renew(case.a, LONG / 2).await, Held::Held);
    elapse(past(SHORT)).await;
    let left = case.lease_left().await;
    assert!(left > Duration::ZERO && left <= LONG / 2, "{left:?} of the renewed lease");
}

/// A renewal is lost for a stranger, for who has completed, and where there is no record.
pub async fn only_a_pending_owner_renews(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.renew(case.a, LONG).await, Held::Lost, "there is nothing to renew");
    case.abandon(case.a).await;
    assert_eq!(case.save(case.b, "stranger").await, Held::Lost);
    assert_eq!(case.lease_left().await, Duration::ZERO, "a stranger renews nothing");
    assert_eq!(case.claim(case.a).await, owned(1), "a stranger saves nothing");
    assert_eq!(case.complete(case.a, "done").await, Completed::Stored);
    assert_eq!(case.save(case.a, "too late").await, Held::Lost, "a completed record has no lease");
    assert_eq!(case.record().await, completed(case.a, 1, "done"));
}

/// A renewal of zero makes the lease run out at once.
pub async fn a_renewal_of_zero_gives_up_at_once(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    assert_eq!(case.renew(case.a, Duration::ZERO).await, Held::Held);
    assert_eq!(case.lease_left().await, Duration::ZERO);
    assert_eq!(case.take_over(case.a, case.b).await, owned(2), "who gave up is replaced");
}

/// A lapsed owner that nobody replaced renews its lease.
pub async fn a_lapsed_owner_may_renew(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    assert_eq!(case.renew(case.a, LONG).await, Held::Held);
    assert!(case.lease_left().await > Duration::ZERO, "the lease runs again");
    let told = case.take_over(case.a, case.b).await;
    assert!(matches!(told, Claimed::Taken(_)), "an owner that is alive again stays: {told:?}");
}

/// A checkpoint stays until another is saved; a renewal without one leaves it.
pub async fn a_checkpoint_is_kept_and_replaced(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    let with = |text: &'static str| Claimed::Owned {
        attempt: 1,
        checkpoint: Some(Bytes::from_static(text.as_bytes())),
    };
    assert_eq!(case.claim(case.a).await, owned(1));
    assert_eq!(case.save(case.a, "first").await, Held::Held);
    assert_eq!(case.claim(case.a).await, with("first"));
    assert_eq!(case.renew(case.a, LONG).await, Held::Held);
    assert_eq!(case.claim(case.a).await, with("first"), "a bare renewal keeps the checkpoint");
    assert_eq!(case.save(case.a, "the second\0\u{7f}\r\n").await, Held::Held);
    assert_eq!(case.claim(case.a).await, with("the second\0\u{7f}\r\n"));
    assert_eq!(case.save(case.a, "").await, Held::Held);
    assert_eq!(case.claim(case.a).await, with(""), "an empty checkpoint is one");
}

/// The retention of a pending record counts from the claim, not from a renewal.
pub async fn a_renewal_does_not_extend_the_retention(
    store: &dyn IdempotencyStore,
    elapse: &impl AsyncFn(Duration),
) {
    for retention in times() {
        let (case, began) = (Case::new(store), SystemClock::new());
        let claim = Claim { retention, ..case.claiming(case.a) };
        assert_eq!(case.ask(claim).await, owned(1));
        let saved = case.save(case.a, "checkpoint").await;
        if began.monotonic() < retention {
            assert_eq!(saved, Held::Held);
            elapse(past(retention)).await;
            return case.is_gone().await;
        }
    }
}
