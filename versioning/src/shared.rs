use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use stonework_core::{Clock, Problem, RequestHead};

#[cfg(feature = "accounts")]
use crate::accounts::Accounts;
use crate::api_version::Requested;
use crate::table::Table;
use crate::told::{Offer, Told};
use crate::usage::Counters;
use crate::{ApiVersion, Index, Moment, PathSegment, Rejection, Stage};

pub(crate) type NeutralFn = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;
pub(crate) type RenderFn =
    Arc<dyn Fn(Rejection, &Problem, &RequestHead<'_>) -> Response<Bytes> + Send + Sync>;

/// What becomes of requests that ask for no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unspecified {
    Reject,
    Given(Index),
}

/// What all clones of a layer have in common.
pub(crate) struct Shared {
    pub(crate) table: Arc<dyn Table>,
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) told: Vec<Told>,
    pub(crate) offers: Vec<Offer>,
    pub(crate) unspecified: Unspecified,
    pub(crate) neutral: Option<NeutralFn>,
    pub(crate) echo: Option<HeaderName>,
    pub(crate) vary: Option<HeaderValue>,
    pub(crate) paths: Vec<PathSegment>,
    /// Who does not notice brownouts.
    pub(crate) exempt: Option<NeutralFn>,
    pub(crate) dry_run: bool,
    pub(crate) brownout_status: StatusCode,
    pub(crate) clock: Arc<dyn Clock>,
    /// Does a version change some day, or is it remembered when one was used?
    pub(crate) needs_time: bool,
    pub(crate) problem_base: String,
    pub(crate) render: Option<RenderFn>,
    pub(crate) counters: Counters,
    #[cfg(feature = "accounts")]
    pub(crate) accounts: Accounts,
    /// What is served while pins are not known.
    pub(crate) pin_outage: Option<Index>,
}

impl Shared {
    /// Where nothing depends on the time, the beginning of it: to look at a clock is not for nothing.
    pub(crate) fn now(&self) -> Moment {
        if self.needs_time { Moment::unix(self.clock.unix().as_secs()) } else { Moment::unix(0) }
    }

    /// How clients are told this version.
    pub(crate) fn name(&self, index: Index) -> &str {
        self.names.get(index.get()).map_or("", |name| name)
    }

    /// The version of a request that does not say one.
    pub(crate) fn unasked(&self, index: Index, pinned: bool) -> ApiVersion {
        ApiVersion {
            resolved: Arc::clone(&self.names[index.get()]),
            requested: Requested::None,
            index,
            source: None,
            pinned,
            stripped_after: None,
            parameter: None,
        }
    }

    /// A rejection, at this moment.
    pub(crate) fn problem(
        &self,
        rejection: Rejection,
        now: Moment,
        lasts: Option<Duration>,
    ) -> Problem {
        let served = |index: &usize| self.table.stage(Index::of(*index), now) != Stage::Sunset;
        let supported =
            (0..self.names.len()).filter(served).map(|at| String::from(&*self.names[at]));
        let status = match rejection {
            Rejection::Brownout => self.brownout_status,
            rejection => rejection.status(),
        };
        rejection.problem(&self.problem_base, status, supported, lasts)
    }

    /// How long a brownout lasts that ends then.
    pub(crate) fn until(now: Moment, end: Moment) -> Duration {
        Duration::from_secs(end.as_unix().saturating_sub(now.as_unix()))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("versions", &self.names).finish_non_exhaustive()
    }
}
