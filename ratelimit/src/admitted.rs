use std::slice::from_ref;

use http::{Extensions, HeaderMap, Response};
use stonework_core::StoneBody;

use crate::body::{Held, ResponseBody};
use crate::decision::{Decision, Standing};

/// What is to be done for a request that goes on to the handler, and when it is answered.
pub(crate) struct Admitted {
    pub(crate) told: Told,
    pub(crate) held: Option<Box<Held>>,
}

/// What is told of a request that goes on: no more than somebody wants to hear.
pub(crate) enum Told {
    Nothing,
    /// To the client. Mostly there is one policy, and then there is no allocation.
    Standing(Standing),
    Standings(Box<[Standing]>),
    /// To the handler and to outer layers too.
    Decision(Decision),
}

impl Admitted {
    /// Leaves in the request's extensions what the handler may want.
    #[inline]
    pub(crate) fn prepare(&self, extensions: &mut Extensions) {
        if let Told::Decision(decision) = &self.told {
            extensions.insert(decision.clone());
        }
        if let Some(Held { settlement: Some(settlement), .. }) = self.held.as_deref() {
            settlement.offer(extensions);
        }
    }

    #[inline]
    pub(crate) fn respond<B>(self, mut response: Response<B>) -> Response<ResponseBody<B>> {
        let Self { told, mut held } = self;
        told.tell(response.headers_mut());
        if let Told::Decision(decision) = told {
            response.extensions_mut().insert(decision);
        }
        if let Some(held) = &mut held {
            response = held.refund_if_due(response);
        }
        response.map(|body| ResponseBody::new(StoneBody::inner(body), held))
    }
}

impl Told {
    fn tell(&self, headers: &mut HeaderMap) {
        let standings = match self {
            Self::Nothing => return,
            Self::Standing(standing) => from_ref(standing),
            Self::Standings(standings) => standings,
            Self::Decision(decision) => decision.standings(),
        };
        if let Some(Standing { policies, .. }) = standings.first() {
            policies.tell(true, standings, headers);
        }
    }
}
