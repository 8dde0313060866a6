use std::fmt;

use http::{HeaderMap, Response, StatusCode};
use stonework_core::RequestHead;

use crate::asked::{Asked, Once, Preflight, is_same_origin};
use crate::decide::{self, Verdict};
use crate::decision::{Decision, Denial};
use crate::names::ANY;
use crate::policy::Policy;
use crate::stamp::{Grant, Mark, Stamp};
use crate::{denial, preflight};

/// What a policy makes of a request, and why. Pure: nothing is sent, counted or logged.
///
/// ```
/// use stonework_cors::{Policy, Reason, RequestHead, explain};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::builder().origins(["https://app.example.com"]).build()?;
/// let request = http::Request::options("/v1/orders")
///     .header("origin", "https://app.example.com")
///     .header("access-control-request-method", "PUT")
///     .body(())?;
///
/// let report = explain(&policy, &RequestHead::of(&request));
/// assert_eq!(report.decision.reason(), Some(Reason::MethodNotAllowed));
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
pub fn explain(policy: &Policy, head: &RequestHead<'_>) -> Report {
    match Asked::of(head) {
        Asked::Preflight(asked) => of_preflight(policy, &asked),
        Asked::Actual(origin) => of_actual(policy, origin, head),
    }
}

/// What [`explain`] tells. Displayed, it is some lines for a person.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// What was decided.
    pub decision: Decision,
    /// The status of the answer to a preflight. Other requests are answered by the service.
    pub status: Option<StatusCode>,
    /// The headers of the answer to a preflight, or those that are added to the service's.
    pub headers: HeaderMap,
}

fn of_preflight(policy: &Policy, asked: &Preflight<'_>) -> Report {
    match decide::preflight(policy, asked) {
        Ok(origin) => Report {
            decision: Decision::Allowed { preflight: true },
            status: Some(policy.rules().status),
            headers: preflight::allowed(policy, asked, origin),
        },
        Err(reason) => Report {
            decision: Decision::Denied(denial::of_preflight(Some(policy), asked, reason)),
            status: Some(preflight::status(reason)),
            headers: HeaderMap::new(),
        },
    }
}

fn of_actual(policy: &Policy, origin: Once<'_>, head: &RequestHead<'_>) -> Report {
    let allow = |origin| Mark::Allow(Grant::new(policy, origin));
    let (decision, mark) = match decide::actual(policy, origin, || is_same_origin(head.headers)) {
        Verdict::NotCors if policy.is_public() => (Decision::NotCors, allow(ANY)),
        Verdict::NotCors => (Decision::NotCors, Mark::Vary),
        Verdict::Allowed(origin) => (Decision::Allowed { preflight: false }, allow(origin)),
        Verdict::Denied(reason) => {
            let denial = denial::of_actual(Some(policy), origin, reason);
            (Decision::Denied(denial), Mark::Deny { told: None })
        }
    };
    let mut response = Response::new(());
    Stamp { mark, decision: None }.apply(&mut response);
    Report { decision, status: None, headers: response.into_parts().0.headers }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.decision {
            Decision::NotCors => f.write_str("not a request from a page of another origin")?,
            Decision::Allowed { preflight: true } => f.write_str("allowed, as a preflight")?,
            Decision::Allowed { preflight: false } => f.write_str("allowed")?,
            Decision::Denied(denial) => write_denial(f, denial)?,
        }
        match self.status {
            Some(status) => write!(f, "\nanswered here with {}", status.as_u16())?,
            None => f.write_str("\nanswered by the service, with these headers added")?,
        }
        for (name, value) in &self.headers {
            write!(f, "\n  {name}: {}", value.as_bytes().escape_ascii())?;
        }
        Ok(())
    }
}

fn write_denial(f: &mut fmt::Formatter<'_>, denial: &Denial) -> fmt::Result {
    write!(f, "denied: {}", denial.reason)?;
    if let Some(culprit) = &denial.culprit {
        write!(f, "\n  this:    {culprit}")?;
    }
    if let Some(nearest) = &denial.nearest {
        write!(f, "\n  nearest: {nearest}")?;
    }
    write!(f, "\n  {}", denial.reason.advice())
}
