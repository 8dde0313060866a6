//! What is written on the response of a request that is no preflight.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    Entry, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use crate::decision::{Decision, Denial};
use crate::names::{TIMING_ALLOW_ORIGIN, TRUE, VARY_ORIGIN, X_CORS_REASON};
use crate::policy::Policy;

/// What is to be written, once the service has answered.
#[derive(Debug)]
pub(crate) struct Stamp {
    pub(crate) mark: Mark,
    /// For the extensions.
    pub(crate) decision: Option<Box<Decision>>,
}

#[derive(Debug)]
pub(crate) enum Mark {
    /// Another origin would have been answered otherwise.
    Vary,
    /// This origin may read it.
    Allow { origin: HeaderValue, policy: Policy },
    /// Nobody else may read it. Told why, in debug mode.
    Deny { told: Option<Box<Denial>> },
}

impl Stamp {
    #[inline]
    pub(crate) fn apply<B>(self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        match self.mark {
            Mark::Vary => vary(headers),
            Mark::Allow { origin, policy } => allow(headers, origin, &policy),
            Mark::Deny { told } => deny(headers, told.as_deref()),
        }
        if let Some(decision) = self.decision {
            response.extensions_mut().insert(*decision);
        }
    }
}

#[inline]
fn allow(headers: &mut HeaderMap, origin: HeaderValue, policy: &Policy) {
    let rules = policy.rules();
    if rules.timing {
        put(headers, TIMING_ALLOW_ORIGIN, origin.clone());
    }
    // Two would be read as none (Fetch, "CORS check"), and one from inside may say something else.
    if put(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin) && rules.overwrites_first() {
        crate::trace::event!(
            WARN,
            "access-control-allow-origin was set inside and is replaced; is there another layer?"
        );
    }
    if rules.credentials {
        put(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    } else {
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    }
    if let Some(expose) = &rules.expose {
        // A list, to which the service may have added.
        drop(headers.try_append(ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone()));
    }
    if !policy.is_public() {
        vary(headers);
    }
}

/// Whatever a service inside has said: who is denied here is denied.
fn deny(headers: &mut HeaderMap, told: Option<&Denial>) {
    headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    vary(headers);
    if let Some(denial) = told {
        explain(headers, denial);
    }
}

/// Says why, in a header and so that the browser's own message names the cause: it tells an origin
/// that it is not the one that is allowed.
pub(crate) fn explain(headers: &mut HeaderMap, denial: &Denial) {
    if let Ok(reason) = HeaderValue::try_from(denial.to_string()) {
        put(headers, X_CORS_REASON, reason);
    }
    if let Some(Ok(nearest)) = denial.nearest_origin().map(HeaderValue::from_str) {
        put(headers, ACCESS_CONTROL_ALLOW_ORIGIN, nearest);
    }
}

/// Sets a header, and returns whether there was one. If there are too many already, there is none.
#[inline]
pub(crate) fn put(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) -> bool {
    matches!(headers.try_insert(name, value), Ok(Some(_)))
}

/// Adds `origin` to what the response depends on, unless it is there.
#[inline]
fn vary(headers: &mut HeaderMap) {
    match headers.try_entry(VARY) {
        Ok(Entry::Vacant(entry)) => drop(entry.try_insert(VARY_ORIGIN)),
        Ok(Entry::Occupied(mut entry)) => {
            if !entry.iter().any(covers_origin) {
                entry.append(VARY_ORIGIN);
            }
        }
        Err(_) => {}
    }
}

/// Does a `Vary` name the origin, or everything?
fn covers_origin(vary: &HeaderValue) -> bool {
    let covers = |name: &[u8]| {
        let name = name.trim_ascii();
        name == b"*" || name.eq_ignore_ascii_case(b"origin")
    };
    vary.as_bytes().split(|byte| *byte == b',').any(covers)
}
