use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use stonework_core::StoreError;

use super::pool::{Verdict, Wait};
use super::pools::Held;
use crate::span::Span;
use crate::store::{Acquired, Demand, Level, Levels};

/// What the pools say of a request.
#[derive(Debug)]
pub(super) enum Ruling {
    Done(Acquired),
    Failed(Arc<StoreError>),
    /// The inner store has to be asked about those of which the verdict is [`Verdict::Ask`].
    Ask(Verdicts),
}

pub(super) type Verdicts = SmallVec<[Verdict; 3]>;

/// Decides as far as the pools know, and spends what is granted. `waits` has the demands' waits,
/// or nothing before they wait.
pub(super) fn rule(
    held: &mut Held<'_>,
    demands: &[Demand<'_>],
    waits: &[Wait],
    now: Duration,
) -> Ruling {
    let verdicts = verdicts(held, demands, waits, now);
    // A demand in shadow fails nothing: it is one that does not fit.
    let mut counting = demands.iter().zip(&verdicts).filter(|(demand, _)| !demand.shadow);
    if let Some(error) = counting.find_map(|(_, verdict)| failure(verdict)) {
        return Ruling::Failed(error);
    }
    let counts = |is: fn(&Verdict) -> bool| {
        demands.iter().zip(&verdicts).any(|(demand, verdict)| !demand.shadow && is(verdict))
    };
    // What is remembered answers at once. What was asked for waits until all is known, so that
    // each level tells what was found.
    if counts(|verdict| matches!(verdict, Verdict::Remembered)) {
        return Ruling::Done(Acquired::Denied(levels(held, demands, &verdicts, now)));
    }
    if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Ask)) {
        return Ruling::Ask(verdicts);
    }
    Ruling::Done(if counts(|verdict| matches!(verdict, Verdict::Lacks)) {
        Acquired::Denied(levels(held, demands, &verdicts, now))
    } else if counts(|verdict| matches!(verdict, Verdict::Full)) {
        Acquired::Full
    } else {
        spend(held, demands, &verdicts, now);
        Acquired::Granted(levels(held, demands, &verdicts, now))
    })
}

fn failure(verdict: &Verdict) -> Option<Arc<StoreError>> {
    match verdict {
        Verdict::Failed(error) => Some(Arc::clone(error)),
        _ => None,
    }
}

fn verdicts(
    held: &mut Held<'_>,
    demands: &[Demand<'_>],
    waits: &[Wait],
    now: Duration,
) -> Verdicts {
    let none = Wait::default();
    let cache = held.settings().cache_denials;
    let verdict = |(which, demand): (usize, &Demand<'_>)| {
        let wait = waits.get(which).unwrap_or(&none);
        let dry = cache && demand.only_time_refills;
        let pool = held.pool(which, demand);
        pool.map_or(Verdict::Ask, |pool| pool.verdict(demand.cost, dry, wait, now))
    };
    demands.iter().enumerate().map(verdict).collect()
}

fn spend(held: &mut Held<'_>, demands: &[Demand<'_>], verdicts: &Verdicts, now: Duration) {
    let horizon = held.settings().horizon;
    for (which, (demand, verdict)) in demands.iter().zip(verdicts).enumerate() {
        if let (Verdict::Fits, Some(pool)) = (verdict, held.pool(which, demand)) {
            pool.spend(demand.cost, now, horizon);
        }
    }
}

fn levels(
    held: &mut Held<'_>,
    demands: &[Demand<'_>],
    verdicts: &Verdicts,
    now: Duration,
) -> Levels {
    let level = |(which, (demand, verdict)): (usize, (&Demand<'_>, &Verdict))| {
        match held.pool(which, demand) {
            Some(pool) => pool.level(verdict, demand.cost, now),
            // Never asked about, so it is taken for full.
            None => Level::new(Span::ZERO, demand.cost <= demand.quota.burst()),
        }
    };
    demands.iter().zip(verdicts).enumerate().map(level).collect()
}
