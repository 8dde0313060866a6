//! What was not allowed, and what is near: for those who want to know, never for who is denied.

use http::HeaderValue;

use crate::asked::{Once, Preflight};
use crate::decision::{Denial, Reason};
use crate::policy::{Fault, Origins, Policy};

/// How much of what a client sent is told.
const LONGEST: usize = 100;

pub(crate) fn of_actual(policy: Option<&Policy>, origin: Once<'_>, reason: Reason) -> Denial {
    Denial {
        reason,
        preflight: false,
        culprit: shown(origin),
        nearest: nearest_origin(policy, origin, reason),
    }
}

pub(crate) fn of_preflight(
    policy: Option<&Policy>,
    asked: &Preflight<'_>,
    reason: Reason,
) -> Denial {
    let of_origin = of_actual(policy, asked.origin, reason);
    let (culprit, nearest) = match (reason, policy) {
        (Reason::MethodNotAllowed, Some(policy)) => {
            (shown(asked.method), nearest_method(policy, asked))
        }
        (Reason::HeaderNotAllowed, Some(policy)) => (header(policy, asked), None),
        // It is none of them by itself.
        (Reason::HeadersTooMany | Reason::MethodRepeated, _) => (None, None),
        _ => (of_origin.culprit, of_origin.nearest),
    };
    Denial { reason, preflight: true, culprit, nearest }
}

fn nearest_origin(policy: Option<&Policy>, origin: Once<'_>, reason: Reason) -> Option<Box<str>> {
    let wrong = matches!(reason, Reason::OriginNotAllowed | Reason::OriginMalformed);
    match (policy?.origins(), origin) {
        (Origins::Listed { set, .. }, Once::Is(origin)) if wrong => {
            set.nearest(origin.as_bytes()).map(|pattern| pattern.to_string().into())
        }
        _ => None,
    }
}

fn nearest_method(policy: &Policy, asked: &Preflight<'_>) -> Option<Box<str>> {
    match asked.method {
        Once::Is(method) => policy.rules().methods.in_other_case(method.as_bytes()).map(Into::into),
        Once::Absent | Once::Repeated => None,
    }
}

fn header(policy: &Policy, asked: &Preflight<'_>) -> Option<Box<str>> {
    match policy.rules().headers.verify(asked.request_headers()) {
        Err(Fault::NotAllowed(name)) => Some(escaped(name)),
        _ => None,
    }
}

fn shown(value: Once<'_>) -> Option<Box<str>> {
    match value {
        Once::Is(value) => Some(escaped(HeaderValue::as_bytes(value))),
        Once::Absent | Once::Repeated => None,
    }
}

/// Fit for a log and a header: without control characters and quotes.
pub(crate) fn escaped(bytes: &[u8]) -> Box<str> {
    let short = &bytes[..bytes.len().min(LONGEST)];
    let mut text = short.escape_ascii().to_string();
    if short.len() < bytes.len() {
        text.push_str("...");
    }
    text.into()
}
