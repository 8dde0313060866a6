//! What is done with a request: it goes on, with something to be written on its response, or it is
//! answered here.

use bytes::Bytes;
use http::Response;
use stonework_core::RequestHead;

use crate::asked::{Asked, Once, is_same_origin};
use crate::decide::{self, Verdict};
use crate::decision::{Decision, Reason};
use crate::denial;
use crate::names::ANY;
use crate::policy::Policy;
use crate::preflight::answer;
use crate::reject::reject;
use crate::shared::Shared;
use crate::stamp::{Grant, Mark, Stamp};

pub(crate) enum Act {
    Go(Stamp),
    Answer(Response<Bytes>),
}

/// What else has to be known of a request, if it is denied.
pub(crate) struct Clues<'a> {
    pub(crate) same_origin: &'a dyn Fn() -> bool,
    pub(crate) debugged: &'a dyn Fn() -> bool,
}

/// Decides about a request, and tells of it.
#[inline]
pub(crate) fn act(
    shared: &Shared,
    policy: Result<&Policy, Reason>,
    asked: &Asked<'_>,
    head: &RequestHead<'_>,
) -> Act {
    match asked {
        Asked::Preflight(asked) => Act::Answer(answer(shared, policy, asked, head)),
        Asked::Actual(origin) => {
            let clues = Clues {
                same_origin: &|| is_same_origin(head.headers),
                debugged: &|| shared.is_debugged(head),
            };
            let (stamp, denied) = judge(shared, policy, *origin, &clues);
            match denied {
                Some(reason) if shared.reject_actual => {
                    Act::Answer(reject(shared, policy.ok(), *origin, reason, stamp, head))
                }
                _ => Act::Go(stamp),
            }
        }
    }
}

/// What to write on the response of a request that is no preflight, and why it was denied.
#[inline]
pub(crate) fn judge(
    shared: &Shared,
    policy: Result<&Policy, Reason>,
    origin: Once<'_>,
    clues: &Clues<'_>,
) -> (Stamp, Option<Reason>) {
    let verdict = match policy {
        Ok(policy) => decide::actual(policy, origin, clues.same_origin),
        Err(_) if origin == Once::Absent || (clues.same_origin)() => Verdict::NotCors,
        Err(reason) => Verdict::Denied(reason),
    };
    match verdict {
        Verdict::NotCors => (unrelated(shared, policy.ok()), None),
        Verdict::Allowed(origin) => (allowed(shared, policy.ok(), origin), None),
        Verdict::Denied(reason) => {
            let denial = || denial::of_actual(policy.ok(), origin, reason);
            let (told, decision) = shared.tell_denial(reason, clues.debugged, denial);
            (Stamp { mark: Mark::Deny { told }, decision }, Some(reason))
        }
    }
}

/// A response that every page may read says so to all, so that caches can keep one for all.
#[inline]
fn unrelated(shared: &Shared, policy: Option<&Policy>) -> Stamp {
    let mark = match policy.filter(|policy| policy.is_public()) {
        Some(policy) => Mark::Allow(Grant::new(policy, ANY)),
        None => Mark::Vary,
    };
    Stamp { mark, decision: shared.tell(Decision::NotCors) }
}

#[inline]
fn allowed(shared: &Shared, policy: Option<&Policy>, origin: http::HeaderValue) -> Stamp {
    let mark = match policy {
        Some(policy) => Mark::Allow(Grant::new(policy, origin)),
        None => Mark::Vary,
    };
    Stamp { mark, decision: shared.tell(Decision::Allowed { preflight: false }) }
}
