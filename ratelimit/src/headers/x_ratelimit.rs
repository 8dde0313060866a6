use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::figures::{most_pressing, seconds};
use super::line::value;
use super::{Told, has_any};
use crate::decision::Standing;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const USED: HeaderName = HeaderName::from_static("x-ratelimit-used");
const RESOURCE: HeaderName = HeaderName::from_static("x-ratelimit-resource");

pub(crate) const NAMES: [HeaderName; 5] = [LIMIT, REMAINING, RESET, USED, RESOURCE];

/// The fields of GitHub's API, which has one policy per resource.
#[derive(Debug)]
pub(crate) struct XRateLimit {
    /// The name of each policy.
    resources: Box<[Option<HeaderValue>]>,
}

impl XRateLimit {
    pub(super) fn new<'a>(policies: impl Iterator<Item = Told<'a>>) -> Self {
        let prepare = |told: Told<'_>| {
            let value = value(|line| line.bytes(told.name.as_bytes()));
            // The first clone moves the bytes to where clones share them, once and here.
            drop(value.clone());
            value
        };
        Self { resources: policies.map(prepare).collect() }
    }

    pub(super) fn write(
        &self,
        standings: &[Standing],
        unix: impl FnOnce() -> Duration,
        headers: &mut HeaderMap,
    ) {
        let Some(standing) = most_pressing(standings) else { return };
        if has_any(headers, &NAMES) {
            return;
        }
        let (burst, remaining) = (standing.quota().burst(), standing.remaining());
        let full_at = seconds(unix().saturating_add(standing.debt.duration()));
        for (name, number) in [
            (LIMIT, burst.into()),
            (REMAINING, remaining.into()),
            (USED, burst.saturating_sub(remaining).into()),
            (RESET, full_at),
        ] {
            if let Some(number) = value(|line| line.integer(number)) {
                headers.insert(name, number);
            }
        }
        if let Some(Some(resource)) = self.resources.get(usize::from(standing.at)) {
            headers.insert(RESOURCE, resource.clone());
        }
    }
}
