use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;

use smallvec::SmallVec;
use stonework_core::{Started, StoreError, StoreFuture};

use crate::admit::{Asked, AskedAll};
use crate::outage::Outage;
use crate::rejection::Rejection;
use crate::settlement::Pool;
use crate::shared::Shared;
use crate::store::{Acquire, Acquired, Demand, Levels, RateLimitStore};

/// What was found about a request.
#[derive(Debug)]
pub(crate) enum Ruling {
    Granted(Levels, Pool),
    Denied(Levels, Pool),
    /// The store was away, and such requests pass.
    Unchecked,
    /// Nothing was charged, and there is nothing to tell of buckets.
    Rejected(Rejection),
}

/// A ruling, or what is to be waited for.
pub(crate) enum Deciding {
    Now(Ruling),
    Later(Waiting),
}

/// A ruling on its way, with what was asked.
pub(crate) type Waiting = Pin<Box<dyn Future<Output = (Ruling, AskedAll)> + Send>>;

#[inline]
pub(crate) fn decide(shared: &Arc<Shared>, asked: &mut AskedAll) -> Deciding {
    #[cfg(feature = "quotas")]
    if !crate::quotas::fill(&shared.limits, asked) {
        let (shared, mut asked) = (Arc::clone(shared), mem::take(asked));
        return Deciding::Later(Box::pin(async move {
            crate::quotas::ask(&shared.limits, &mut asked).await;
            match begin(&shared, &mut asked) {
                Deciding::Now(ruling) => (ruling, asked),
                Deciding::Later(waiting) => waiting.await,
            }
        }));
    }
    begin(shared, asked)
}

/// Asks the store. What is there already is not waited for.
#[inline]
fn begin(shared: &Arc<Shared>, asked: &mut AskedAll) -> Deciding {
    if asked.is_empty() {
        return Deciding::Now(Ruling::Granted(Levels::default(), Pool::Store));
    }
    let limits = &shared.limits;
    let can_be = |asked: &Asked| asked.cost <= asked.quota.burst() || asked.limit(limits).shadow;
    if !asked.iter().all(can_be) {
        return Deciding::Now(Ruling::Rejected(Rejection::CostTooHigh));
    }
    match shared.guard.start(|| acquire(&*shared.store, shared, asked)) {
        Started::Done(answer) => Deciding::Now(rule(shared, answer, asked)),
        Started::Waiting(waiting) => later(shared, mem::take(asked), Some(waiting)),
        _ => later(shared, mem::take(asked), None),
    }
}

fn later(
    shared: &Arc<Shared>,
    mut asked: AskedAll,
    waiting: Option<StoreFuture<Result<Acquired, StoreError>>>,
) -> Deciding {
    let shared = Arc::clone(shared);
    Deciding::Later(Box::pin(async move {
        let guard = &shared.guard;
        let answer = match waiting {
            Some(waiting) => guard.wait(waiting).await,
            // The store has stopped answering, and perhaps it is this request that finds it back.
            None => guard.run(|| acquire(&*shared.store, &shared, &asked)).await,
        };
        let ruling = rule(&shared, answer, &mut asked);
        (ruling, asked)
    }))
}

#[inline]
fn acquire(
    store: &dyn RateLimitStore,
    shared: &Shared,
    asked: &[Asked],
) -> StoreFuture<Result<Acquired, StoreError>> {
    // Mostly there is one, and an array costs less than a vector, however small.
    if let [asked] = asked {
        return store.acquire(Acquire::new(&[demand(shared, asked)]));
    }
    let demands: SmallVec<[Demand<'_>; 4]> =
        asked.iter().map(|asked| demand(shared, asked)).collect();
    store.acquire(Acquire::new(&demands))
}

#[inline]
fn demand<'a>(shared: &'a Shared, asked: &'a Asked) -> Demand<'a> {
    let limit = asked.limit(&shared.limits);
    Demand::new(limit.bucket(&asked.key), asked.quota, asked.cost)
        .shadow(limit.shadow)
        .only_time_refills(!shared.corrects() && limit.fixed_quota().is_some())
}

#[inline]
fn rule(shared: &Shared, answer: Result<Acquired, StoreError>, asked: &mut [Asked]) -> Ruling {
    match answer {
        Ok(acquired) => told(acquired, Pool::Store),
        Err(error) => {
            crate::trace::event!(DEBUG, %error, "the store of rate limits failed");
            away(shared, asked)
        }
    }
}

#[inline]
fn told(acquired: Acquired, pool: Pool) -> Ruling {
    match acquired {
        Acquired::Granted(levels) => Ruling::Granted(levels, pool),
        Acquired::Denied(levels) => Ruling::Denied(levels, pool),
        Acquired::Full => Ruling::Rejected(Rejection::StoreFull),
    }
}

fn away(shared: &Shared, asked: &mut [Asked]) -> Ruling {
    match shared.on_outage {
        Outage::Open => Ruling::Unchecked,
        Outage::Closed => Ruling::Rejected(Rejection::StoreUnavailable),
        Outage::LocalFallback { .. } => fall_back(shared, asked),
    }
}

#[cfg(feature = "memory")]
fn fall_back(shared: &Shared, asked: &mut [Asked]) -> Ruling {
    let Some(fallback) = &shared.fallback else {
        return Ruling::Rejected(Rejection::StoreUnavailable);
    };
    for asked in &mut *asked {
        asked.quota = fallback.share(&asked.quota);
        // The share may hold less than the request costs; then it costs all of the share.
        asked.cost = asked.cost.min(asked.quota.burst());
    }
    let answer = acquire(&fallback.store, shared, asked).try_ready();
    match answer {
        Ok(Ok(acquired)) => told(acquired, Pool::Fallback),
        // Memory always answers.
        _ => Ruling::Rejected(Rejection::StoreUnavailable),
    }
}

#[cfg(not(feature = "memory"))]
fn fall_back(_: &Shared, _: &mut [Asked]) -> Ruling {
    Ruling::Rejected(Rejection::StoreUnavailable)
}
