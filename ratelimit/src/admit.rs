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
    pub(crate) at: u16,
    pub(crate) cost: u32,
    pub(crate) quota: Quota,
    pub(crate) key: Key,
}

impl Asked {
    #[inline]
    pub(crate) fn limit<'a>(&self, limits: &'a [Limit]) -> &'a Limit {
        &limits[usize::from(self.at)]
    }
}

pub(crate) type AskedAll = SmallVec<[Asked; 2]>;

/// Requests that no policy concerns.
#[derive(Clone)]
pub(crate) struct Skip {
    pub(crate) preflights: bool,
    pub(crate) methods: Vec<Method>,
    pub(crate) paths: Vec<String>,
    pub(crate) when: Option<HoldsFn>,
}

impl Skip {
    #[inline]
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

/// Notes what the request is asked under each policy that concerns it.
pub(crate) fn admit(limits: &[Limit], head: &RequestHead<'_>) -> Result<AskedAll, Rejection> {
    let mut all = AskedAll::new();
    for (limit, at) in limits.iter().zip(0..) {
        if let Some(asked) = ask(limit, at, head)? {
            all.push(asked);
        }
    }
    Ok(all)
}

/// What the request is asked under this policy. Nothing, if it does not concern the request.
#[inline(always)]
pub(crate) fn ask(
    limit: &Limit,
    at: u16,
    head: &RequestHead<'_>,
) -> Result<Option<Asked>, Rejection> {
    if !limit.concerns(head) {
        return Ok(None);
    }
    match limit.who.key(head, limit.missing) {
        Some(key) => Ok(Some(Asked { at, cost: limit.cost(head), quota: limit.quota, key })),
        None if limit.missing == MissingKey::Skip => Ok(None),
        None if limit.who.is_address() => Err(Rejection::AddressUnknown),
        None => Err(Rejection::KeyMissing),
    }
}
