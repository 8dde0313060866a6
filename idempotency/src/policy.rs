use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderName, Method, Response, StatusCode};
use stonework_core::{Key, Problem, RequestHead};

use crate::fingerprint::FingerprintInput;
use crate::rejection::Rejection;
#[cfg(feature = "seal")]
use crate::seal::Keyring;

/// What to answer while the first request with a key is still running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InFlight {
    /// 409 with `Retry-After`, at once.
    #[default]
    Conflict,
    /// Wait for the first request and give its answer; if it released the key, run. After
    /// `up_to`, 409. A waiting request counts as a run.
    Wait {
        /// How long to wait at most.
        up_to: Duration,
    },
}

/// What to do with a key whose run was interrupted: by a crash, a panic, an error of the inner
/// service, or a lease that ran out. Nobody knows how far it got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Abandoned {
    /// Answer 409 with the problem type `outcome-unknown`, for as long as the record is kept. The
    /// handler runs at most once, while the store keeps its state.
    #[default]
    Reject,
    /// Run again from the start. Attempts may overlap, for a run whose lease ran out may still be
    /// running: the resource must check [`attempt`](crate::Idempotency::attempt), or the
    /// operation must bear being done twice.
    Rerun,
    /// Run again, with what the last attempt [saved](crate::Idempotency::save). Attempts may
    /// overlap, as with [`Rerun`](Self::Rerun).
    Resume,
}

/// What to do with a keyed request while the store does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// Answer 503 with `Retry-After`. Nothing runs twice.
    #[default]
    Closed,
    /// Run without protection. Retries during the outage run again.
    Open,
}

/// A run, ready to be spawned; see
/// [`spawn_with`](crate::IdempotencyLayerBuilder::spawn_with).
pub type RunFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Who owns a key, or where it is.
pub(crate) type KeyFn = Arc<dyn Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync>;
pub(crate) type HoldsFn = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;
pub(crate) type FingerprintFn = Arc<dyn Fn(&RequestHead<'_>, &mut FingerprintInput) + Send + Sync>;
pub(crate) type ReleaseFn = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;
pub(crate) type RenderFn =
    Arc<dyn Fn(Rejection, &Problem, &RequestHead<'_>) -> Response<Bytes> + Send + Sync>;
pub(crate) type SpawnFn = Arc<dyn Fn(RunFuture) + Send + Sync>;

/// What a layer was told, checked.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) header: HeaderName,
    /// In place of the header.
    pub(crate) key: Option<KeyFn>,
    pub(crate) skip: Option<HoldsFn>,
    pub(crate) methods: Vec<Method>,
    pub(crate) grpc_unary: HashSet<String>,
    pub(crate) required: bool,
    /// `None` for a single tenant.
    pub(crate) scope: Option<KeyFn>,
    pub(crate) per_route: bool,
    pub(crate) fingerprint: Option<FingerprintFn>,
    pub(crate) max_request_body: usize,
    pub(crate) read_timeout: Duration,
    pub(crate) max_answer_body: usize,
    pub(crate) buffer_for: Duration,
    pub(crate) retention: Duration,
    pub(crate) lease: Duration,
    pub(crate) max_run: Duration,
    pub(crate) in_flight: InFlight,
    pub(crate) on_abandoned: Abandoned,
    pub(crate) on_outage: Outage,
    pub(crate) release_on_status: Vec<StatusCode>,
    pub(crate) release_when: Option<ReleaseFn>,
    pub(crate) replay_set_cookie: bool,
    pub(crate) problem_base: String,
    pub(crate) render: Option<RenderFn>,
    pub(crate) spawn: Option<SpawnFn>,
    #[cfg(feature = "seal")]
    pub(crate) keyring: Option<Keyring>,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("header", &self.header)
            .field("methods", &self.methods)
            .field("required", &self.required)
            .field("single_tenant", &self.scope.is_none())
            .field("in_flight", &self.in_flight)
            .field("on_abandoned", &self.on_abandoned)
            .field("on_outage", &self.on_outage)
            .finish_non_exhaustive()
    }
}
