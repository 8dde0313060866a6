use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use stonework_core::{NotExecuted, Problem, Protocol, RequestHead, Retry, StoneBody};

use crate::body::ResponseBody;
use crate::decision::{Decision, Standing};
use crate::grpc_details;
use crate::headers::retry_after;
use crate::rejection::Rejection;
use crate::shared::Shared;

/// A refusal: what it is for, and what is told of buckets.
pub(crate) struct Refusal<'a> {
    pub(crate) rejection: Rejection,
    /// The concurrency policy, where it is that.
    pub(crate) gate: Option<&'a Arc<str>>,
    pub(crate) decision: Option<Decision>,
}

impl Refusal<'_> {
    pub(crate) fn reply<B>(
        self,
        shared: &Shared,
        head: &RequestHead<'_>,
    ) -> Response<ResponseBody<B>> {
        let rejection = self.rejection;
        crate::trace::event!(DEBUG, reason = rejection.slug(), "a request was rejected");
        let protocol = Protocol::of(head.headers);
        let problem = self.problem(shared, &protocol);
        let mut response = match &shared.render {
            Some(render) => render(rejection, &problem, head),
            None => problem.to_response(&protocol),
        };
        let unix = || shared.clock.unix();
        shared.renderer.write(false, self.standings(), unix, response.headers_mut());
        let extensions = response.extensions_mut();
        extensions.insert(problem);
        extensions.insert(rejection);
        extensions.insert(NotExecuted);
        if let (Some(decision), true) = (self.decision, shared.tells) {
            extensions.insert(decision);
        }
        response.map(|data| ResponseBody::new(StoneBody::full(data), None))
    }

    fn problem(&self, shared: &Shared, protocol: &Protocol) -> Problem {
        let violated = self.violated().map(|name| Cow::Owned(String::from(&**name))).collect();
        let mut problem = self.rejection.problem(&shared.problem_base, violated);
        let wait = retry_after(self.standings());
        if let Some(wait) = wait {
            problem = problem.retry(Retry::After(wait));
        }
        if protocol.is_grpc() && self.rejection == Rejection::QuotaExceeded {
            problem = self.with_grpc_details(problem, wait);
        }
        problem
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
        let denying = self.standings().iter().filter(|standing| standing.figures.denies());
        self.gate.into_iter().chain(denying.map(|standing| &standing.policy))
    }
}
