//! The answer to a request that was not let through.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use stonework_core::{NotExecuted, Problem, Protocol, RequestHead, Retry};

use crate::asked::Once;
use crate::decision::Reason;
use crate::denial;
use crate::policy::Policy;
use crate::shared::Shared;
use crate::stamp::Stamp;

/// What all type URIs begin with, unless `problem_base` says otherwise.
pub(crate) const PROBLEM_BASE: &str = "urn:stonework:cors:";

pub(crate) fn reject(
    shared: &Shared,
    policy: Option<&Policy>,
    origin: Once<'_>,
    reason: Reason,
    stamp: Stamp,
    head: &RequestHead<'_>,
) -> Response<Bytes> {
    let problem = problem(reason, &shared.problem_base);
    let mut response = match &shared.render {
        Some(render) => render(&denial::of_actual(policy, origin, reason), &problem, head),
        None => problem.to_response(&Protocol::of(head.headers)),
    };
    stamp.apply(&mut response);
    let extensions = response.extensions_mut();
    extensions.insert(NotExecuted);
    extensions.insert(reason);
    extensions.insert(problem);
    response
}

fn problem(reason: Reason, base: &str) -> Problem {
    let type_uri = format!("{base}{}", reason.slug());
    if reason == Reason::PolicyUnavailable {
        return Problem::new(
            type_uri,
            "Origins cannot be checked now",
            StatusCode::SERVICE_UNAVAILABLE,
        )
        .retry(Retry::After(Duration::from_secs(1)));
    }
    Problem::new(type_uri, "Origin is not allowed", StatusCode::FORBIDDEN)
}
