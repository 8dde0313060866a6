use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderName, Method, Response, StatusCode};
use stonework_core::{
    Clock, ConfigError, ConfigErrors, Key, Problem, RequestHead, StoreGuard, TokioClock,
};
use tower_layer::Layer;

use crate::fingerprint::FingerprintInput;
use crate::policy::{Abandoned, InFlight, Outage, Policy, RunFuture};
use crate::rejection::{PROBLEM_BASE, Rejection};
use crate::runs::{Runs, Tracker};
#[cfg(feature = "seal")]
use crate::seal::Keyring;
use crate::service::IdempotencyService;
use crate::shared::Shared;
use crate::store::IdempotencyStore;
use crate::warning::Warning;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Gives every request that carries an idempotency key one effect and one answer.
///
/// See the [crate](crate) for what it promises and what it cannot.
#[derive(Clone)]
pub struct IdempotencyLayer {
    pub(crate) shared: Arc<Shared>,
    warnings: Arc<[Warning]>,
}

impl IdempotencyLayer {
    /// A builder with the defaults that its methods name. One of
    /// [`scope`](IdempotencyLayerBuilder::scope) and
    /// [`single_tenant`](IdempotencyLayerBuilder::single_tenant) must be called.
    pub fn builder() -> IdempotencyLayerBuilder {
        IdempotencyLayerBuilder::new()
    }

    /// Knows the runs of this layer and its clones, for a graceful shutdown.
    pub fn tracker(&self) -> Tracker {
        Tracker(Arc::clone(&self.shared.runs))
    }

    /// What is allowed and may surprise.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl fmt::Debug for IdempotencyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyLayer").field("policy", &self.shared.policy).finish()
    }
}

