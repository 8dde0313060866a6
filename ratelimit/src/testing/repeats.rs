//! What holds even if each operation is sent twice and its first reply is lost: more may be
//! charged, and never is more granted than there is.

use std::sync::Arc;

use super::case::{Case, MANY, ask, many, slow};
use super::leases::lease;
use crate::store::{LeaseStore, RateLimitStore};

const BURST: u32 = 10;

/// One by one: at most the burst, and at least half of it.
pub async fn no_more_than_the_burst_is_granted(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(BURST));
    let mut granted = 0;
    while case.is_granted(1).await {
        granted += 1;
        assert!(granted <= BURST, "no more than the burst is granted");
    }
    assert!(granted >= BURST / 2, "a request that is sent twice is charged at most twice");
}

/// A denial charges nothing, however often it is sent.
pub async fn a_denial_charges_nothing(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(BURST));
    for _ in 0..4 {
        assert!(!case.is_granted(BURST + 1).await, "it never fits");
    }
    assert_eq!(case.quota.remaining(case.debt().await), BURST, "nothing was charged");
    assert!(case.is_granted(BURST / 2).await, "half of the burst is there twice");
}

/// Of several demands, no bucket grants more than its burst.
pub async fn several_demands_are_granted_together(store: &dyn RateLimitStore) {
    let [small, large] = [BURST, 3 * BURST].map(|burst| Case::new(store, slow(burst)));
    let mut granted = 0;
    while ask(store, &[large.demand(1), small.demand(1)]).await.0 {
        granted += 1;
        assert!(granted <= BURST, "no more than the smaller burst is granted");
    }
    let left = large.quota.remaining(large.debt().await);
    assert!(left <= 3 * BURST - granted, "what was granted was charged");
    assert!(left >= BURST, "no request was charged more than twice");
}

/// Of many at once, at most the burst is granted.
pub async fn of_many_acquires_no_more_than_the_burst_is_granted(store: &Arc<dyn RateLimitStore>) {
    let key = Case::new(&**store, slow(BURST)).key;
    let replies = many(|_| {
        let store = Arc::clone(store);
        async move { Case { key, ..Case::new(&*store, slow(BURST)) }.is_granted(1).await }
    });
    let granted = replies.await.into_iter().filter(|granted| *granted).count();
    assert!(granted <= BURST as usize, "{granted} were granted of {BURST}");
}

/// Leases, one by one: together at most the burst.
pub async fn leases_take_no_more_than_there_is(store: &dyn LeaseStore) {
    let case = Case::new(store, slow(BURST));
    let mut leased = 0;
    for _ in 0..BURST {
        leased += lease(store, &case, 1, 1).await.tokens;
    }
    assert!(leased <= BURST, "{leased} were leased of {BURST}");
    assert!(leased >= BURST / 2, "a lease that is sent twice is charged at most twice");
    assert!(!case.is_granted(1).await, "the bucket is empty");
}

/// Leases, many at once: together at most the burst.
pub async fn leases_at_once_take_no_more_than_there_is(store: &Arc<dyn LeaseStore>) {
    let key = Case::new(&**store, slow(BURST)).key;
    let leases = many(|_| {
        let store = Arc::clone(store);
        async move {
            let case = Case { key, ..Case::new(&*store, slow(BURST)) };
            lease(&*store, &case, 3, 1).await.tokens
        }
    });
    let leased: u32 = leases.await.into_iter().sum();
    assert!(leased <= BURST, "{leased} were leased of {BURST} by {MANY}");
}
