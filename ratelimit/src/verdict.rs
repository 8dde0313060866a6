use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use stonework_core::RequestHead;

use crate::admit::Asked;
use crate::admitted::{Admitted, Told};
use crate::body::Held;
use crate::charge::Charge;
use crate::concurrency::Permits;
use crate::decision::{Basis, Decision, Standing, Standings};
use crate::rejection::Rejection;
use crate::reply::Refusal;
use crate::settlement::{Paid, Pool, Settlement};
use crate::shared::Shared;
use crate::store::{Acquired, Level};

/// What becomes of a request.
pub(crate) enum Verdict {
    /// It goes on, and that is all.
    Pass,
    /// It goes on, and something is to be done for it.
    Go(Admitted),
    /// It is answered.
    Stop(Box<Response<Bytes>>),
}

impl Verdict {
    /// Goes on, with nothing but permits.
    #[inline]
    pub(crate) fn hold(permits: Permits) -> Self {
        if permits.is_empty() {
            return Self::Pass;
        }
        let held = Some(Box::new(Held { _permits: permits, settlement: None }));
        Self::Go(Admitted { told: Told::Nothing, held })
    }

    /// Nothing was charged, and there is nothing to tell of buckets.
    #[cold]
    pub(crate) fn reject(
        rejection: Rejection,
        gate: Option<&Arc<str>>,
        shared: &Shared,
        head: &RequestHead<'_>,
    ) -> Self {
        Self::Stop(Refusal { rejection, gate, decision: None }.reply(shared, head))
    }
}

/// What was asked about a request, and who answered.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) asked: &'a [Asked],
    pub(crate) pool: Pool,
}

impl Found<'_> {
    #[inline(always)]
    pub(crate) fn judge(
        self,
        acquired: &Acquired,
        permits: Permits,
        head: &RequestHead<'_>,
    ) -> Verdict {
        match acquired {
            Acquired::Granted(_) if self.shared.is_silent() => Verdict::hold(permits),
            Acquired::Granted(levels) => Verdict::Go(Admitted {
                told: self.told(levels, head),
                held: self.held(levels, permits),
            }),
            Acquired::Denied(levels) => self.deny(levels, head),
            Acquired::Full if self.only_watches() => self.let_pass(permits, head),
            Acquired::Full => Verdict::reject(Rejection::StoreFull, None, self.shared, head),
        }
    }

    /// Then nothing denies, whatever becomes of the store.
    pub(crate) fn only_watches(self) -> bool {
        self.asked.iter().all(|asked| asked.limit(&self.shared.limits).shadow)
    }

    /// The request goes on although the store was away.
    pub(crate) fn let_pass(self, permits: Permits, head: &RequestHead<'_>) -> Verdict {
        let decision = Decision::new(true, Basis::Unchecked, Standings::new());
        hear(self.shared, &decision, head);
        let told = if self.shared.tells { Told::Decision(decision) } else { Told::Nothing };
        Verdict::Go(Admitted { told, held: self.held(&[], permits) })
    }

    #[inline]
    fn told(self, levels: &[Level], head: &RequestHead<'_>) -> Told {
        let shared = self.shared;
        if shared.tells || shared.on_decision.is_some() {
            let decision = self.decision(true, levels, head);
            if shared.tells {
                return Told::Decision(decision);
            }
        }
        match (self.asked, levels) {
            _ if shared.policies.renderer.is_silent() => Told::Nothing,
            ([asked], [level]) => Told::Standing(self.standing(asked, level)),
            _ => Told::Standings(self.standings(levels).collect()),
        }
    }

    #[inline(never)]
    fn deny(self, levels: &[Level], head: &RequestHead<'_>) -> Verdict {
        let decision = Some(self.decision(false, levels, head));
        let refusal = Refusal { rejection: Rejection::QuotaExceeded, gate: None, decision };
        Verdict::Stop(refusal.reply(self.shared, head))
    }

    fn decision(self, granted: bool, levels: &[Level], head: &RequestHead<'_>) -> Decision {
        let basis = match self.pool {
            Pool::Store => Basis::Store,
            Pool::Fallback => Basis::Fallback,
        };
        let standings = match (self.asked, levels) {
            ([asked], [level]) => Standings::from_buf([self.standing(asked, level)]),
            _ => self.standings(levels).collect(),
        };
        let decision = Decision::new(granted, basis, standings);
        hear(self.shared, &decision, head);
        decision
    }

    fn standings(self, levels: &[Level]) -> impl Iterator<Item = Standing> {
        self.asked.iter().zip(levels).map(move |(asked, level)| self.standing(asked, level))
    }

    #[inline]
    fn standing(self, asked: &Asked, level: &Level) -> Standing {
        let Shared { limits, policies, partition, .. } = &**self.shared;
        let limit = asked.limit(limits);
        let is_own = self.pool == Pool::Fallback || limit.fixed_quota().is_none();
        let partition = partition.as_ref();
        Standing {
            policies: Arc::clone(policies),
            // A store may have counted by another rate.
            debt: level.debt.at(asked.quota.rate()),
            own: is_own.then(|| Box::new(asked.quota)),
            partition: partition.map(|of| Box::new(of.of(&limit.name, asked.key.as_bytes()))),
            at: asked.at,
            fits: level.fits,
            shadow: limit.shadow,
            cost: asked.cost,
        }
    }

    #[inline]
    fn held(self, levels: &[Level], permits: Permits) -> Option<Box<Held>> {
        if permits.is_empty() && !self.shared.corrects() {
            return None;
        }
        let settlement = self.shared.corrects().then(|| self.settlement(levels));
        Some(Box::new(Held { _permits: permits, settlement }))
    }

    /// Also where nothing was charged: a handler that wants a charge shall not fail for those whom
    /// no limit concerns, or while the store is away.
    fn settlement(self, levels: &[Level]) -> Settlement {
        let charged = self.asked.iter().zip(levels).filter(|(_, level)| level.fits);
        let paid: Vec<_> = charged.map(paid).collect();
        let limits = &self.shared.limits;
        let names = paid.iter().map(|paid| Arc::clone(&limits[usize::from(paid.at)].name));
        let charge = Charge::new(names);
        Settlement { shared: Arc::clone(self.shared), charge, pool: self.pool, paid }
    }
}

fn paid((asked, level): (&Asked, &Level)) -> Paid {
    Paid {
        at: asked.at,
        key: asked.key.clone(),
        quota: asked.quota,
        cost: asked.cost,
        receipt: level.receipt,
    }
}

fn hear(shared: &Shared, decision: &Decision, head: &RequestHead<'_>) {
    if let Some(hook) = &shared.on_decision {
        hook(decision, head);
    }
}
