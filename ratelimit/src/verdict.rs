use std::sync::Arc;

use stonework_core::RequestHead;

use crate::admit::Asked;
use crate::decide::Ruling;
use crate::decision::{Basis, Decision, Standing, Standings};
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
    /// `None` if nobody would hear of it.
    pub(crate) decision: Option<Decision>,
    pub(crate) pool: Pool,
    /// Empty unless the cost may be corrected.
    pub(crate) paid: Vec<Paid>,
}

pub(crate) fn judge(
    shared: &Shared,
    ruling: &Ruling,
    asked: &[Asked],
    head: &RequestHead<'_>,
) -> Verdict {
    let verdict = match ruling {
        Ruling::Granted(levels, pool) => {
            let decision = shared.is_heard().then(|| decision(shared, asked, levels, *pool, true));
            let paid = if shared.corrects() { paid(asked, levels) } else { Vec::new() };
            Verdict::Go(Granted { decision, pool: *pool, paid })
        }
        Ruling::Unchecked => Verdict::Go(unchecked()),
        Ruling::Denied(levels, pool) => {
            let decision = Some(decision(shared, asked, levels, *pool, false));
            Verdict::Stop(Refusal { rejection: Rejection::QuotaExceeded, gate: None, decision })
        }
        Ruling::Rejected(rejection) => {
            Verdict::Stop(Refusal { rejection: *rejection, gate: None, decision: None })
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
            Self::Go(granted) => granted.decision.as_ref(),
            Self::Stop(refusal) => refusal.decision.as_ref(),
        }
    }
}

fn unchecked() -> Granted {
    let standings = Standings::default();
    let decision = Decision { granted: true, basis: Basis::Unchecked, standings };
    Granted { decision: Some(decision), pool: Pool::Store, paid: Vec::new() }
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
    let standings = match (asked, levels) {
        ([asked], [level]) => Standings::one(standing(shared, asked, level)),
        _ => {
            asked.iter().zip(levels).map(|(asked, level)| standing(shared, asked, level)).collect()
        }
    };
    Decision { granted, basis, standings }
}

fn standing(shared: &Shared, asked: &Asked, level: &Level) -> Standing {
    let limit = asked.limit(&shared.limits);
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

fn paid(asked: &[Asked], levels: &[Level]) -> Vec<Paid> {
    let charged = asked.iter().zip(levels).filter(|(_, level)| level.fits);
    let paid = |(asked, level): (&Asked, &Level)| Paid {
        at: asked.at,
        key: asked.key.clone(),
        quota: asked.quota,
        cost: asked.cost,
        receipt: level.receipt,
    };
    charged.map(paid).collect()
}
