use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::response::Parts;
use stonework_core::{Problem, RequestHead};

use crate::rejection::Rejection;

/// What to answer while another delivery of the same event is being handled. Both carry `Retry-After`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InFlight {
    /// 409.
    #[default]
    Conflict,
    /// 503, for senders that take a 409 as final.
    Unavailable,
}

/// What to do with a verified event while the replay store does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// Answer 503, so that the sender comes back. No event is handled twice.
    #[default]
    Closed,
    /// Handle it. Retries and replays during the outage are handled again.
    Open,
}

pub(crate) type PeerFn = Arc<dyn Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync>;
pub(crate) type SuccessFn = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;
pub(crate) type RejectFn = Arc<dyn Fn(Rejection, &RequestHead<'_>) + Send + Sync>;
pub(crate) type RenderFn =
    Arc<dyn Fn(Rejection, &Problem, &RequestHead<'_>) -> Response<Bytes> + Send + Sync>;

/// What a layer was told, checked.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) max_body: usize,
    pub(crate) read_timeout: Duration,
    pub(crate) keys_timeout: Duration,
    pub(crate) namespace: String,
    pub(crate) dedupe_for: Duration,
    pub(crate) lease: Duration,
    pub(crate) in_flight: InFlight,
    pub(crate) on_outage: Outage,
    pub(crate) peer: Option<PeerFn>,
    pub(crate) is_success: Option<SuccessFn>,
    pub(crate) on_reject: Option<RejectFn>,
    pub(crate) render: Option<RenderFn>,
    pub(crate) problem_base: String,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("max_body", &self.max_body)
            .field("read_timeout", &self.read_timeout)
            .field("dedupe_for", &self.dedupe_for)
            .field("lease", &self.lease)
            .field("in_flight", &self.in_flight)
            .field("on_outage", &self.on_outage)
            .finish_non_exhaustive()
    }
}
