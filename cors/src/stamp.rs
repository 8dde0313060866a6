//! What is written on the response of a request that is no preflight.

use std::sync::atomic::{AtomicBool, Ordering};

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    VARY,
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
    Allow(Grant),
    /// Nobody else may read it. Told why, in debug mode.
    Deny { told: Option<Box<Denial>> },
}

/// What an origin is told that may read a response. Taken out of its policy: to keep that alive for the
/// length of a request costs two more changes of a counter that all threads share.
#[derive(Debug)]
pub(crate) struct Grant {
    origin: HeaderValue,
    expose: Option<HeaderValue>,
    credentials: bool,
    timing: bool,
    /// Is every origin told the same?
    public: bool,
}

impl Grant {
    #[inline]
    pub(crate) fn new(policy: &Policy, origin: HeaderValue) -> Self {
        let rules = policy.rules();
        Self {
            origin,
            expose: rules.expose.clone(),
            credentials: rules.credentials,
            timing: rules.timing,
            public: policy.is_public(),
        }
    }
}

impl Stamp {
    #[inline]
    pub(crate) fn apply<B>(self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        match self.mark {
            Mark::Vary => drop(vary(headers)),
            Mark::Allow(grant) => allow(headers, grant),
            Mark::Deny { told } => deny(headers, told.as_deref()),
        }
        if let Some(decision) = self.decision {
            response.extensions_mut().insert(*decision);
        }
    }
}

#[inline]
fn allow(headers: &mut HeaderMap, grant: Grant) {
    // First, since a response that is full has no room for what comes after it, and then nothing is to be
    // allowed that a cache could give to another.
    if !grant.public && !vary(headers) {
        headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
        return;
    }
    if grant.timing {
        put(headers, TIMING_ALLOW_ORIGIN, grant.origin.clone());
    }
    // Two would be read as none (Fetch, "CORS check"), and one from inside may say something else.
    if put(headers, ACCESS_CONTROL_ALLOW_ORIGIN, grant.origin) {
        warn_of_another();
    }
    if grant.credentials {
        put(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    } else {
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    }
    if let Some(expose) = grant.expose {
        // A list, to which the service may have added.
        drop(headers.try_append(ACCESS_CONTROL_EXPOSE_HEADERS, expose));
    }
}

/// Once in a process: who has two layers has them on each request.
#[cold]
fn warn_of_another() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !TOLD.swap(true, Ordering::Relaxed) {
        crate::trace::event!(
            WARN,
            "access-control-allow-origin was set inside and is replaced; is there another layer?"
        );
    }
}

/// Whatever a service inside has said: who is denied here is denied.
fn deny(headers: &mut HeaderMap, told: Option<&Denial>) {
    if headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN).is_some() {
        // Without the first these say nothing.
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        headers.remove(TIMING_ALLOW_ORIGIN);
    }
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

/// Sets a header, and returns whether there was one. If there is no room for it, there is none.
#[inline]
pub(crate) fn put(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) -> bool {
    match headers.try_insert(&name, value) {
        Ok(before) => before.is_some(),
        Err(_) => headers.remove(name).is_some(),
    }
}

/// Adds `origin` to what the response depends on, unless it is there. Returns whether it is there then.
#[inline]
fn vary(headers: &mut HeaderMap) -> bool {
    if !headers.contains_key(VARY) {
        return headers.try_insert(VARY, VARY_ORIGIN).is_ok();
    }
    headers.get_all(VARY).iter().any(covers_origin) || headers.try_append(VARY, VARY_ORIGIN).is_ok()
}

/// Does a `Vary` name the origin, or everything?
fn covers_origin(vary: &HeaderValue) -> bool {
    let covers = |name: &[u8]| {
        let name = name.trim_ascii();
        name == b"*" || name.eq_ignore_ascii_case(b"origin")
    };
    vary.as_bytes().split(|byte| *byte == b',').any(covers)
}
