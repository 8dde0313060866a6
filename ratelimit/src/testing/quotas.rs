//! A quota that is another one each time.

use std::time::Duration;

use super::case::{Case, assert_owed, hours, quota, slow};
use crate::store::RateLimitStore;

const HOUR: Duration = Duration::from_secs(3_600);

/// A burst that grows gives what it has grown by.
pub async fn a_larger_burst_applies_at_once(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(2));
    case.gives(2).await;
    case.under(slow(5)).gives(3).await;
}

/// A burst that shrinks denies at once what is beyond it, and forgives nothing.
pub async fn a_smaller_burst_applies_at_once(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    case.take(4).await;
    let smaller = case.under(slow(2));
    let (granted, level) = smaller.ask(1).await;
    assert!(!granted, "four hours of debt are more than two tokens");
    assert_owed(level.debt, hours(4));
    case.gives(1).await;
}

/// Whatever the rate, a debt is the same time, and as many tokens as flow in it.
pub async fn a_debt_stays_as_a_time(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    case.take(4).await;
    let faster = case.under(quota(2, HOUR, 5));
    assert!(!faster.is_granted(1).await, "five tokens are two and a half hours, and four are owed");
    case.under(quota(2, HOUR, 10)).gives(2).await;
    case.owes(hours(5)).await;
    let slower = case.under(quota(1, 5 * HOUR, 3));
    slower.gives(2).await;
    slower.owes(hours(15)).await;
}

/// Where a token takes no whole number of ticks, the burst is still the burst.
pub async fn no_part_of_a_token_is_lost(store: &dyn RateLimitStore) {
    let case = Case::new(store, quota(7, HOUR, 7));
    case.gives(7).await;
    case.owes(hours(1)).await;
    let case = Case::new(store, quota(999_983, 999_979 * HOUR, 3));
    case.gives(3).await;
}

/// No number within the limits of a quota overflows.
pub async fn the_largest_quota_holds(store: &dyn RateLimitStore) {
    let yearly = quota(u32::MAX, 365 * 24 * HOUR, u32::MAX);
    let case = Case::new(store, yearly);
    case.take(u32::MAX).await;
    assert!(!case.is_granted(u32::MAX).await, "all of it is gone");
    let slowest = quota(1, 100 * 365 * 24 * HOUR, 1);
    Case::new(store, slowest).gives(1).await;
}
