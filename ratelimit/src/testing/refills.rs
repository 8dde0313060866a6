//! What time does to a bucket.

use std::time::Duration;

use super::case::{Case, fast, slow};
use crate::store::{AdjustId, RateLimitStore};

/// The time in which [`fast`] gains five tokens.
const FIVE: Duration = Duration::from_millis(500);

/// What flows in can be taken: at least as much as the time that has passed.
pub async fn time_refills_a_bucket(store: &dyn RateLimitStore, elapse: &impl AsyncFn(Duration)) {
    let case = Case::new(store, fast(1_000));
    case.take(1_000).await;
    assert!(!case.is_granted(1_000).await, "a thousand tokens take a hundred seconds");
    elapse(FIVE).await;
    assert!(case.is_granted(5).await, "five tokens have flown in");
}

/// However long a bucket rests, it holds its burst and no more.
pub async fn time_fills_no_bucket_beyond_its_burst(
    store: &dyn RateLimitStore,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store, fast(2));
    case.take(2).await;
    elapse(FIVE).await;
    // A quota at which no time passes, so that the rest is exact.
    case.under(slow(2)).gives(2).await;
}

/// The level of a denial tells how long to wait, and after that the demand is granted.
pub async fn who_waits_as_told_is_granted(
    store: &dyn RateLimitStore,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store, fast(1_000));
    case.take(1_000).await;
    let (_, level) = case.ask(1_000).await;
    let wait = case.quota.wait(level.debt, 4).expect("four tokens can be there");
    assert!(wait <= Duration::from_millis(400), "four tokens are not {wait:?} away");
    elapse(wait).await;
    assert!(case.is_granted(4).await, "after {wait:?} there are four tokens");
}

/// A debt beyond the burst is paid by time too.
pub async fn time_pays_what_is_owed_beyond_the_burst(
    store: &dyn RateLimitStore,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store, fast(2));
    case.take(2).await;
    case.adjust(2, AdjustId::random()).await;
    elapse(FIVE).await;
    case.under(slow(2)).gives(2).await;
}
