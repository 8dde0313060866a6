//! A store that is far away: every operation travels, takes effect, and its reply travels back.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stonework_core::{Clock, Key, StoreError, StoreErrorKind, StoreFuture, TokioClock};
use stonework_ratelimit::store::{
    Acquire, Acquired, Adjust, Adjusted, Bucket, Demand, Lease, LeaseStore, Leased, RateLimitStore,
    Reset,
};
use stonework_ratelimit::testing::ReferenceStore;

/// Operations are counted, and can fail or stay without an answer.
#[derive(Clone, Debug)]
pub struct Remote {
    pub store: ReferenceStore,
    pub clock: Arc<TokioClock>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// One way, in microseconds: the shortest, and by how much it varies.
    way: AtomicU64,
    spread: AtomicU64,
    /// By how much replies take longer, in microseconds.
    late: AtomicU64,
    seed: AtomicU64,
    fails: AtomicBool,
    silent: AtomicBool,
    leases: AtomicUsize,
    calls: AtomicUsize,
    back: Mutex<Vec<(Duration, i64)>>,
}

impl Remote {
    /// Operations travel so long each way. Zero: they are done when the method returns.
    pub fn new(way: Duration) -> Self {
        let clock = Arc::new(TokioClock::new());
        let store = ReferenceStore::with_clock(Arc::clone(&clock) as _);
        let remote = Self { store, clock, state: Arc::default() };
        remote.state.way.store(way.as_micros() as u64, Ordering::SeqCst);
        remote
    }

    /// Each way takes up to so much longer, by chance.
    pub fn varying_by(self, spread: Duration) -> Self {
        self.state.spread.store(spread.as_micros() as u64, Ordering::SeqCst);
        self
    }

    /// Replies to operations from now on take so much longer.
    pub fn reply_late(&self, by: Duration) {
        self.state.late.store(by.as_micros() as u64, Ordering::SeqCst);
    }

    /// From now on operations have no effect and fail, or work again.
    pub fn fail(&self, fails: bool) {
        self.state.fails.store(fails, Ordering::SeqCst);
    }

    /// From now on operations have no effect and no reply, or work again.
    pub fn fall_silent(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
    }

    pub fn leases(&self) -> usize {
        self.state.leases.load(Ordering::SeqCst)
    }

    /// All operations.
    pub fn calls(&self) -> usize {
        self.state.calls.load(Ordering::SeqCst)
    }

    /// When how many tokens more were, or were no more, on their way back.
    pub fn way_back(&self) -> Vec<(Duration, i64)> {
        self.state.back.lock().unwrap().clone()
    }

    fn way(&self) -> Duration {
        let spread = self.state.spread.load(Ordering::SeqCst);
        // A small linear congruence: chance enough to vary, and the same in each run.
        let next = |seed: u64| Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        let seed = self.state.seed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).unwrap();
        let more = if spread == 0 { 0 } else { (seed >> 33) % spread };
        Duration::from_micros(self.state.way.load(Ordering::SeqCst) + more)
    }

    fn travelling_back(&self, tokens: i64) {
        if tokens != 0 {
            self.state.back.lock().unwrap().push((self.clock.monotonic(), tokens));
        }
    }

    fn through<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&ReferenceStore) -> StoreFuture<Result<T, StoreError>> + Send + 'static,
    ) -> StoreFuture<Result<T, StoreError>> {
        self.state.calls.fetch_add(1, Ordering::SeqCst);
        if self.state.silent.load(Ordering::SeqCst) {
            return StoreFuture::new(std::future::pending());
        }
        let fails = self.state.fails.load(Ordering::SeqCst);
        let late = Duration::from_micros(self.state.late.load(Ordering::SeqCst));
        let (there, back) = (self.way(), self.way() + late);
        if there + back == Duration::ZERO {
            return if fails { StoreFuture::ready(away()) } else { operation(&self.store) };
        }
        let store = self.store.clone();
        StoreFuture::new(async move {
            tokio::time::sleep(there).await;
            let reply = if fails {
                away()
            } else {
                let reply = operation(&store);
                reply.await
            };
            tokio::time::sleep(back).await;
            reply
        })
    }
}

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::new(StoreErrorKind::Unavailable))
}

struct Owned(String, Key);

impl Owned {
    fn of(bucket: Bucket<'_>) -> Self {
        Self(bucket.policy.to_owned(), Key::from(bucket.key))
    }

    fn bucket(&self) -> Bucket<'_> {
        Bucket::new(&self.0, self.1.as_bytes())
    }
}

impl RateLimitStore for Remote {
    fn acquire(&self, acquire: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>> {
        let owned = |demand: &Demand<'_>| {
            (Owned::of(demand.bucket), demand.quota, demand.cost, demand.shadow)
        };
        let demands: Vec<_> = acquire.demands.iter().map(owned).collect();
        self.through(move |store| {
            let demands: Vec<_> = demands
                .iter()
                .map(|(name, quota, cost, shadow)| {
                    Demand::new(name.bucket(), *quota, *cost).shadow(*shadow)
                })
                .collect();
            store.acquire(Acquire::new(&demands))
        })
    }

    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>> {
        let (name, quota, tokens, id) =
            (Owned::of(adjust.bucket), adjust.quota, adjust.tokens, adjust.id);
        let back = tokens.min(0).saturating_neg();
        self.travelling_back(back);
        let remote = self.clone();
        self.through(move |store| {
            remote.travelling_back(-back);
            store.adjust(Adjust::new(name.bucket(), quota, tokens, id))
        })
    }

    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>> {
        let name = Owned::of(reset.bucket);
        self.through(move |store| store.reset(Reset::new(name.bucket())))
    }
}

impl LeaseStore for Remote {
    fn lease(&self, lease: Lease<'_>) -> StoreFuture<Result<Leased, StoreError>> {
        self.state.leases.fetch_add(1, Ordering::SeqCst);
        let (name, quota) = (Owned::of(lease.bucket), lease.quota);
        let (want, least) = (lease.want, lease.least);
        self.through(move |store| store.lease(Lease::new(name.bucket(), quota, want, least)))
    }
}
