use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::slice::from_mut;
use std::sync::Arc;

use smallvec::SmallVec;
use stonework_core::{RequestHead, StoreError, StoreErrorKind, StoreFuture};

use crate::admit::{Asked, AskedAll, admit, ask};
use crate::concurrency::{Permits, enter};
use crate::outage::Outage;
use crate::rejection::Rejection;
use crate::settlement::Pool;
use crate::shared::Shared;
use crate::store::{Acquire, Acquired, Demand, RateLimitStore};
use crate::verdict::{Found, Verdict};

/// A verdict, or what is to be waited for.
pub(crate) enum Deciding {
    Now(Verdict),
    Later(Waiting, Permits),
}

/// The store's answer on its way, with what it was asked.
pub(crate) type Waiting = Pin<Box<dyn Future<Output = (Answer, AskedAll)> + Send>>;

/// What the store said. `None` if it was not asked, since the request costs too much.
pub(crate) type Answer = Option<Result<Acquired, StoreError>>;

/// Decides about a request. What the store says at once is not waited for.
pub(crate) fn decide(shared: &Arc<Shared>, head: &RequestHead<'_>) -> Deciding {
    if shared.skip.skips(head) {
        return Deciding::Now(Verdict::Pass);
    }
    match &shared.limits[..] {
        // So it is with nearly every layer. What is asked stays in its place, and is not moved
        // about in lists.
        [limit] if shared.gates.is_empty() && limit.fixed_quota().is_some() => {
            match ask(limit, 0, head) {
                Ok(Some(mut asked)) => begin(shared, from_mut(&mut asked), Permits::new(), head),
                Ok(None) => Deciding::Now(Verdict::Pass),
                Err(rejection) => Deciding::Now(Verdict::reject(rejection, None, shared, head)),
            }
        }
        _ => decide_all(shared, head),
    }
}

/// Permits come first: they cost nothing, and a request that gets none shall not be charged.
#[inline(never)]
fn decide_all(shared: &Arc<Shared>, head: &RequestHead<'_>) -> Deciding {
    let permits = match enter(&shared.gates, head) {
        Ok(permits) => permits,
        Err((rejection, gate)) => {
            return Deciding::Now(Verdict::reject(rejection, gate, shared, head));
        }
    };
    let mut asked = match admit(&shared.limits, head) {
        Ok(asked) if asked.is_empty() => return Deciding::Now(Verdict::hold(permits)),
        Ok(asked) => asked,
        Err(rejection) => return Deciding::Now(Verdict::reject(rejection, None, shared, head)),
    };
    #[cfg(feature = "quotas")]
    if !crate::quotas::fill(&shared.limits, &mut asked) {
        return Deciding::Later(Box::pin(ask_quotas(Arc::clone(shared), asked)), permits);
    }
    begin(shared, &mut asked, permits, head)
}

#[cfg(feature = "quotas")]
async fn ask_quotas(shared: Arc<Shared>, mut asked: AskedAll) -> (Answer, AskedAll) {
    crate::quotas::ask(&shared.limits, &mut asked).await;
    let answer = if asked.is_empty() {
        Some(Ok(unlimited()))
    } else if can_be(&shared, &asked) {
        Some(shared.guard.run(|| acquire(&*shared.store, &shared, &asked)).await)
    } else {
        None
    };
    (answer, asked)
}

/// Every policy that concerns the request allows its client anything.
fn unlimited() -> Acquired {
    Acquired::Granted(crate::store::Levels::default())
}

fn can_be(shared: &Shared, asked: &[Asked]) -> bool {
    let can_be =
        |asked: &Asked| asked.cost <= asked.quota.burst() || asked.limit(&shared.limits).shadow;
    asked.iter().all(can_be)
}

