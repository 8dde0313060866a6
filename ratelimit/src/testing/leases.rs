//! Many tokens at once, to be spent elsewhere.

use std::sync::Arc;
use std::time::Duration;

use super::case::{Case, assert_owed, fast, many, slow};
use crate::span::Span;
use crate::store::{AdjustId, Lease, LeaseStore, Leased};

type Store = Arc<dyn LeaseStore>;

pub(super) async fn lease(
    store: &dyn LeaseStore,
    case: &Case<'_>,
    want: u32,
    least: u32,
) -> Leased {
    let reply = store.lease(Lease::new(case.bucket(), case.quota, want, least));
    let leased = reply.await.expect("the store answers a lease");
    let allowed = leased.tokens == 0 || (least.max(1)..=want).contains(&leased.tokens);
    assert!(allowed, "{} tokens are none or between {least} and {want}", leased.tokens);
    leased
}

/// Leases so many, of which all or none must be there, and checks the debt that is told.
async fn leases(store: &dyn LeaseStore, case: &Case<'_>, ask: [u32; 2], told: u32, taken: u32) {
    let leased = lease(store, case, ask[0], ask[1]).await;
    assert_eq!(leased.tokens, told, "of {} wanted and {} at least", ask[0], ask[1]);
    assert_owed(leased.debt, case.quota.time_of(taken));
}

/// Where there are enough, the lease is as large as it was wanted.
pub async fn as_many_as_are_wanted(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(10));
    leases(store, &case, [4, 1], 4, 4).await;
    leases(store, &case, [3, 3], 3, 7).await;
    case.gives(3).await;
}

/// Where there are fewer, the lease is all that is there: first a part, and then nothing.
pub async fn as_many_as_there_are(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(10));
    leases(store, &case, [7, 1], 7, 7).await;
    leases(store, &case, [7, 1], 3, 10).await;
    leases(store, &case, [7, 1], 0, 10).await;
    leases(store, &case, [7, 0], 0, 10).await;
    let all = Case::new(store, slow(10));
    leases(store, &all, [u32::MAX, 1], 10, 10).await;
}

/// Fewer than the least are none, and nothing is charged.
pub async fn none_if_there_are_fewer_than_the_least(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(10));
    case.take(6).await;
    leases(store, &case, [9, 5], 0, 6).await;
    leases(store, &case, [u32::MAX, u32::MAX], 0, 6).await;
    leases(store, &case, [9, 4], 4, 10).await;
}

/// A lease of nothing takes nothing, and tells how the bucket stands.
pub async fn nothing_is_leased_where_nothing_is_wanted(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(10));
    assert_eq!(lease(store, &case, 0, 0).await, Leased::new(0, Span::ZERO));
    case.take(6).await;
    leases(store, &case, [0, 0], 0, 6).await;
    case.gives(4).await;
}

/// A bucket that owes more than its burst has nothing to lease.
pub async fn nothing_is_leased_from_a_bucket_in_debt(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(10));
    case.adjust(15, AdjustId::random()).await;
    leases(store, &case, [5, 0], 0, 15).await;
    leases(store, &case, [5, 1], 0, 15).await;
}

/// Tokens that were leased are not granted to others.
pub async fn what_is_leased_is_not_acquired(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(10));
    leases(store, &case, [8, 1], 8, 8).await;
    assert!(!case.is_granted(3).await, "only two tokens are left");
    case.gives(2).await;
}

/// Tokens that were granted are not leased.
pub async fn what_is_acquired_is_not_leased(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(10));
    case.take(8).await;
    leases(store, &case, [8, 1], 2, 10).await;
    case.gives(0).await;
}

/// What was not spent of a lease goes back like anything else.
pub async fn a_lease_goes_back_by_a_correction(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(10));
    leases(store, &case, [8, 1], 8, 8).await;
    assert_owed(case.adjust(-5, AdjustId::random()).await, case.quota.time_of(3));
    case.gives(7).await;
}

/// The debt stays as a time, and the quota of the lease counts.
pub async fn a_lease_applies_the_quota_of_the_moment(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(10));
    leases(store, &case, [6, 1], 6, 6).await;
    leases(store, &case.under(slow(5)), [6, 1], 0, 6).await;
    leases(store, &case.under(slow(8)), [6, 1], 2, 8).await;
}

/// Of many leases at once, all together are what there was.
pub async fn leases_at_once_take_what_there_is(store: &Store) {
    let key = Case::new(&**store, slow(20)).key;
    let tokens = many(|_| {
        let store = Arc::clone(store);
        async move {
            let case = Case { key, ..Case::new(&*store, slow(20)) };
            lease(&*store, &case, 3, 1).await.tokens
        }
    });
    assert_eq!(tokens.await.into_iter().sum::<u32>(), 20, "the leases are the burst");
}

/// Leases and requests at once take together what there was.
pub async fn leases_and_acquires_at_once_take_what_there_is(store: &Store) {
    let key = Case::new(&**store, slow(20)).key;
    let tokens = many(|which| {
        let store = Arc::clone(store);
        async move {
            let case = Case { key, ..Case::new(&*store, slow(20)) };
            match which % 2 {
                0 => lease(&*store, &case, 3, 1).await.tokens,
                _ => u32::from(case.is_granted(1).await),
            }
        }
    });
    assert_eq!(tokens.await.into_iter().sum::<u32>(), 20, "both together are the burst");
}

/// What was leased flows in again.
pub async fn time_refills_what_was_leased(store: &dyn LeaseStore, elapse: &impl AsyncFn(Duration)) {
    let case = Case::new(store, fast(2));
    assert_eq!(lease(store, &case, 2, 2).await.tokens, 2);
    elapse(Duration::from_millis(500)).await;
    let slow = case.under(slow(2));
    assert_eq!(lease(store, &slow, 9, 1).await.tokens, 2, "the bucket is full again");
}
