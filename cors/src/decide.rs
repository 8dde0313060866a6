//! What a policy says of a request. Pure: no I/O, no clock, no response.

use http::HeaderValue;

use crate::asked::{Once, Preflight};
use crate::decision::Reason;
use crate::names::ANY;
use crate::origin::Serialized;
use crate::policy::{Fault, Policy};

/// What is said of a request that is no preflight.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    NotCors,
    /// With the value of `Access-Control-Allow-Origin`.
    Allowed(HeaderValue),
    Denied(Reason),
}

/// What is said of a request that is no preflight (Fetch, "CORS check").
#[inline]
pub(crate) fn actual(
    policy: &Policy,
    origin: Once<'_>,
    is_same_origin: impl FnOnce() -> bool,
) -> Verdict {
    if origin == Once::Absent {
        return Verdict::NotCors;
    }
    if policy.is_public() {
        // All are answered alike, who sends two origins too: a cache may keep one answer for all.
        return Verdict::Allowed(ANY);
    }
    match admit(policy, origin) {
        Ok(origin) => Verdict::Allowed(origin),
        // It needs no permission, and is not to be counted as a denial.
        Err(_) if is_same_origin() => Verdict::NotCors,
        Err(reason) => Verdict::Denied(reason),
    }
}

/// The value of `Access-Control-Allow-Origin` for a preflight that is allowed (Fetch,
/// "CORS-preflight fetch").
#[inline]
pub(crate) fn preflight(policy: &Policy, asked: &Preflight<'_>) -> Result<HeaderValue, Reason> {
    let origin = admit(policy, asked.origin)?;
    verify_method(policy, asked.method)?;
    verify_headers(policy, asked)?;
    Ok(origin)
}

#[inline]
pub(crate) fn admit(policy: &Policy, origin: Once<'_>) -> Result<HeaderValue, Reason> {
    match origin {
        Once::Is(origin) => policy.admit(origin).ok_or_else(|| fault(origin.as_bytes())),
        Once::Absent | Once::Repeated => Err(Reason::OriginRepeated),
    }
}

fn fault(origin: &[u8]) -> Reason {
    match Serialized::parse(origin) {
        Some(_) => Reason::OriginNotAllowed,
        None if origin == b"null" => Reason::OriginNull,
        None => Reason::OriginMalformed,
    }
}

pub(crate) fn verify_method(policy: &Policy, method: Once<'_>) -> Result<(), Reason> {
    match method {
        Once::Is(method) if policy.rules().methods.allows(method.as_bytes()) => Ok(()),
        Once::Is(_) => Err(Reason::MethodNotAllowed),
        Once::Absent | Once::Repeated => Err(Reason::MethodRepeated),
    }
}

fn verify_headers(policy: &Policy, asked: &Preflight<'_>) -> Result<(), Reason> {
    policy.rules().headers.verify(asked.request_headers()).map_err(|fault| match fault {
        Fault::NotAllowed(_) => Reason::HeaderNotAllowed,
        Fault::TooMany => Reason::HeadersTooMany,
    })
}
