use http::{HeaderMap, HeaderName, HeaderValue};

use super::figures::{most_pressing, retry_after_seconds, seconds, window};
use super::line::value;
use super::{RATELIMIT, RATELIMIT_POLICY, Told, has_any};
use crate::decision::Standing;
use crate::quota::Quota;

const NAMES: [HeaderName; 2] = [RATELIMIT, RATELIMIT_POLICY];

/// draft-ietf-httpapi-ratelimit-headers-07: a Dictionary, and a List of Integers with parameters.
#[derive(Debug)]
pub(crate) struct Draft7 {
    /// `RateLimit-Policy` of each policy that has one quota.
    policies: Box<[Option<(Quota, HeaderValue)>]>,
}

impl Draft7 {
    pub(super) fn new<'a>(policies: impl Iterator<Item = Told<'a>>) -> Self {
        let prepare = |quota: &Quota| {
            let value = policy(quota)?;
            // The first clone moves the bytes to where clones share them, once and here.
            drop(value.clone());
            Some((*quota, value))
        };
        Self { policies: policies.map(|told| told.quota.and_then(prepare)).collect() }
    }

    pub(super) fn write(&self, granted: bool, standings: &[Standing], headers: &mut HeaderMap) {
        let Some(standing) = most_pressing(standings) else { return };
        if has_any(headers, &NAMES) {
            return;
        }
        // The draft wants both to name the same point in time.
        let reset = retry_after_seconds(granted, standings)
            .unwrap_or_else(|| seconds(standing.debt.duration()));
        if let (Some(policy), Some(limit)) = (self.policy(standing), limit(standing, reset)) {
            headers.insert(RATELIMIT_POLICY, policy);
            headers.insert(RATELIMIT, limit);
        }
    }

    /// The first policy, if it is the same for all.
    #[cfg(feature = "utoipa-6")]
    pub(crate) fn example(&self) -> Option<String> {
        let (_, policy) = self.policies.first()?.as_ref()?;
        policy.to_str().ok().map(str::to_owned)
    }

    fn policy(&self, standing: &Standing) -> Option<HeaderValue> {
        match self.policies.get(usize::from(standing.at)) {
            Some(Some((quota, value))) if quota == standing.quota() => Some(value.clone()),
            _ => policy(standing.quota()),
        }
    }
}

/// `burst` is a parameter of the draft's own example, and may be ignored.
fn policy(quota: &Quota) -> Option<HeaderValue> {
    let (tokens, seconds) = window(quota);
    value(|line| {
        line.integer(tokens);
        line.bytes(b";w=");
        line.integer(seconds);
        if u64::from(quota.burst()) != tokens {
            line.bytes(b";burst=");
            line.integer(quota.burst().into());
        }
    })
}

fn limit(standing: &Standing, reset: u64) -> Option<HeaderValue> {
    let (burst, remaining) = (standing.quota().burst(), standing.remaining());
    value(|line| {
        line.bytes(b"limit=");
        line.integer(burst.into());
        line.bytes(b", remaining=");
        line.integer(remaining.into());
        line.bytes(b", reset=");
        line.integer(reset);
    })
}
