use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stonework_core::{Clock, Key, StoreError, StoreFuture, TokioClock};

use crate::gcra;
use crate::quota::Quota;
use crate::span::Span;
use crate::store::{
    Acquire, Acquired, Adjust, AdjustId, Adjusted, Bucket, Demand, Lease, LeaseStore, Leased,
    Level, RateLimitStore, Reset,
};

/// A store that is slow and plain: for tests, and as a model for your own.
///
/// All buckets are behind one lock, every operation looks through all of them for those that are
/// full, and no id of a correction is ever forgotten. Clones share one store.
#[derive(Clone, Debug)]
pub struct ReferenceStore {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

type Name = (String, Key);

#[derive(Debug, Default)]
struct State {
    /// When each bucket will be full.
    full_at: HashMap<Name, Span>,
    corrected: HashSet<(Name, AdjustId)>,
}

fn name(bucket: Bucket<'_>) -> Name {
    (bucket.policy.to_owned(), Key::from(bucket.key))
}

impl State {
    fn debt(&self, bucket: Bucket<'_>, quota: &Quota, now: u64) -> Span {
        let full_at = self.full_at.get(&name(bucket)).copied();
        // The quota may be another one than that by which the part was counted.
        full_at.unwrap_or(Span::ZERO).after(now).at(quota.rate())
    }

    fn owe(&mut self, bucket: Bucket<'_>, debt: Span, now: u64) {
        let full_at = Span { whole: debt.whole.saturating_add(now), part: debt.part };
        self.full_at.insert(name(bucket), full_at);
    }

    fn acquire(&mut self, demands: &[Demand<'_>], now: u64) -> Acquired {
        let look = |demand: &Demand<'_>| {
            let found = self.debt(demand.bucket, &demand.quota, now);
            (found, gcra::take(&demand.quota, found, demand.cost))
        };
        let looks: Vec<(Span, Option<Span>)> = demands.iter().map(look).collect();
        let fits = |(demand, look): (&Demand<'_>, &(Span, Option<Span>))| {
            demand.shadow || look.1.is_some()
        };
        if !demands.iter().zip(&looks).all(fits) {
            let level = |&(found, after): &(Span, Option<Span>)| Level::new(found, after.is_some());
            return Acquired::Denied(looks.iter().map(level).collect());
        }
        let charge = |(demand, (found, after)): (&Demand<'_>, (Span, Option<Span>))| {
            if let Some(debt) = after {
                self.owe(demand.bucket, debt, now);
            }
            Level::new(after.unwrap_or(found), after.is_some())
        };
        Acquired::Granted(demands.iter().zip(looks).map(charge).collect())
    }
}

impl ReferenceStore {
    /// An empty store that reads tokio's clock.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(TokioClock::new()))
    }

    /// An empty store that reads this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { state: Arc::default(), clock }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The state without the buckets that are full, which are as good as absent.
    fn state(&self, now: u64) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.full_at.retain(|_, full_at| full_at.after(now) > Span::ZERO);
        state
    }
}

impl Default for ReferenceStore {
    fn default() -> Self {
        Self::new()
    }
}

impl RateLimitStore for ReferenceStore {
    fn acquire(&self, acquire: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>> {
        let now = self.now();
        StoreFuture::ready(Ok(self.state(now).acquire(acquire.demands, now)))
    }

    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>> {
        let now = self.now();
        let mut state = self.state(now);
        let mut debt = state.debt(adjust.bucket, &adjust.quota, now);
        if state.corrected.insert((name(adjust.bucket), adjust.id)) {
            debt = gcra::adjust(&adjust.quota, debt, adjust.tokens);
            state.owe(adjust.bucket, debt, now);
        }
        StoreFuture::ready(Ok(Adjusted::new(debt)))
    }

    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.state(self.now()).full_at.remove(&name(reset.bucket));
        StoreFuture::ready(Ok(()))
    }
}

impl LeaseStore for ReferenceStore {
    fn lease(&self, lease: Lease<'_>) -> StoreFuture<Result<Leased, StoreError>> {
        let Lease { bucket, quota, want, least } = lease;
        let now = self.now();
        let mut state = self.state(now);
        let found = state.debt(bucket, &quota, now);
        let tokens = gcra::available(&quota, found, want, least);
        let debt = found.plus(quota.time_of(tokens), quota.rate());
        state.owe(bucket, debt, now);
        StoreFuture::ready(Ok(Leased::new(tokens, debt)))
    }
}
