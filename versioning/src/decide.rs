//! What is done with a request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, ORIGIN, VARY};
use http::{HeaderValue, Method, Response};
use stonework_core::{NotExecuted, Protocol, RequestHead, StoreError, StoreFuture};

use crate::life::Stage;
use crate::shared::{Shared, Unspecified};
use crate::told::Offer;
use crate::{ApiVersion, Index, Moment, Rejection};

/// A store that is away is asked again within that time.
const PIN_RETRY: Duration = Duration::from_secs(1);

/// A pin, or why it is not known.
pub(crate) type Answer = Result<Arc<str>, StoreError>;

pub(crate) enum Deciding {
    Now(Verdict),
    /// When the store of pins has answered.
    #[cfg_attr(not(feature = "accounts"), allow(dead_code))]
    Later(StoreFuture<Answer>),
}

pub(crate) enum Verdict {
    /// It has no version.
    Neutral,
    Serve(ApiVersion, Moment),
    Reject(Box<Response<Bytes>>),
}

pub(crate) fn decide(shared: &Shared, head: &RequestHead<'_>) -> Deciding {
    if has_no_path(head)
        || is_preflight(head)
        || shared.neutral.as_ref().is_some_and(|neutral| neutral(head))
    {
        return Deciding::Now(Verdict::Neutral);
    }
    let now = shared.now();
    match shared.table.resolve(head) {
        Ok(Some(version)) => Deciding::Now(admit(shared, head, version, now)),
        Ok(None) => unspecified(shared, head, now),
        Err(fault) => Deciding::Now(reject(shared, head, fault.into(), None, now)),
    }
}

/// `OPTIONS *` is about the server as a whole, and `CONNECT` about none of its resources.
fn has_no_path(head: &RequestHead<'_>) -> bool {
    matches!(head.uri.path(), "" | "*")
}

/// A browser asks before it sends, and cannot say a version.
fn is_preflight(head: &RequestHead<'_>) -> bool {
    *head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn unspecified(shared: &Shared, head: &RequestHead<'_>, now: Moment) -> Deciding {
    #[cfg(feature = "accounts")]
    if let Some(finding) = find_pin(shared, head) {
        return match finding.try_ready() {
            Ok(answer) => Deciding::Now(conclude(shared, head, answer)),
            Err(later) => Deciding::Later(later),
        };
    }
    Deciding::Now(match shared.unspecified {
        Unspecified::Reject => reject(shared, head, Rejection::Unspecified, None, now),
        Unspecified::Given(index) => admit(shared, head, shared.unasked(index, false), now),
    })
}

#[cfg(feature = "accounts")]
fn find_pin(shared: &Shared, head: &RequestHead<'_>) -> Option<StoreFuture<Answer>> {
    let pins = shared.accounts.pins.as_ref()?;
    Some(pins.find(&shared.accounts.account(head)?))
}

/// Goes on when the pin is known, or known not to be.
pub(crate) fn conclude(shared: &Shared, head: &RequestHead<'_>, answer: Answer) -> Verdict {
    let now = shared.now();
    let pinned = match answer {
        Ok(version) => shared.table.find(&version),
        Err(_) => {
            return match shared.pin_outage {
                Some(index) => admit(shared, head, shared.unasked(index, false), now),
                None => reject(shared, head, Rejection::PinUnknown, None, now),
            };
        }
    };
    let is_gone = |index| shared.table.stage(index, now) == Stage::Sunset && !shared.dry_run;
    match pinned {
        Some(index) if !is_gone(index) => admit(shared, head, shared.unasked(index, true), now),
        gone => reject(shared, head, Rejection::PinSunset, gone, now),
    }
}

fn admit(shared: &Shared, head: &RequestHead<'_>, version: ApiVersion, now: Moment) -> Verdict {
    let index = version.index;
    if let Some(rejection) = refusal(shared, head, index, now) {
        return reject(shared, head, rejection, Some(index), now);
    }
    shared.counters.serve(&version);
    #[cfg(feature = "accounts")]
    if let Some(recorder) = &shared.accounts.last_seen
        && let Some(account) = shared.accounts.account(head)
    {
        recorder.see(account, index, &shared.names[index.get()], now);
    }
    Verdict::Serve(version, now)
}

/// Why a version is not served now.
fn refusal(
    shared: &Shared,
    head: &RequestHead<'_>,
    index: Index,
    now: Moment,
) -> Option<Rejection> {
    let is_exempt = || shared.exempt.as_ref().is_some_and(|exempt| exempt(head));
    match shared.table.stage(index, now) {
        _ if shared.dry_run => None,
        Stage::Active | Stage::Deprecated => None,
        Stage::Brownout { .. } => (!is_exempt()).then_some(Rejection::Brownout),
        Stage::Sunset => Some(Rejection::Sunset),
    }
}

fn reject(
    shared: &Shared,
    head: &RequestHead<'_>,
    rejection: Rejection,
    index: Option<Index>,
    now: Moment,
) -> Verdict {
    shared.counters.refuse(rejection);
    crate::trace::refused!(rejection, None::<StoreError>);
    let lasts = match index.map(|index| shared.table.stage(index, now)) {
        Some(Stage::Brownout { until }) => Some(Shared::until(now, until)),
        _ if rejection == Rejection::PinUnknown => Some(PIN_RETRY),
        _ => None,
    };
    let problem = shared.problem(rejection, now, lasts);
    let mut response = match &shared.render {
        Some(render) => render(rejection, &problem, head),
        None => problem.to_response(&Protocol::of(head.headers)),
    };
    stamp(shared, index, now, response.headers_mut());
    let extensions = response.extensions_mut();
    extensions.insert(NotExecuted);
    extensions.insert(rejection);
    extensions.insert(problem);
    Verdict::Reject(Box::new(response))
}

/// Writes what a response tells of its version, and of the others.
pub(crate) fn stamp(shared: &Shared, index: Option<Index>, now: Moment, headers: &mut HeaderMap) {
    if let Some(told) = index.and_then(|index| shared.told.get(index.get())) {
        told.write(shared.echo.as_ref(), headers);
    }
    if let Some(offer) = Offer::of(&shared.offers, now) {
        offer.write(headers);
    }
    if let Some(value) = &shared.vary {
        vary(headers, value);
    }
}

/// Adds to what the response depends on, unless that is everything.
fn vary(headers: &mut HeaderMap, names: &HeaderValue) {
    let everything = |value: &HeaderValue| value.as_bytes().trim_ascii() == b"*";
    if !headers.get_all(VARY).iter().any(everything) {
        drop(headers.try_append(VARY, names.clone()));
    }
}
