use std::sync::Arc;

use http::{Extensions, Response};
use stonework_core::StoneBody;

use crate::body::{Held, ResponseBody};
use crate::charge::Charge;
use crate::decision::Decision;
use crate::service::Permits;
use crate::settlement::Settlement;
use crate::shared::Shared;
use crate::verdict::Granted;

/// A request that has gone on to the handler, and what is to be done when it answers.
pub(crate) struct Admitted {
    shared: Arc<Shared>,
    decision: Option<Decision>,
    held: Option<Box<Held>>,
}

impl Admitted {
    pub(crate) fn holding(shared: Arc<Shared>, permits: Permits) -> Self {
        Self { shared, decision: None, held: Some(Box::new(Held { permits, settlement: None })) }
    }

    /// Leaves in the request's extensions what the handler may want.
    pub(crate) fn new(
        shared: Arc<Shared>,
        granted: Granted,
        permits: Permits,
        extensions: &mut Extensions,
    ) -> Self {
        let Granted { decision, pool, paid } = granted;
        if shared.tells {
            extensions.insert(decision.clone());
        }
        let settlement = (!paid.is_empty()).then(|| {
            let names = paid.iter().map(|paid| Arc::clone(&shared.limits[paid.at].name));
            let charge = Charge::new(names);
            if shared.adjustable {
                extensions.insert(charge.clone());
            }
            Settlement { shared: Arc::clone(&shared), charge, pool, paid }
        });
        let held = (settlement.is_some() || !permits.is_empty())
            .then(|| Box::new(Held { permits, settlement }));
        Self { shared, decision: Some(decision), held }
    }

    pub(crate) fn respond<B>(self, response: Response<B>) -> Response<ResponseBody<B>> {
        let Self { shared, decision, held } = self;
        let (mut head, body) = response.into_parts();
        if let (Some(refund_when), Some(Held { settlement: Some(settlement), .. })) =
            (&shared.refund_when, held.as_deref())
            && refund_when(&head)
        {
            settlement.charge.refund();
        }
        if let Some(decision) = decision {
            shared.renderer.write(&decision, || shared.clock.unix(), &mut head.headers);
            if shared.tells {
                head.extensions.insert(decision);
            }
        }
        Response::from_parts(head, ResponseBody::new(StoneBody::inner(body), held))
    }
}
