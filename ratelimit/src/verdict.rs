use std::sync::Arc;

use smallvec::SmallVec;
use stonework_core::RequestHead;

use crate::admit::Asked;
use crate::decide::Ruling;
use crate::decision::{Basis, Decision, Figures, Standing, Standings};
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
    pub(crate) told: Told,
    pub(crate) pool: Pool,
    /// Empty unless the cost may be corrected.
    pub(crate) paid: Vec<Paid>,
}

impl Granted {
    /// Is nothing to be done when the handler has answered?
    pub(crate) const fn is_plain(&self) -> bool {
        matches!(self.told, Told::Nothing) && self.paid.is_empty()
    }
}

/// What is told of a request that goes on: no more than somebody wants to hear.
pub(crate) enum Told {
    Nothing,
    /// To the client.
    Figures(SmallVec<[Figures; 1]>),
    /// To the handler and to outer layers too.
    Decision(Decision),
}

#[inline]
pub(crate) fn judge(
    shared: &Shared,
    ruling: &Ruling,
    asked: &[Asked],
    head: &RequestHead<'_>,
) -> Verdict {
    match ruling {
        Ruling::Granted(levels, pool) => Verdict::Go(Granted {
            told: told(shared, (asked, levels, *pool), head),
            pool: *pool,
            paid: if shared.corrects() { paid(asked, levels) } else { Vec::new() },
        }),
        Ruling::Denied(levels, pool) => {
            let decision = decision(shared, (asked, levels, *pool), false, head);
            let rejection = Rejection::QuotaExceeded;
            Verdict::Stop(Refusal { rejection, gate: None, decision: Some(decision) })
        }
        Ruling::Unchecked => {
            let decision = Decision::new(true, Basis::Unchecked, Standings::new());
            let told = Told::Decision(heard(shared, decision, head));
            Verdict::Go(Granted { told, pool: Pool::Store, paid: Vec::new() })
        }
        Ruling::Rejected(rejection) => {
            Verdict::Stop(Refusal { rejection: *rejection, gate: None, decision: None })
        }
    }
}

type Found<'a> = (&'a [Asked], &'a [Level], Pool);

#[inline]
fn told(shared: &Shared, found: Found<'_>, head: &RequestHead<'_>) -> Told {
    if shared.tells || shared.on_decision.is_some() {
        return Told::Decision(decision(shared, found, true, head));
    }
    if shared.renderer.is_silent() {
        return Told::Nothing;
    }
    match found {
        ([asked], [level], _) => Told::Figures(SmallVec::from_buf([figures(shared, asked, level)])),
        (asked, levels, _) => Told::Figures(
            asked.iter().zip(levels).map(|(asked, level)| figures(shared, asked, level)).collect(),
        ),
    }
}

fn decision(
    shared: &Shared,
    (asked, levels, pool): Found<'_>,
    granted: bool,
    head: &RequestHead<'_>,
) -> Decision {
    let basis = match pool {
        Pool::Store => Basis::Store,
        Pool::Fallback => Basis::Fallback,
    };
    let standing = |(asked, level): (&Asked, &Level)| Standing {
        policy: Arc::clone(&asked.limit(&shared.limits).name),
        figures: figures(shared, asked, level),
    };
    let standings = match (asked, levels) {
        ([asked], [level]) => Standings::from_buf([standing((asked, level))]),
        _ => asked.iter().zip(levels).map(standing).collect(),
    };
    heard(shared, Decision::new(granted, basis, standings), head)
}

fn heard(shared: &Shared, decision: Decision, head: &RequestHead<'_>) -> Decision {
    if let Some(hook) = &shared.on_decision {
        hook(&decision, head);
    }
    decision
}

#[inline]
fn figures(shared: &Shared, asked: &Asked, level: &Level) -> Figures {
    let limit = asked.limit(&shared.limits);
    let partition = shared.partition.as_ref();
    Figures {
        at: asked.at,
        fits: level.fits,
        shadow: limit.shadow,
        cost: asked.cost,
        quota: asked.quota,
        debt: level.debt,
        partition: partition.map(|of| Box::new(of.of(&limit.name, asked.key.as_bytes()))),
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
