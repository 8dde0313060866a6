//! What responses tell of the limits.

mod draft10;
mod draft7;
mod figures;
mod line;
pub(crate) mod x_ratelimit;

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use crate::decision::Standing;
use crate::quota::Quota;

pub(crate) use figures::retry_after;

pub(crate) const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The response headers that this crate writes, for CORS to expose.
pub const RESPONSE_HEADERS: &[&str] = &[
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-used",
    "x-ratelimit-resource",
    "retry-after",
];

/// In which dialect responses tell how the client stands. Policies in shadow are never told.
///
/// `Retry-After` is no part of a dialect: a refusal has it in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Headers {
    /// The IETF's draft-ietf-httpapi-ratelimit-headers-10.
    ///
    /// ```text
    /// RateLimit-Policy: "burst";q=100;w=60, "daily";q=1000;w=86400
    /// RateLimit: "burst";r=50;t=30, "daily";r=400;t=34560
    /// ```
    ///
    /// | | |
    /// |---|---|
    /// | `q`, `w` | so many tokens flow in within so many seconds |
    /// | `r`, `t` | so many tokens are there, and to use no more within so many seconds is to keep to the rate |
    /// | `pk` | which of the client's buckets, where the policy is to tell it |
    ///
    /// A period that is no whole number of seconds is told as the next longer one that is, with
    /// what flows in meanwhile, rounded down. A refusal lists what was exceeded, and its `t` never
    /// lies behind `Retry-After`; where that is too short to use all of `r` at the rate, `r` is
    /// lower than what is left.
    ///
    /// Draft -11 of May 2026 is the same on the wire. The working group's pull request 166 would
    /// rename `r` and `t` to `a` and `w`; if it is taken, that will be a variant of its own.
    #[default]
    Draft10,
    /// The IETF's draft-ietf-httpapi-ratelimit-headers-07, which many clients read.
    ///
    /// ```text
    /// RateLimit-Policy: 100;w=60;burst=200
    /// RateLimit: limit=200, remaining=150, reset=30
    /// ```
    ///
    /// It tells of one policy: the one that refused, for the longest time if there are several,
    /// else the one with the smallest share of tokens left. `limit` is what a full bucket has, and
    /// `reset` says when it is full again; in a refusal it says the same as `Retry-After`, as the
    /// draft asks. `burst` stands where it is not what flows in within `w` seconds.
    Draft7,
    /// As GitHub's API has them. Of one policy, which is chosen as for [`Draft7`](Self::Draft7).
    ///
    /// ```text
    /// x-ratelimit-limit: 200
    /// x-ratelimit-remaining: 150
    /// x-ratelimit-used: 50
    /// x-ratelimit-reset: 1781500000
    /// x-ratelimit-resource: burst
    /// ```
    ///
    /// `reset` is the time at which the bucket is full again, in seconds since 1970.
    XRateLimit,
    /// None of them.
    None,
}

/// What is known of a policy before any request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) name: &'a str,
    /// `None` where each client has its own.
    pub(crate) quota: Option<&'a Quota>,
    pub(crate) shadow: bool,
}

/// Writes the headers of one dialect. What does not depend on the request is prepared here.
#[derive(Debug)]
pub(crate) enum Renderer {
    Draft10(draft10::Draft10),
    Draft7(draft7::Draft7),
    XRateLimit(x_ratelimit::XRateLimit),
    None,
}

impl Renderer {
    /// For these policies in their order.
    pub(crate) fn new<'a>(dialect: Headers, policies: impl Iterator<Item = Told<'a>>) -> Self {
        match dialect {
            Headers::Draft10 => Self::Draft10(draft10::Draft10::new(policies)),
            Headers::Draft7 => Self::Draft7(draft7::Draft7::new(policies)),
            Headers::XRateLimit => Self::XRateLimit(x_ratelimit::XRateLimit::new(policies)),
            Headers::None => Self::None,
        }
    }

    pub(crate) const fn is_silent(&self) -> bool {
        matches!(self, Self::None)
    }

    /// How the client stands under the policies that concerned the request. `unix` is the time
    /// since 1970, asked for if it is needed.
    pub(crate) fn write(
        &self,
        granted: bool,
        standings: &[Standing],
        unix: impl FnOnce() -> Duration,
        headers: &mut HeaderMap,
    ) {
        match self {
            Self::Draft10(dialect) => dialect.write(granted, standings, headers),
            Self::Draft7(dialect) => dialect.write(granted, standings, headers),
            Self::XRateLimit(dialect) => dialect.write(standings, unix, headers),
            Self::None => {}
        }
    }
}

/// A dialect that tells of one policy is told whole or not at all: numbers of two limiters side by
/// side would be read as those of one.
fn has_any(headers: &HeaderMap, names: &[HeaderName]) -> bool {
    names.iter().any(|name| headers.contains_key(name))
}

#[cfg(test)]
mod tests;
