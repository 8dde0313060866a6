//! Who still asks for what: counts, which cost no more than an addition.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{ApiVersion, Index, Rejection, Source, VersionLayer};

/// How a request comes to its version: by one of these, by its pin, or by nothing.
const SOURCES: [Source; 6] = [
    Source::Path,
    Source::Header,
    Source::Query,
    Source::Accept,
    Source::ContentType,
    Source::GrpcPackage,
];
const PINNED: usize = SOURCES.len();
const UNSAID: usize = PINNED + 1;
const WAYS: usize = UNSAID + 1;

/// What is said when there is no version to serve.
const REFUSALS: [&str; 8] = [
    "version-unspecified",
    "version-malformed",
    "version-ambiguous",
    "version-unsupported",
    "brownout",
    "version-sunset",
    "pin-sunset",
    "pin-unknown",
];

pub(crate) struct Counters {
    served: Box<[[AtomicU64; WAYS]]>,
    refused: [AtomicU64; REFUSALS.len()],
}

/// How many requests came to a version in one way. Made by [`VersionLayer::usage`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Usage {
    /// The version, as clients are told it.
    pub version: String,
    /// Where it was found; nothing if the request did not say.
    pub source: Option<Source>,
    /// Whether it is the one that the account is pinned to.
    pub is_pinned: bool,
    /// So many were let through.
    pub requests: u64,
}

/// How many requests were refused for one reason. Made by [`VersionLayer::refusals`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Refusals {
    /// The reason: [`Rejection::slug`].
    pub reason: &'static str,
    /// So many were refused.
    pub requests: u64,
}

impl Counters {
    pub(crate) fn new(versions: usize) -> Self {
        Self {
            served: (0..versions).map(|_| Default::default()).collect(),
            refused: Default::default(),
        }
    }

    pub(crate) fn serve(&self, version: &ApiVersion) {
        let way = match version.source {
            Some(source) => SOURCES.iter().position(|other| *other == source).unwrap_or(UNSAID),
            None if version.pinned => PINNED,
            None => UNSAID,
        };
        if let Some(ways) = self.served.get(version.index.get()) {
            ways[way].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn refuse(&self, rejection: Rejection) {
        if let Some(at) = REFUSALS.iter().position(|slug| *slug == rejection.slug()) {
            self.refused[at].fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl VersionLayer {
    /// How many requests came to each version, and how, since the layer was built, in this process. Ways
    /// that nobody took are left out. Versions are those of the layer, so there are never many rows.
    pub fn usage(&self) -> Vec<Usage> {
        let counters = &self.shared.counters.served;
        let rows = counters.iter().enumerate().flat_map(|(at, ways)| {
            ways.iter().enumerate().map(move |(way, count)| Usage {
                version: self.shared.name(Index::of(at)).to_owned(),
                source: SOURCES.get(way).copied(),
                is_pinned: way == PINNED,
                requests: count.load(Ordering::Relaxed),
            })
        });
        rows.filter(|row| row.requests > 0).collect()
    }

    /// How many requests were refused, and why, since the layer was built, in this process.
    pub fn refusals(&self) -> Vec<Refusals> {
        let counted = REFUSALS.iter().zip(&self.shared.counters.refused);
        let rows = counted
            .map(|(reason, count)| Refusals { reason, requests: count.load(Ordering::Relaxed) });
        rows.filter(|row| row.requests > 0).collect()
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters").finish_non_exhaustive()
    }
}
