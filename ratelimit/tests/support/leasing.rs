//! What the tests of leases ask, and of whom.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "remote.rs"]
mod remote;

use std::sync::Arc;
use std::time::Duration;

pub use remote::Remote;
use stonework_ratelimit::Quota;
use stonework_ratelimit::store::{
    Acquire, Acquired, Bucket, Demand, LeasedStore, Level, RateLimitStore,
};

pub const SECOND: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(3_600);
pub const WAY: Duration = Duration::from_millis(2);

pub const HOT: Bucket<'static> = Bucket::new("api", b"hot");
pub const OTHER: Bucket<'static> = Bucket::new("tenant", b"other");

pub fn quota(rate: u32, per: Duration, burst: u32) -> Quota {
    Quota::new(rate, per, burst).unwrap()
}

/// A quota that gains nothing during a test.
pub fn slow(burst: u32) -> Quota {
    quota(1, HOUR, burst)
}

pub fn alone(remote: &Remote) -> LeasedStore<Remote> {
    LeasedStore::builder(remote.clone())
        .nodes(1)
        .clock(Arc::clone(&remote.clock) as _)
        .build()
        .unwrap()
}

pub async fn ask(store: &impl RateLimitStore, demands: &[Demand<'_>]) -> (bool, Vec<Level>) {
    let reply = store.acquire(Acquire::new(demands));
    match reply.await.unwrap() {
        Acquired::Granted(levels) => (true, levels.to_vec()),
        Acquired::Denied(levels) => (false, levels.to_vec()),
        other => panic!("{other:?}"),
    }
}

pub async fn granted(
    store: &impl RateLimitStore,
    bucket: Bucket<'_>,
    quota: Quota,
    cost: u32,
) -> bool {
    ask(store, &[Demand::new(bucket, quota, cost)]).await.0
}

/// What the inner store thinks is left.
pub async fn left(remote: &Remote, bucket: Bucket<'_>, quota: Quota) -> u32 {
    let (_, levels) = ask(&remote.store, &[Demand::new(bucket, quota, 0)]).await;
    quota.remaining(levels[0].debt)
}

/// Spends a few tokens at once, so that the next lease brings a reserve. Returns how many.
pub async fn warm(store: &impl RateLimitStore, bucket: Bucket<'_>, quota: Quota) -> u32 {
    for _ in 0..4 {
        assert!(granted(store, bucket, quota, 1).await);
    }
    4
}
