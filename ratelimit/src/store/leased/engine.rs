use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stonework_core::{Clock, StoreError, StoreErrorKind, StoreFuture};
use tokio::runtime::Handle;

use super::builder::Settings;
use super::flight::Flight;
use super::name::{Name, Named};
use super::pool::Pool;
use super::pools::{Pools, Return};
use super::ruling::{Ruling, rule};
use crate::quota::Quota;
use crate::span::Span;
use crate::store::{
    Acquired, Adjust, AdjustId, Adjusted, Bucket, Demand, Lease, LeaseStore, Leased,
};

/// The pools and the store that fills them.
#[derive(Debug)]
pub(super) struct Engine<S> {
    pub(super) inner: S,
    pub(super) pools: Pools,
    clock: Arc<dyn Clock>,
    /// Whether a task looks after idle pools.
    pub(super) swept: AtomicBool,
}

pub(super) fn told(error: Arc<StoreError>) -> StoreError {
    StoreError::new(error.kind()).with_source(error)
}

impl<S: LeaseStore> Engine<S> {
    pub(super) fn new(inner: S, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { inner, pools: Pools::new(settings), clock, swept: AtomicBool::new(false) }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// The answer, if the pools know it.
    pub(super) fn at_once(&self, demands: &[Demand<'_>]) -> Option<Acquired> {
        let now = self.now();
        match rule(&mut self.pools.hold(demands), demands, &[], now) {
            Ruling::Done(acquired) => Some(acquired),
            Ruling::Failed(_) | Ruling::Ask(_) => None,
        }
    }

    /// Gives tokens back as well as it goes. What is lost is only admitted later.
    pub(super) fn give_back(&self, returns: Vec<Return>) {
        for Return { name, quota, tokens } in returns.into_iter().filter(|back| back.tokens > 0) {
            let id = AdjustId::random();
            let adjust = Adjust::new(name.bucket(), quota, -i64::from(tokens), id);
            let reply = self.inner.adjust(adjust).try_ready();
            if let (Err(pending), Ok(runtime)) = (reply, Handle::try_current()) {
                runtime.spawn(async move { drop(pending.await) });
            }
        }
    }

    /// Sends a lease. It lands in a task of its own: whoever asked for it may go away.
    pub(super) fn send(self: &Arc<Self>, name: Name, quota: Quota, flight: Arc<Flight>) {
        let (want, least) = (flight.want, flight.least);
        let landing = Landing { engine: Arc::clone(self), name, flight: Some(flight) };
        let reply = self.inner.lease(Lease::new(landing.name.bucket(), quota, want, least));
        match (reply.try_ready(), Handle::try_current()) {
            (Ok(reply), _) => landing.land(reply),
            (Err(pending), Ok(runtime)) => {
                let patience = self.pools.settings.timeout;
                runtime.spawn(async move {
                    let reply = tokio::time::timeout(patience, pending).await;
                    landing.land(reply.unwrap_or_else(|_| late()));
                });
            }
            (Err(_), Err(no_runtime)) => landing.land(Err(unavailable(no_runtime))),
        }
    }

    fn land(&self, name: &Name, flight: &Flight, reply: Result<Leased, StoreError>) {
        let mut shard = self.pools.shard(name.bucket());
        let back = shard.pool(name.bucket()).map(|pool| (pool.quota, pool.land(flight, reply)));
        drop(shard);
        // Without the lock, since a waker may run anything.
        flight.wake();
        if let Some((quota, tokens)) = back {
            self.give_back(vec![Return { name: name.clone(), quota, tokens }]);
        }
    }

    /// Makes of a correction what the pool can, unless it is a repeat.
    pub(super) fn correct(&self, adjust: &Adjust<'_>) -> Correct {
        let now = self.now();
        let correction = self.pools.correction(adjust);
        let mut shard = self.pools.shard(adjust.bucket);
        let known = shard.corrections.made_here(&correction);
        let pool = shard.pool(adjust.bucket).filter(|pool| pool.quota == adjust.quota);
        let correct = |pool: &mut Pool| pool.correct(adjust.tokens, adjust.receipt, now);
        let (here, debt) = match pool {
            Some(pool) => (known.unwrap_or_else(|| correct(pool)), pool.known_debt(now)),
            None => (known.unwrap_or(0), None),
        };
        shard.corrections.remember(correction, here);
        let rest = adjust.tokens.saturating_sub(here);
        match debt {
            Some(debt) if rest == 0 => Correct::Done(debt),
            // Even if nothing is left to do: what the bucket owes is known by asking.
            _ => {
                if let Some(pool) = shard.pool(adjust.bucket) {
                    pool.doubt();
                }
                Correct::Rest(rest)
            }
        }
    }

    /// The inner store has made a correction. The debt, with what is held here.
    pub(super) fn hear(&self, bucket: Bucket<'_>, quota: Quota, adjusted: Adjusted) -> Adjusted {
        let now = self.now();
        let mut shard = self.pools.shard(bucket);
        let pool = shard.pool(bucket).filter(|pool| pool.quota == quota);
        let Some(pool) = pool else { return adjusted };
        pool.hear(adjusted.debt, now);
        Adjusted::new(pool.debt(now))
    }

    /// Forgets all about the bucket, also the tokens.
    pub(super) fn forget(&self, bucket: Bucket<'_>) {
        if let Some(pool) = self.pools.shard(bucket).pool(bucket) {
            pool.forget(self.pools.next_generation());
        }
    }

    /// Keeps a task that looks after idle pools, while there are any.
    pub(super) fn keep_swept(self: &Arc<Self>) {
        if self.swept.load(Ordering::Acquire) {
            return;
        }
        if let Ok(runtime) = Handle::try_current()
            && !self.swept.swap(true, Ordering::AcqRel)
        {
            runtime.spawn(super::sweeper::sweep(Arc::downgrade(self)));
        }
    }
}

/// How far a correction is made.
#[derive(Debug)]
pub(super) enum Correct {
    Done(Span),
    /// But for so many tokens, which are the inner store's.
    Rest(i64),
}

fn late<T>() -> Result<T, StoreError> {
    Err(StoreError::new(StoreErrorKind::TimedOut))
}

fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable).with_source(source)
}

/// A flight on its way. It lands whatever happens, so that nobody waits in vain.
struct Landing<S: LeaseStore> {
    engine: Arc<Engine<S>>,
    name: Name,
    flight: Option<Arc<Flight>>,
}

impl<S: LeaseStore> Landing<S> {
    fn land(mut self, reply: Result<Leased, StoreError>) {
        self.end(reply);
    }

    fn end(&mut self, reply: Result<Leased, StoreError>) {
        if let Some(flight) = self.flight.take() {
            self.engine.land(&self.name, &flight, reply);
        }
    }
}

impl<S: LeaseStore> Drop for Landing<S> {
    fn drop(&mut self) {
        self.end(Err(unavailable("the lease was dropped on its way")));
    }
}

pub(super) type Reply<T> = StoreFuture<Result<T, StoreError>>;
