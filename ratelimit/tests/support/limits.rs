//! Policies, a clock that the test turns by hand, and a look into buckets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stonework_core::Clock;
use stonework_ratelimit::store::{
    Acquire, Acquired, Bucket, Demand, MemoryStore, Overflow, RateLimitStore,
};
use stonework_ratelimit::{Policy, Quota, RateLimitLayer, RateLimitLayerBuilder};

pub const SECOND: Duration = Duration::from_secs(1);
pub const MILLI: Duration = Duration::from_millis(1);

/// Stands still until it is turned.
#[derive(Clone, Debug, Default)]
pub struct Hand(Arc<AtomicU64>);

impl Hand {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_nanos()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }

    fn unix(&self) -> Duration {
        self.monotonic()
    }
}

/// A store whose time stands still, and its clock.
pub fn still() -> (Hand, MemoryStore) {
    let clock = Hand::default();
    let store = MemoryStore::builder().clock(Arc::new(clock.clone()));
    (clock, store.overflow(Overflow::DenyNew).build().unwrap())
}

/// One token a second, and five at once.
pub fn quota() -> Quota {
    quota_of(5)
}

/// One token a second, and so many at once.
pub fn quota_of(burst: u32) -> Quota {
    Quota::new(1, SECOND, burst).unwrap()
}

/// The same as a policy, for the header `x-key`.
pub fn policy(name: &str) -> Policy {
    Policy::new(name).rate(1).per(SECOND).burst(5).key_header("x-key")
}

/// A layer over this store, without policies yet.
pub fn over(store: &MemoryStore) -> RateLimitLayerBuilder {
    RateLimitLayer::builder().store(store.clone())
}

/// Tokens that are left under a policy of [`quota`].
pub fn left(store: &impl RateLimitStore, policy: &str, key: &str) -> u32 {
    left_of(store, policy, key, quota())
}

pub fn left_of(store: &impl RateLimitStore, policy: &str, key: &str, quota: Quota) -> u32 {
    quota.remaining(debt_of(store, policy, key, quota))
}

/// What a bucket owes. A cost of zero asks and takes nothing.
pub fn debt_of(
    store: &impl RateLimitStore,
    policy: &str,
    key: &str,
    quota: Quota,
) -> stonework_ratelimit::Span {
    let demand = Demand::new(Bucket::new(policy, key.as_bytes()), quota, 0);
    match store.acquire(Acquire::new(&[demand])).try_ready().unwrap().unwrap() {
        Acquired::Granted(levels) => levels[0].debt,
        other => panic!("{other:?}"),
    }
}
