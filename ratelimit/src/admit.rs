use http::Method;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use smallvec::SmallVec;
use stonework_core::{Key, RequestHead};

use crate::policy::{HoldsFn, Limit};
use crate::quota::Quota;
use crate::rejection::Rejection;
use crate::who::MissingKey;

/// What a request is asked under one policy.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The policy's place.
    pub(crate) at: usize,
    pub(crate) key: Key,
    pub(crate) quota: Quota,
    pub(crate) cost: u32,
}

/// What to do with a request, judged by its head.
#[derive(Debug)]
pub(crate) enum Admission {
    /// No policy concerns it.
    Pass,
    /// It cannot be counted.
    Reject(Rejection),
    /// These policies concern it.
    Ask(SmallVec<[Asked; 2]>),
}

/// Requests that no policy concerns.
#[derive(Clone)]
pub(crate) struct Skip {
    pub(crate) preflights: bool,
    pub(crate) methods: Vec<Method>,
    pub(crate) paths: Vec<String>,
    pub(crate) when: Option<HoldsFn>,
}

impl Skip {
    pub(crate) fn skips(&self, head: &RequestHead<'_>) -> bool {
        self.preflights && is_preflight(head)
            || self.methods.contains(head.method)
            || self.paths.iter().any(|path| path == head.uri.path())
            || self.when.as_ref().is_some_and(|when| when(head))
    }
}

/// A browser's question whether a page may ask (Fetch standard, "CORS-preflight request"). Only
/// the browser knows of it, and the page would be denied for what it did not do.
fn is_preflight(head: &RequestHead<'_>) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

pub(crate) fn admit(limits: &[Limit], head: &RequestHead<'_>) -> Admission {
    let mut asked = SmallVec::new();
    for (at, limit) in limits.iter().enumerate().filter(|(_, limit)| limit.concerns(head)) {
        match limit.who.key(head, limit.missing) {
            Some(key) => {
                let cost = limit.cost(head);
                asked.push(Asked { at, key, quota: limit.quota, cost });
            }
            None if limit.missing == MissingKey::Skip => {}
            None if limit.who.is_address() => return Admission::Reject(Rejection::AddressUnknown),
            None => return Admission::Reject(Rejection::KeyMissing),
        }
    }
    if asked.is_empty() { Admission::Pass } else { Admission::Ask(asked) }
}
