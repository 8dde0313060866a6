use std::sync::Arc;

use smallvec::SmallVec;
use stonework_core::RequestHead;

use crate::admit::Asked;
use crate::decide::{AskedAll, Ruling};
use crate::decision::{Basis, Decision, Standing};
use crate::rejection::Rejection;
use crate::reply::Refusal;
use crate::settlement::{Paid, Pool};
use crate::shared::Shared;
use crate::store::Level;

/// What becomes of a request.
pub(crate) enum Verdict {
    Go(Granted),
    Stop(Refusal<'static>),
}

/// A request that may go on.
pub(crate) struct Granted {
    pub(crate) decision: Decision,
    pub(crate) pool: Pool,
    /// Empty unless the cost may be corrected.
    pub(crate) paid: SmallVec<[Paid; 2]>,
}

pub(crate) fn judge(
    shared: &Shared,
    (ruling, asked): (Ruling, AskedAll),
    head: &RequestHead<'_>,
) -> Verdict {
    let verdict = match ruling {
        Ruling::Granted(levels, pool) => {
            let decision = decision(shared, &asked, &levels, pool, true);
            let paid = if shared.corrects() { paid(asked, &levels) } else { SmallVec::new() };
            Verdict::Go(Granted { decision, pool, paid })
        }
        Ruling::Denied(levels, pool) => {
            let decision = Some(decision(shared, &asked, &levels, pool, false));
            Verdict::Stop(Refusal { rejection: Rejection::QuotaExceeded, gate: None, decision })
        }
        Ruling::Unchecked => Verdict::Go(unchecked()),
        Ruling::Rejected(rejection) => {
            Verdict::Stop(Refusal { rejection, gate: None, decision: None })
        }
    };
    if let (Some(hook), Some(decision)) = (&shared.on_decision, verdict.decision()) {
        hook(decision, head);
    }
    verdict
}

impl Verdict {
    const fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Go(granted) => Some(&granted.decision),
            Self::Stop(refusal) => refusal.decision.as_ref(),
        }
    }
}

fn unchecked() -> Granted {
    let decision =
        Decision { granted: true, basis: Basis::Unchecked, standings: FromIterator::from_iter([]) };
    Granted { decision, pool: Pool::Store, paid: SmallVec::new() }
}

fn decision(
    shared: &Shared,
    asked: &[Asked],
    levels: &[Level],
    pool: Pool,
    granted: bool,
) -> Decision {
    let basis = match pool {
        Pool::Store => Basis::Store,
        Pool::Fallback => Basis::Fallback,
    };
    let standings = asked.iter().zip(levels).map(|(asked, level)| standing(shared, asked, level));
    Decision { granted, basis, standings: standings.collect() }
}

fn standing(shared: &Shared, asked: &Asked, level: &Level) -> Standing {
    let limit = &shared.limits[asked.at];
    let partition = shared.partition.as_ref();
    Standing {
        policy: Arc::clone(&limit.name),
        at: asked.at,
        quota: asked.quota,
        cost: asked.cost,
        debt: level.debt,
        fits: level.fits,
        shadow: limit.shadow,
        partition: partition.map(|partition| partition.of(&limit.name, asked.key.as_bytes())),
    }
}

fn paid(asked: AskedAll, levels: &[Level]) -> SmallVec<[Paid; 2]> {
    let charged = asked.into_iter().zip(levels).filter(|(_, level)| level.fits);
    charged
        .map(|(Asked { at, key, quota, cost }, level)| Paid {
            at,
            key,
            quota,
            cost,
            receipt: level.receipt,
        })
        .collect()
}
