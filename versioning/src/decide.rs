//! What is done with a request.

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, ORIGIN, VARY};
use http::{HeaderValue, Method, Response};
use stonework_core::{NotExecuted, Protocol, RequestHead};

use crate::life::Stage;
use crate::shared::{Shared, Unspecified};
use crate::told::Offer;
use crate::{ApiVersion, Index, Moment, Rejection};

pub(crate) enum Verdict {
    /// It has no version.
    Neutral,
    Serve(ApiVersion, Moment),
    Reject(Box<Response<Bytes>>),
}

pub(crate) fn decide(shared: &Shared, head: &RequestHead<'_>) -> Verdict {
    if is_preflight(head) || shared.neutral.as_ref().is_some_and(|neutral| neutral(head)) {
        return Verdict::Neutral;
    }
    let now = shared.now();
    match find(shared, head) {
        Ok(version) => match refusal(shared, version.index, now) {
            Some(rejection) => reject(shared, head, rejection, Some(version.index), now),
            None => Verdict::Serve(version, now),
        },
        Err(rejection) => reject(shared, head, rejection, None, now),
    }
}

/// A browser asks before it sends, and cannot say a version.
fn is_preflight(head: &RequestHead<'_>) -> bool {
    *head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn find(shared: &Shared, head: &RequestHead<'_>) -> Result<ApiVersion, Rejection> {
    if let Some(version) = shared.table.resolve(head)? {
        return Ok(version);
    }
    match shared.unspecified {
        Unspecified::Reject => Err(Rejection::Unspecified),
        Unspecified::Given(index) => Ok(ApiVersion {
            resolved: shared.names[index.get()].clone(),
            requested: None,
            index,
            source: None,
            stripped_after: None,
        }),
    }
}

/// Why a version is not served now.
fn refusal(shared: &Shared, index: Index, now: Moment) -> Option<Rejection> {
    match shared.table.stage(index, now) {
        _ if shared.dry_run => None,
        Stage::Active | Stage::Deprecated => None,
        Stage::Brownout { .. } => Some(Rejection::Brownout),
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
    let lasts = index.and_then(|index| match shared.table.stage(index, now) {
        Stage::Brownout { until } => Some(Shared::until(now, until)),
        Stage::Active | Stage::Deprecated | Stage::Sunset => None,
    });
    let served = |index: &usize| shared.table.stage(Index::of(*index), now) != Stage::Sunset;
    let supported =
        (0..shared.names.len()).filter(served).map(|at| String::from(&*shared.names[at]));
    let problem = rejection.problem(&shared.problem_base, supported, lasts);
    let protocol = Protocol::of(head.headers);
    let mut response = problem.to_response(&protocol);
    if rejection == Rejection::Brownout && !protocol.is_grpc() {
        *response.status_mut() = shared.brownout_status;
    }
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