/// Asks the store.
#[inline(always)]
fn begin(
    shared: &Arc<Shared>,
    asked: &mut [Asked],
    permits: Permits,
    head: &RequestHead<'_>,
) -> Deciding {
    if asked.is_empty() {
        return Deciding::Now(conclude(shared, Some(Ok(unlimited())), asked, permits, head));
    }
    if !can_be(shared, asked) {
        return Deciding::Now(conclude(shared, None, asked, permits, head));
    }
    if !shared.guard.is_closed() {
        return Deciding::Later(later(shared, asked, None), permits);
    }
    let answer = acquire(&*shared.store, shared, asked);
    let Some(result) = answer.get() else {
        return Deciding::Later(later(shared, asked, Some(answer)), permits);
    };
    shared.guard.hear(result);
    Deciding::Now(match result {
        Ok(acquired) => found(shared, asked).judge(acquired, permits, head),
        Err(error) => failed(shared, error, asked, permits, head),
    })
}

#[cold]
fn later(
    shared: &Arc<Shared>,
    asked: &[Asked],
    waiting: Option<StoreFuture<Result<Acquired, StoreError>>>,
) -> Waiting {
    let (shared, asked): (_, AskedAll) = (Arc::clone(shared), asked.into());
    Box::pin(async move {
        let guard = &shared.guard;
        let answer = match waiting {
            Some(waiting) => guard.wait(waiting).await,
            // The store has stopped answering, and perhaps it is this request that finds it back.
            None => guard.run(|| acquire(&*shared.store, &shared, &asked)).await,
        };
        (Some(answer), asked)
    })
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

const fn found<'a>(shared: &'a Arc<Shared>, asked: &'a [Asked]) -> Found<'a> {
    Found { shared, asked, pool: Pool::Store }
}

/// The verdict, once the store has answered.
#[cold]
pub(crate) fn conclude(
    shared: &Arc<Shared>,
    answer: Answer,
    asked: &mut [Asked],
    permits: Permits,
    head: &RequestHead<'_>,
) -> Verdict {
    match answer {
        Some(Ok(acquired)) => found(shared, asked).judge(&acquired, permits, head),
        Some(Err(error)) => failed(shared, &error, asked, permits, head),
        None => Verdict::reject(Rejection::CostTooHigh, None, shared, head),
    }
}

#[cold]
fn failed(
    shared: &Arc<Shared>,
    error: &StoreError,
    asked: &mut [Asked],
    permits: Permits,
    head: &RequestHead<'_>,
) -> Verdict {
    tell_of(error);
    let answer = match shared.on_outage {
        Outage::LocalFallback { .. } => fall_back(shared, asked),
        Outage::Closed if !found(shared, asked).only_watches() => None,
        Outage::Open | Outage::Closed => return found(shared, asked).let_pass(permits, head),
    };
    match answer {
        Some(acquired) => {
            Found { shared, asked, pool: Pool::Fallback }.judge(&acquired, permits, head)
        }
        None => Verdict::reject(Rejection::StoreUnavailable, None, shared, head),
    }
}

/// Limits hold only in part until the store is well again, and some failures do not pass by
/// themselves: a right that is missing, or a cluster that is taken for one server. Who was not sent
/// to the store has nothing to add.
fn tell_of(error: &StoreError) {
    if error.kind() != StoreErrorKind::NotAsked {
        let cause = error.source();
        crate::trace::event!(WARN, %error, ?cause, "the store of rate limits failed");
        // The event is there only with the feature.
        let _ = cause;
    }
}

#[cfg(feature = "memory")]
fn fall_back(shared: &Shared, asked: &mut [Asked]) -> Option<Acquired> {
    let fallback = shared.fallback.as_ref()?;
    for asked in &mut *asked {
        asked.quota = fallback.share(&asked.quota);
        // The share may hold less than the request costs; then it costs all of the share.
        asked.cost = asked.cost.min(asked.quota.burst());
    }
    // Memory always answers.
    acquire(&fallback.store, shared, asked).try_ready().ok()?.ok()
}

#[cfg(not(feature = "memory"))]
fn fall_back(_: &Shared, _: &mut [Asked]) -> Option<Acquired> {
    None
}