impl<S> Layer<S> for IdempotencyLayer {
    type Service = IdempotencyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        IdempotencyService::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds an [`IdempotencyLayer`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct IdempotencyLayerBuilder {
    policy: Policy,
    store: Option<Arc<dyn IdempotencyStore>>,
    scoped: bool,
    store_timeout: Duration,
    max_in_flight: usize,
    scope_share_percent: u8,
    deny_warnings: bool,
    invalid_header: Option<String>,
}

impl fmt::Debug for IdempotencyLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyLayerBuilder")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl IdempotencyLayerBuilder {
    fn new() -> Self {
        let policy = Policy {
            header: HeaderName::from_static("idempotency-key"),
            key: None,
            skip: None,
            methods: vec![Method::POST, Method::PATCH],
            grpc_unary: HashSet::new(),
            required: false,
            scope: None,
            per_route: false,
            fingerprint: None,
            max_request_body: 1024 * 1024,
            read_timeout: Duration::from_secs(30),
            max_answer_body: 1024 * 1024,
            buffer_for: Duration::from_secs(1),
            retention: 24 * HOUR,
            lease: Duration::from_secs(30),
            max_run: 10 * MINUTE,
            in_flight: InFlight::default(),
            on_abandoned: Abandoned::default(),
            on_outage: Outage::default(),
            release_on_status: Vec::new(),
            release_when: None,
            replay_set_cookie: false,
            problem_base: PROBLEM_BASE.to_owned(),
            render: None,
            spawn: None,
            #[cfg(feature = "seal")]
            keyring: None,
        };
        Self {
            policy,
            store: None,
            scoped: false,
            store_timeout: Duration::from_millis(400),
            max_in_flight: 1024,
            scope_share_percent: 10,
            deny_warnings: false,
            invalid_header: None,
        }
    }

    /// Who owns a key: the account or tenant of the request, as an outer layer left it in the
    /// extensions. Keys of different scopes never meet.
    ///
    /// Scope by account and not by token: tokens are renewed between retries. Where the closure
    /// gives `None` (or an empty key), a request with credentials (`Authorization`, `Cookie`,
    /// `X-Api-Key`, `Api-Key` or `X-Auth-Token`) is refused with 403, and requests without share one scope of their own.
    pub fn scope(
        mut self,
        scope: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
    ) -> Self {
        self.policy.scope = Some(Arc::new(scope));
        self.scoped = true;
        self
    }

    /// All keys belong to one owner. Only for a service that has one client or one account: with
    /// more, one could read another's answer by guessing a key.
    pub fn single_tenant(mut self) -> Self {
        self.policy.scope = None;
        self.scoped = true;
        self
    }

    /// Where records are kept. The default is a
    /// [`MemoryStore`](crate::store::MemoryStore) of this layer (feature `memory`).
    pub fn store(mut self, store: impl IdempotencyStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Must a request of a protected method carry a key? Default `false`: without one it passes.
    pub fn required(mut self, required: bool) -> Self {
        self.policy.required = required;
        self
    }

    /// The methods to protect. Default POST and PATCH; safe methods cannot be named.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.policy.methods = methods.into_iter().collect();
        self
    }

    /// The header, or the gRPC metadata, that carries the key. Default `idempotency-key`.
    pub fn header(mut self, name: &str) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => self.policy.header = name,
            Err(_) => self.invalid_header = Some(name.to_owned()),
        }
        self
    }

    /// Where the key is, in place of the header: in an extension that an outer layer left, which has read the id of a
    /// message, for instance. `None` is no key; any other is taken as it is, and has 1 to 255 bytes.
    ///
    /// ```
    /// use stonework_idempotency::{IdempotencyLayer, Key};
    ///
    /// /// What an outer layer found in the envelope.
    /// #[derive(Clone)]
    /// struct MessageId(String);
    ///
    /// IdempotencyLayer::builder()
    ///     .key_with(|head| head.extensions.get::<MessageId>().map(|id| Key::from(&id.0)));
    /// ```
    pub fn key_with(
        mut self,
        key: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
    ) -> Self {
        self.policy.key = Some(Arc::new(key));
        self
    }

    /// Requests for which this holds pass unprotected, with a key or without: those of a protected method that change
    /// nothing, such as GraphQL's queries, which are sent by POST too. Whatever else would be refused for a key
    /// passes as well.
    pub fn skip_when(
        mut self,
        when: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.policy.skip = Some(Arc::new(when));
        self
    }

    /// The gRPC methods to protect, by path: `/package.Service/Method`. Default none, since
    /// headers do not tell a unary call from a stream. Name unary methods only.
    ///
    /// Their answers are recorded uncompressed, so that every client can read a replay. A request
    /// whose content type says gRPC, and whose path is not named, passes without protection.
    pub fn grpc_unary<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.policy.grpc_unary.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Tells keys apart by method and path. By default one key on two routes is a mismatch, 422.
    pub fn per_route(mut self) -> Self {
        self.policy.per_route = true;
        self
    }

    /// Adds to what must be equal for a request to be a retry: beside method, path, query,
    /// content type and body.
    pub fn fingerprint_with(
        mut self,
        add: impl Fn(&RequestHead<'_>, &mut FingerprintInput) + Send + Sync + 'static,
    ) -> Self {
        self.policy.fingerprint = Some(Arc::new(add));
        self
    }

    /// The largest request body with a key, in bytes; a larger one is answered 413. Default 1 MiB.
    pub fn max_request_body(mut self, bytes: usize) -> Self {
        self.policy.max_request_body = bytes;
        self
    }

    /// How long the body of a request with a key may take to arrive; then 408. Default 30 s.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.policy.read_timeout = timeout;
        self
    }

    /// The largest response body that is kept, in bytes. Of a larger one status and headers are
    /// kept, and the body is streamed. Default 1 MiB.
    pub fn max_answer_body(mut self, bytes: usize) -> Self {
        self.policy.max_answer_body = bytes;
        self
    }

    /// How long a response body may take after its headers before it counts as a stream, of which
    /// status and headers are kept. Default 1 s.
    pub fn buffer_for(mut self, time: Duration) -> Self {
        self.policy.buffer_for = time;
        self
    }

    /// How long a key is remembered: from its answer, or from its claim while there is none.
    /// Default 24 h. Publish it to your clients. At least `max_run` and `lease` together.
    pub fn retention(mut self, time: Duration) -> Self {
        self.policy.retention = time;
        self
    }

    /// How long a run is taken to be alive without a sign of life. It is renewed at each third.
    /// Default 30 s.
    pub fn lease(mut self, time: Duration) -> Self {
        self.policy.lease = time;
        self
    }

    /// How long a run may renew its lease. It is not stopped then, but it counts as abandoned
    /// when the lease runs out. Default 10 min. To stop a run, put a timeout inside of this layer;
    /// one that returns an error interrupts the key, one that answers is recorded.
    pub fn max_run(mut self, time: Duration) -> Self {
        self.policy.max_run = time;
        self
    }

    /// What to answer while the first request with a key is running. Default
    /// [`InFlight::Conflict`].
    pub fn in_flight(mut self, in_flight: InFlight) -> Self {
        self.policy.in_flight = in_flight;
        self
    }

    /// What to do with a key whose run was interrupted. Default [`Abandoned::Reject`].
    pub fn on_abandoned(mut self, abandoned: Abandoned) -> Self {
        self.policy.on_abandoned = abandoned;
        self
    }

    /// What to do while the store does not answer. Default [`Outage::Closed`].
    pub fn on_outage(mut self, outage: Outage) -> Self {
        self.policy.on_outage = outage;
        self
    }

    /// How long to wait for one operation of the store. Default 400 ms.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// How many requests with keys may run at once, in this process; others are answered 503.
    /// Default 1024.
    pub fn max_in_flight(mut self, runs: usize) -> Self {
        self.max_in_flight = runs;
        self
    }

    /// How much of [`max_in_flight`](Self::max_in_flight) one scope may use, in percent. Default
    /// 10. A single tenant may use all.
    pub fn scope_share_percent(mut self, percent: u8) -> Self {
        self.scope_share_percent = percent;
        self
    }

    /// Responses with these statuses are not recorded, and their keys are as if not used. By
    /// default every response of the handler is recorded, 5xx included: a status does not tell
    /// whether something happened. Name only what your handler sends before it does anything.
    pub fn release_on_status(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.policy.release_on_status.extend(statuses);
        self
    }

    /// Responses for which this holds are not recorded, and their keys are as if not used.
    pub fn release_when(
        mut self,
        release: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.policy.release_when = Some(Arc::new(release));
        self
    }

    /// Keeps and replays `Set-Cookie`. Default `false`: a recorded session cookie is a secret in
    /// the store, and may be stale.
    pub fn replay_set_cookie(mut self, replay: bool) -> Self {
        self.policy.replay_set_cookie = replay;
        self
    }

    /// Seals answers and checkpoints before the store gets them.
    #[cfg(feature = "seal")]
    #[cfg_attr(docsrs, doc(cfg(feature = "seal")))]
    pub fn seal(mut self, keyring: Keyring) -> Self {
        self.policy.keyring = Some(keyring);
        self
    }

    /// What the type URIs of problems begin with; their last part is the rejection's
    /// [`slug`](crate::Rejection::slug). Default `urn:stonework:idempotency:`.
    pub fn problem_base(mut self, base: impl Into<String>) -> Self {
        self.policy.problem_base = base.into();
        self
    }

    /// Renders rejections in place of problem+json and gRPC statuses: for SOAP faults, GraphQL
    /// errors or a house style. Start from [`Problem::to_response`] to keep the retry headers.
    pub fn render(
        mut self,
        render: impl Fn(Rejection, &Problem, &RequestHead<'_>) -> Response<Bytes>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.policy.render = Some(Arc::new(render));
        self
    }

    /// Spawns runs in place of `tokio::spawn`; it is called in the request's own task. For task
    /// locals, which do not travel by themselves:
    ///
    /// ```
    /// use stonework_idempotency::IdempotencyLayer;
    ///
    /// tokio::task_local! { static LOCALE: String; }
    ///
    /// IdempotencyLayer::builder().spawn_with(|run| {
    ///     tokio::spawn(LOCALE.scope(LOCALE.get(), run));
    /// });
    /// ```
    ///
    /// A run that is dropped is interrupted; its client gets a 500.
    pub fn spawn_with(mut self, spawn: impl Fn(RunFuture) + Send + Sync + 'static) -> Self {
        self.policy.spawn = Some(Arc::new(spawn));
        self
    }

    /// Makes [warnings](Warning) errors of [`build`](Self::build).
    pub fn deny_warnings(mut self) -> Self {
        self.deny_warnings = true;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub fn build(self) -> Result<IdempotencyLayer, ConfigErrors<ConfigError>> {
        let warnings = self.find_warnings();
        let mut errors = self.find_errors();
        if self.deny_warnings {
            errors.extend(warnings.iter().map(ConfigError::from));
        }
        let store = ConfigErrors::check(errors, self.store.map_or_else(default_store, Ok))?;
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
        let share = u128::from(self.scope_share_percent);
        let per_scope = self.max_in_flight as u128 * share / 100;
        let shared = Shared {
            policy: self.policy,
            store,
            guard: StoreGuard::new(self.store_timeout, Arc::clone(&clock)),
            clock,
            runs: Arc::new(Runs::new(self.max_in_flight, (per_scope as usize).max(1))),
        };
        Ok(IdempotencyLayer { shared: Arc::new(shared), warnings: warnings.into() })
    }

    fn find_warnings(&self) -> Vec<Warning> {
        let policy = &self.policy;
        let mut warnings = Vec::new();
        if policy.retention < HOUR {
            warnings.push(Warning::ShortRetention(policy.retention));
        }
        if policy.lease < self.store_timeout.saturating_mul(6) {
            warnings.push(Warning::ShortLease(policy.lease));
        }
        if policy.on_outage == Outage::Open {
            warnings.push(Warning::OutageOpen);
        }
        warnings
    }

    fn find_errors(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        if !self.scoped {
            errors.push(ConfigError::new(
                "scope",
                "unset",
                "say who owns a key, or call single_tenant() if there is one owner only",
            ));
        }
        if let Some(name) = &self.invalid_header {
            errors.push(ConfigError::new("header", name, "is no header name"));
        }
        self.check_methods(&mut errors);
        self.check_sizes(&mut errors);
        self.check_times(&mut errors);
        errors
    }

    fn check_methods(&self, errors: &mut Vec<ConfigError>) {
        if self.policy.methods.is_empty() {
            errors.push(ConfigError::new("methods", "[]", "name at least one method"));
        }
        for method in &self.policy.methods {
            if method.is_safe() || *method == Method::CONNECT {
                let reason = "is safe or a tunnel and is never protected; leave it out";
                errors.push(ConfigError::new("methods", method, reason));
            }
        }
        for path in &self.policy.grpc_unary {
            let parts = path.strip_prefix('/').and_then(|rest| rest.split_once('/'));
            if !parts.is_some_and(|(s, m)| !s.is_empty() && !m.is_empty() && !m.contains('/')) {
                let reason = "is no gRPC path; write /package.Service/Method";
                errors.push(ConfigError::new("grpc_unary", path, reason));
            }
        }
    }

    fn check_sizes(&self, errors: &mut Vec<ConfigError>) {
        if self.max_in_flight == 0 {
            errors.push(ConfigError::new("max_in_flight", 0, "refuses everything; use at least 1"));
        }
        if !(1..=100).contains(&self.scope_share_percent) {
            let reason = "is no share; use 1 to 100";
            errors.push(ConfigError::new("scope_share_percent", self.scope_share_percent, reason));
        }
    }

    fn check_times(&self, errors: &mut Vec<ConfigError>) {
        let policy = &self.policy;
        for (setting, time) in [
            ("retention", policy.retention),
            ("lease", policy.lease),
            ("max_run", policy.max_run),
            ("read_timeout", policy.read_timeout),
            ("store_timeout", self.store_timeout),
        ] {
            if time < Duration::from_millis(1) {
                errors.push(ConfigError::new(setting, time, "is too short; use at least 1 ms"));
            }
        }
        if policy.retention < policy.max_run.saturating_add(policy.lease) {
            let reason = "may end before a run does; use at least max_run and lease together";
            errors.push(ConfigError::new("retention", policy.retention, reason));
        }
    }
}

#[cfg(feature = "memory")]
fn default_store() -> Result<Arc<dyn IdempotencyStore>, ConfigError> {
    Ok(Arc::new(crate::store::MemoryStore::new()))
}

#[cfg(not(feature = "memory"))]
fn default_store() -> Result<Arc<dyn IdempotencyStore>, ConfigError> {
    Err(ConfigError::new("store", "unset", "name a store, or turn the feature `memory` on"))
}
