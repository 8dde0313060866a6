//! The answers to preflights.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use stonework_core::RequestHead;

use crate::asked::{Once, Preflight};
use crate::decide;
use crate::decision::{Decision, Denial, Reason};
use crate::denial;
use crate::names::{ALLOW_PRIVATE_NETWORK, TRUE};
use crate::policy::Policy;
use crate::shared::Shared;
use crate::stamp::{explain, put};

/// Answers a preflight, and tells of it.
pub(crate) fn answer(
    shared: &Shared,
    policy: Result<&Policy, Reason>,
    asked: &Preflight<'_>,
    head: &RequestHead<'_>,
) -> Response<Bytes> {
    let verdict = policy.and_then(|policy| Ok((policy, decide::preflight(policy, asked)?)));
    let (mut response, decision) = match verdict {
        Ok((policy, origin)) => {
            let decision = shared.tell(Decision::Allowed { preflight: true });
            (respond(policy.rules().status, allowed(policy, asked, origin)), decision)
        }
        Err(reason) => {
            let denial = || denial::of_preflight(policy.ok(), asked, reason);
            let (told, decision) = shared.tell_denial(reason, &|| shared.is_debugged(head), denial);
            (denied(policy.ok(), asked, reason, told.as_deref()), decision)
        }
    };
    if let Some(decision) = decision {
        response.extensions_mut().insert(*decision);
    }
    response
}

fn respond(status: StatusCode, headers: HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

pub(crate) fn allowed(policy: &Policy, asked: &Preflight<'_>, origin: HeaderValue) -> HeaderMap {
    let rules = policy.rules();
    let mut headers = addressed(policy, origin);
    if rules.methods.echoes() {
        echo(&mut headers, &ACCESS_CONTROL_ALLOW_METHODS, method(asked));
    }
    if rules.headers.echoes() {
        echo(&mut headers, &ACCESS_CONTROL_ALLOW_HEADERS, request_headers(asked));
    }
    if rules.private_network && asked.wants_private_network() {
        put(&mut headers, ALLOW_PRIVATE_NETWORK, TRUE);
    }
    headers
}

/// What every allowed preflight is told, for this origin.
fn addressed(policy: &Policy, origin: HeaderValue) -> HeaderMap {
    let mut headers = policy.rules().preflight.clone();
    fill(&mut headers, &ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers
}

/// The same value as was asked for, or no header.
fn echo(headers: &mut HeaderMap, name: &HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => fill(headers, name, value),
        None => drop(headers.remove(name)),
    }
}

/// Writes into the place that is there. An insertion would make room for one more first.
fn fill(headers: &mut HeaderMap, name: &HeaderName, value: HeaderValue) {
    if let Some(place) = headers.get_mut(name) {
        *place = value;
    }
}

fn method(asked: &Preflight<'_>) -> Option<HeaderValue> {
    match asked.method {
        Once::Is(method) => Some(method.clone()),
        Once::Absent | Once::Repeated => None,
    }
}

/// In one line, though a proxy may have made several. They were verified, and so are short.
fn request_headers(asked: &Preflight<'_>) -> Option<HeaderValue> {
    let mut lines = asked.request_headers();
    match (lines.next(), lines.next()) {
        (None, _) => None,
        (Some(line), None) => Some(line.clone()),
        (Some(_), Some(_)) => {
            let lines: Vec<_> = asked.request_headers().map(HeaderValue::as_bytes).collect();
            HeaderValue::from_bytes(&lines.join(&b","[..])).ok()
        }
    }
}

/// 403 and nothing else, so that nobody learns what would be allowed. (Nor does it say what it
/// depends on: no cache keeps a 403 unasked, nor an answer to `OPTIONS`.)
fn denied(
    policy: Option<&Policy>,
    asked: &Preflight<'_>,
    reason: Reason,
    told: Option<&Denial>,
) -> Response<Bytes> {
    match told {
        Some(denial) => told_why(policy, asked, denial),
        None => respond(status(reason), HeaderMap::new()),
    }
}

pub(crate) const fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::PolicyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    }
}

/// An answer that goes as far as it is allowed, so that the browser's own message names the cause:
/// it would name no other than the status if that were 403. No browser may take it for a yes.
fn told_why(policy: Option<&Policy>, asked: &Preflight<'_>, denial: &Denial) -> Response<Bytes> {
    let origin =
        policy.and_then(|policy| Some((policy, decide::admit(policy, asked.origin).ok()?)));
    let mut headers = match (denial.reason, origin) {
        (Reason::MethodNotAllowed, Some((policy, origin))) => {
            without(&ACCESS_CONTROL_ALLOW_METHODS, policy, origin)
        }
        (Reason::HeaderNotAllowed, Some((policy, origin))) => {
            without(&ACCESS_CONTROL_ALLOW_HEADERS, policy, origin)
        }
        _ => HeaderMap::new(),
    };
    explain(&mut headers, denial);
    respond(StatusCode::NO_CONTENT, headers)
}

/// What an allowed preflight is told, but for this list, if it is anything else than the names that are
/// allowed: Chromium takes a `*` for `authorization` too, which the standard says it is not.
fn without(list: &HeaderName, policy: &Policy, origin: HeaderValue) -> HeaderMap {
    let mut headers = addressed(policy, origin);
    let names_all = |value: &HeaderValue| !value.is_empty() && !value.as_bytes().contains(&b'*');
    for list in [&ACCESS_CONTROL_ALLOW_METHODS, &ACCESS_CONTROL_ALLOW_HEADERS] {
        if headers.get(list).is_some_and(HeaderValue::is_empty) {
            headers.remove(list);
        }
    }
    if !headers.get(list).is_some_and(names_all) {
        headers.remove(list);
    }
    // A browser keeps nothing of a denial, and need not be told for how long.
    headers.remove(ACCESS_CONTROL_MAX_AGE);
    headers.remove(VARY);
    headers
}
