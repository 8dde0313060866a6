use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Response};
use stonework_core::{NotExecuted, Problem, Protocol, RequestHead, Retry};

use crate::decision::{Decision, Standing};
use crate::grpc_details;
use crate::headers::retry_after;
use crate::rejection::Rejection;
use crate::shared::Shared;

/// What a denial leaves in its response's extensions, as far as it is the same for all. With room
/// for the rest, which a clone has too: a map that grows with its fourth entry costs as much as
/// three insertions.
pub(crate) fn left() -> Extensions {
    #[derive(Clone)]
    struct Room<const N: usize>;

    let mut left = Extensions::new();
    left.insert(Rejection::QuotaExceeded);
    left.insert(NotExecuted);
    left.insert(Room::<1>);
    left.insert(Room::<2>);
    left.remove::<Room<1>>();
    left.remove::<Room<2>>();
    left
}

/// A refusal: what it is for, and what is told of buckets.
pub(crate) struct Refusal<'a> {
    pub(crate) rejection: Rejection,
    /// The concurrency policy, where it is that.
    pub(crate) gate: Option<&'a Arc<str>>,
    pub(crate) decision: Option<Decision>,
}

impl Refusal<'_> {
    pub(crate) fn reply(self, shared: &Shared, head: &RequestHead<'_>) -> Box<Response<Bytes>> {
        let rejection = self.rejection;
        crate::trace::event!(DEBUG, reason = rejection.slug(), "a request was rejected");
        let protocol = Protocol::of(head.headers);
        let problem = self.problem(shared, &protocol);
        let mut response = match &shared.render {
            Some(render) => render(rejection, &problem, head),
            None => problem.to_response(&protocol),
        };
        shared.policies.tell(false, self.standings(), response.headers_mut());
        let mut left = shared.left.clone();
        if rejection != Rejection::QuotaExceeded {
            left.insert(rejection);
        }
        left.insert(problem);
        if let Some(decision) = self.decision.filter(|_| shared.tells) {
            left.insert(decision);
        }
        // Mostly there is nothing yet, and then it is the whole map that moves.
        response.extensions_mut().extend(left);
        Box::new(response)
    }

    fn problem(&self, shared: &Shared, protocol: &Protocol) -> Problem {
        let mut problem = self.document(shared);
        let wait = retry_after(self.standings());
        if let Some(wait) = wait {
            problem = problem.retry(Retry::After(wait));
        }
        if protocol.is_grpc() && self.rejection == Rejection::QuotaExceeded {
            problem = self.with_grpc_details(problem, wait);
        }
        problem
    }

    /// Who is denied by one policy gets a document that was written before: whoever is denied much
    /// shall cost little.
    fn document(&self, shared: &Shared) -> Problem {
        let mut denying = self.denying();
        match (self.rejection, denying.next(), denying.next()) {
            (Rejection::QuotaExceeded, Some(standing), None) => {
                shared.denials[usize::from(standing.at)].clone()
            }
            _ => {
                let violated = self.violated().map(|name| Cow::Owned(String::from(&**name)));
                self.rejection.problem(&shared.problem_base, violated.collect())
            }
        }
    }

    fn with_grpc_details(&self, problem: Problem, wait: Option<Duration>) -> Problem {
        const RESOURCE_EXHAUSTED: u16 = 8;
        let message = problem.message().into_owned();
        let violations = self.violated().map(|name| (&**name, "The quota is used up."));
        let details = grpc_details::encode(RESOURCE_EXHAUSTED, &message, wait, violations);
        problem.grpc_details(details)
    }

    fn standings(&self) -> &[Standing] {
        self.decision.as_ref().map_or(&[], Decision::standings)
    }

    /// The policies that it was for.
    fn violated(&self) -> impl Iterator<Item = &Arc<str>> {
        self.gate.into_iter().chain(self.denying().map(Standing::name))
    }

    fn denying(&self) -> impl Iterator<Item = &Standing> {
        self.standings().iter().filter(|standing| standing.denies())
    }
}
