use std::sync::Arc;

use http::{Extensions, Response};
use stonework_core::StoneBody;

use crate::body::{Held, ResponseBody};
use crate::charge::Charge;
use crate::concurrency::Permits;
use crate::settlement::Settlement;
use crate::shared::Shared;
use crate::verdict::{Granted, Told};

/// A request that has gone on to the handler, and what is to be done when it answers.
pub(crate) struct Admitted {
    shared: Arc<Shared>,
    told: Told,
    held: Option<Box<Held>>,
}

impl Admitted {
    pub(crate) fn holding(shared: Arc<Shared>, permits: Permits) -> Self {
        Self {
            shared,
            told: Told::Nothing,
            held: Some(Box::new(Held { _permits: permits, settlement: None })),
        }
    }

    /// Leaves in the request's extensions what the handler may want.
    #[inline]
    pub(crate) fn new(
        shared: Arc<Shared>,
        granted: Granted,
        permits: Permits,
        extensions: &mut Extensions,
    ) -> Self {
        let Granted { told, pool, paid } = granted;
        if let (Told::Decision(decision), true) = (&told, shared.tells) {
            extensions.insert(decision.clone());
        }
        // Also where nothing was charged: a handler that wants a charge shall not fail for those whom
        // no limit concerns, or while the store is away.
        let settlement = shared.corrects().then(|| {
            let names =
                paid.iter().map(|paid| Arc::clone(&shared.limits[usize::from(paid.at)].name));
            let charge = Charge::new(names);
            if shared.adjustable {
                extensions.insert(charge.clone());
            }
            Settlement { shared: Arc::clone(&shared), charge, pool, paid }
        });
        let held = (settlement.is_some() || !permits.is_empty())
            .then(|| Box::new(Held { _permits: permits, settlement }));
        Self { shared, told, held }
    }

    #[inline]
    pub(crate) fn respond<B>(self, mut response: Response<B>) -> Response<ResponseBody<B>> {
        let Self { shared, told, mut held } = self;
        let unix = || shared.clock.unix();
        match told {
            Told::Nothing => {}
            Told::Figures(figures) => {
                shared.renderer.write(true, &figures, unix, response.headers_mut());
            }
            Told::Decision(decision) => {
                let standings = decision.standings();
                shared.renderer.write(true, standings, unix, response.headers_mut());
                if shared.tells {
                    response.extensions_mut().insert(decision);
                }
            }
        }
        match (&shared.refund_when, held.as_deref_mut()) {
            (Some(refund_when), Some(Held { settlement, .. })) if settlement.is_some() => {
                let (head, body) = response.into_parts();
                if refund_when(&head)
                    && let Some(settlement) = settlement.take()
                {
                    // Carried out here and now, so that nothing that is said later counts.
                    settlement.charge.refund();
                }
                Response::from_parts(head, ResponseBody::new(StoneBody::inner(body), held))
            }
            _ => response.map(|body| ResponseBody::new(StoneBody::inner(body), held)),
        }
    }
}
