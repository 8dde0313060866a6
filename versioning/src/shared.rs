use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use stonework_core::{Clock, RequestHead};

use crate::table::Table;
use crate::told::{Offer, Told};
use crate::{Index, Moment, PathSegment};

pub(crate) type NeutralFn = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;

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
    pub(crate) dry_run: bool,
    pub(crate) brownout_status: StatusCode,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) problem_base: String,
}

impl Shared {
    pub(crate) fn now(&self) -> Moment {
        Moment::unix(self.clock.unix().as_secs())
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
