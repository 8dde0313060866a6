use std::sync::Arc;

use smallvec::SmallVec;
use stonework_core::{Started, StoreError, StoreFuture};

use crate::admit::Asked;
use crate::outage::Outage;
use crate::rejection::Rejection;
use crate::settlement::Pool;
use crate::shared::Shared;
use crate::store::{Acquire, Acquired, Bucket, Demand, Levels};

pub(crate) type AskedAll = SmallVec<[Asked; 2]>;

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
    Now(Ruling, AskedAll),
    Later(StoreFuture<(Ruling, AskedAll)>),
}

pub(crate) fn decide(shared: &Arc<Shared>, asked: AskedAll) -> Deciding {
    #[cfg(feature = "quotas")]
    let asked = match crate::quotas::known(&shared.limits, asked) {
        Ok(asked) => asked,
        Err(asked) => {
            let shared = Arc::clone(shared);
            return Deciding::Later(StoreFuture::new(async move {
                let asked = crate::quotas::ask(&shared.limits, asked).await;
                match begin(&shared, asked) {
                    Deciding::Now(ruling, asked) => (ruling, asked),
                    Deciding::Later(waiting) => waiting.await,
                }
            }));
        }
    };
    begin(shared, asked)
}

/// Asks the store. What is there already is not waited for.
fn begin(shared: &Arc<Shared>, asked: AskedAll) -> Deciding {
    let limits = &shared.limits;
    if asked.is_empty() {
        return Deciding::Now(Ruling::Granted(Levels::default(), Pool::Store), asked);
    }
    if asked.iter().any(|asked| asked.cost > asked.quota.burst() && !limits[asked.at].shadow) {
        return Deciding::Now(Ruling::Rejected(Rejection::CostTooHigh), asked);
    }
    match shared.guard.start(|| shared.store.acquire(Acquire::new(&demands(shared, &asked)))) {
        Started::Done(answer) => {
            let mut asked = asked;
            let ruling = rule(shared, answer, &mut asked);
            Deciding::Now(ruling, asked)
        }
        Started::Waiting(waiting) => later(shared, asked, Some(waiting)),
        _ => later(shared, asked, None),
    }
}

fn later(
    shared: &Arc<Shared>,
    mut asked: AskedAll,
    waiting: Option<StoreFuture<Result<Acquired, StoreError>>>,
) -> Deciding {
    let shared = Arc::clone(shared);
    Deciding::Later(StoreFuture::new(async move {
        let guard = &shared.guard;
        let answer = match waiting {
            Some(waiting) => guard.wait(waiting).await,
            // The store has stopped answering, and perhaps it is this request that finds it back.
            None => {
                let acquire = || shared.store.acquire(Acquire::new(&demands(&shared, &asked)));
                guard.run(acquire).await
            }
        };
        let ruling = rule(&shared, answer, &mut asked);
        (ruling, asked)
    }))
}

fn demands<'a>(shared: &'a Shared, asked: &'a [Asked]) -> SmallVec<[Demand<'a>; 3]> {
    let corrects = shared.corrects();
    let demand = |asked: &'a Asked| {
        let limit = &shared.limits[asked.at];
        let bucket = Bucket::new(&limit.name, asked.key.as_bytes());
        Demand::new(bucket, asked.quota, asked.cost)
            .shadow(limit.shadow)
            .only_time_refills(!corrects && limit.fixed_quota().is_some())
    };
    asked.iter().map(demand).collect()
}

fn rule(shared: &Shared, answer: Result<Acquired, StoreError>, asked: &mut [Asked]) -> Ruling {
    match answer {
        Ok(acquired) => told(acquired, Pool::Store),
        Err(error) => {
            crate::trace::event!(DEBUG, %error, "the store of rate limits failed");
            away(shared, asked)
        }
    }
}

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
    use crate::store::RateLimitStore;

    let Some(fallback) = &shared.fallback else {
        return Ruling::Rejected(Rejection::StoreUnavailable);
    };
    for asked in &mut *asked {
        asked.quota = fallback.share(&asked.quota);
        // The share may hold less than the request costs; then it costs all of the share.
        asked.cost = asked.cost.min(asked.quota.burst());
    }
    let answer = fallback.store.acquire(Acquire::new(&demands(shared, asked))).try_ready();
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
