use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::response::Parts;
use http::{Extensions, Response};
use stonework_core::{Problem, RequestHead, StoreGuard};

use crate::admit::Skip;
use crate::concurrency::Gate;
use crate::decision::{Decision, Policies};
#[cfg(feature = "memory")]
use crate::fallback::Fallback;
use crate::outage::Outage;
use crate::partition::Partition;
use crate::policy::Limit;
use crate::rejection::Rejection;
use crate::store::RateLimitStore;

pub(crate) type RenderFn =
    Arc<dyn Fn(Rejection, &Problem, &RequestHead<'_>) -> Response<Bytes> + Send + Sync>;
pub(crate) type RefundFn = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;
pub(crate) type HookFn = Arc<dyn Fn(&Decision, &RequestHead<'_>) + Send + Sync>;

/// What all clones of a layer have in common.
pub(crate) struct Shared {
    pub(crate) limits: Vec<Limit>,
    pub(crate) policies: Arc<Policies>,
    /// What is said to who exceeds one limit, for each.
    pub(crate) denials: Box<[Problem]>,
    /// What denials leave in their responses' extensions.
    pub(crate) left: Extensions,
    pub(crate) gates: Vec<Gate>,
    pub(crate) skip: Skip,
    pub(crate) store: Arc<dyn RateLimitStore>,
    pub(crate) guard: StoreGuard,
    pub(crate) on_outage: Outage,
    #[cfg(feature = "memory")]
    pub(crate) fallback: Option<Fallback>,
    pub(crate) partition: Option<Partition>,
    /// Whether handlers may correct the cost.
    pub(crate) adjustable: bool,
    /// Whether the decision is left in the extensions.
    pub(crate) tells: bool,
    pub(crate) refund_when: Option<RefundFn>,
    pub(crate) on_decision: Option<HookFn>,
    pub(crate) problem_base: String,
    pub(crate) render: Option<RenderFn>,
}

impl Shared {
    /// Is nothing to be said or done about a request that is granted?
    #[inline]
    pub(crate) fn is_silent(&self) -> bool {
        self.policies.renderer.is_silent()
            && !self.tells
            && self.on_decision.is_none()
            && !self.corrects()
    }

    /// Whether buckets may be given tokens by something else than time.
    pub(crate) const fn corrects(&self) -> bool {
        self.adjustable || self.refund_when.is_some()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.limits.iter().map(|limit| &limit.name).collect();
        f.debug_struct("Shared")
            .field("policies", &names)
            .field("on_outage", &self.on_outage)
            .finish_non_exhaustive()
    }
}
