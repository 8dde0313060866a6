use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::response::Parts;
use stonework_core::{
    Clock, ConfigError, ConfigErrors, Problem, RequestHead, StoreGuard, TokioClock,
};
use tower_layer::Layer;

use crate::Refusal;
use crate::policy::{InFlight, Outage, Policy};
use crate::rejection::{PROBLEM_BASE, Rejection};
use crate::sender::{Accepted, Sender};
use crate::service::VerifyService;
use crate::shared::{Replay, Shared};
use crate::store::ReplayStore;
use crate::warning::Warning;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What Standard Webhooks' schedule spans, rounded up.
const SHORT_DEDUPE: Duration = Duration::from_secs(76 * 60 * 60);

/// Lets only those requests through that one of its senders signed, and each event once.
///
/// See the [crate](crate) for what it promises and what it cannot.
#[derive(Clone)]
pub struct VerifyLayer {
    pub(crate) shared: Arc<Shared>,
    warnings: Arc<[Warning]>,
}

impl VerifyLayer {
    /// A builder with the defaults that its methods name. At least one [`sender`](VerifyLayerBuilder::sender) must be
    /// named.
    pub fn builder() -> VerifyLayerBuilder {
        VerifyLayerBuilder::new()
    }

    /// What is allowed and may surprise.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl fmt::Debug for VerifyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer").field("shared", &self.shared).finish()
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = VerifyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds a [`VerifyLayer`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct VerifyLayerBuilder {
    policy: Policy,
    senders: Vec<Sender>,
    store: Option<Arc<dyn ReplayStore>>,
    accepts_replays: bool,
    store_timeout: Duration,
    clock: Option<Arc<dyn Clock>>,
    deny_warnings: bool,
}

impl fmt::Debug for VerifyLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayerBuilder")
            .field("policy", &self.policy)
            .field("senders", &self.senders)
            .finish_non_exhaustive()
    }
}

impl VerifyLayerBuilder {
    fn new() -> Self {
        let policy = Policy {
            max_body: 1024 * 1024,
            read_timeout: Duration::from_secs(10),
            keys_timeout: Duration::from_secs(1),
            namespace: String::new(),
            dedupe_for: 4 * DAY,
            lease: Duration::from_secs(60),
            in_flight: InFlight::default(),
            on_outage: Outage::default(),
            peer: None,
            is_success: None,
            on_reject: None,
            render: None,
            problem_base: PROBLEM_BASE.to_owned(),
        };
        Self {
            policy,
            senders: Vec::new(),
            store: None,
            accepts_replays: false,
            store_timeout: Duration::from_millis(400),
            clock: None,
            deny_warnings: false,
        }
    }

    /// Whose webhooks are taken. Called again it adds another, of another scheme: the first whose signature's header is there
    /// is the one that has to have signed.
    pub fn sender(mut self, sender: Sender) -> Self {
        self.senders.push(sender);
        self
    }

    /// Where it is kept which events were handled. By default nowhere, and every request that is signed is handled.
    ///
    /// Of a store that is shared, endpoints that are sent the same events need different
    /// [namespaces](Self::namespace).
    pub fn store(mut self, store: impl ReplayStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Takes a request that was captured as often as it is sent, without a [warning](Warning::NoReplayStore). For handlers
    /// that know by themselves what they have done. Of one sender: [`Sender::danger_accept_replays`].
    pub fn danger_accept_replays(mut self) -> Self {
        self.accepts_replays = true;
        self
    }

    /// Keeps events apart from those of other endpoints in the same store. Default empty.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.policy.namespace = namespace.into();
        self
    }

    /// How long an event that was handled is remembered, so that the sender's retries do nothing: as long as the sender
    /// tries. Default 4 days.
    ///
    /// At least twice the tolerance where the scheme signs a time, since a captured request is good for that long. Where the
    /// scheme signs a time and no id, that and the time that a body may take is also the most: the next attempt has another
    /// signature.
    pub fn dedupe_for(mut self, time: Duration) -> Self {
        self.policy.dedupe_for = time;
        self
    }

    /// How long a handler has, until an event is given to the next delivery of it as if this one had crashed. Default 60 s;
    /// more than your handler ever takes.
    pub fn lease(mut self, time: Duration) -> Self {
        self.policy.lease = time;
        self
    }

    /// What to answer while another delivery of the same event is being handled. Default [`InFlight::Conflict`].
    pub fn in_flight(mut self, in_flight: InFlight) -> Self {
        self.policy.in_flight = in_flight;
        self
    }

    /// What to do while the replay store does not answer. Default [`Outage::Closed`].
    pub fn on_outage(mut self, outage: Outage) -> Self {
        self.policy.on_outage = outage;
        self
    }

    /// How long to wait for one operation of the replay store. Default 400 ms.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// Which responses mean that an event was handled. Default those with a status of 2xx, and over gRPC without a
    /// `grpc-status` other than 0 in their headers. Others release the event, so that it is handled when it is delivered
    /// again.
    pub fn success_when(
        mut self,
        is_success: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.policy.is_success = Some(Arc::new(is_success));
        self
    }

    /// The largest body, in bytes; a larger one is answered 413. Default 1 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.policy.max_body = bytes;
        self
    }

    /// How long a body may take to arrive; then 408. Default 10 s.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.policy.read_timeout = timeout;
        self
    }

    /// How long a look-up of keys may take; then 503. Default 1 s.
    pub fn keys_timeout(mut self, timeout: Duration) -> Self {
        self.policy.keys_timeout = timeout;
        self
    }

    /// The address that a request comes from, for senders with [`networks`](Sender::networks): the peer's, or what a proxy
    /// that you trust says. On axum `ConnectInfo<SocketAddr>` is among the extensions.
    pub fn peer(
        mut self,
        peer: impl Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.policy.peer = Some(Arc::new(peer));
        self
    }

    /// Called for each request that the layer answers by itself, with the reason that the sender is not told.
    pub fn on_reject(
        mut self,
        hook: impl Fn(Rejection, &RequestHead<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.policy.on_reject = Some(Arc::new(hook));
        self
    }

    /// Renders rejections in place of problem+json and gRPC statuses. Do not tell a refusal from another: to somebody who
    /// tries signatures, each difference is a hint.
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

    /// What the type URIs of problems begin with; their last part is the rejection's [`slug`](Rejection::slug). Default
    /// `urn:stonework:webhook-sign:`.
    pub fn problem_base(mut self, base: impl Into<String>) -> Self {
        self.policy.problem_base = base.into();
        self
    }

    /// Where time comes from, for timestamps. Default the operating system, through tokio's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
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
    /// Everything that is wrong, at once. None of it shows a secret.
    pub fn build(mut self) -> Result<VerifyLayer, ConfigErrors<ConfigError>> {
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        let senders = self.build_senders(&mut errors, &mut warnings);
        self.find_warnings(&senders, &mut warnings);
        self.find_errors(&mut errors);
        if self.deny_warnings {
            errors.extend(warnings.iter().map(ConfigError::from));
        }
        ConfigErrors::check(errors, Ok(()))?;
        let clock = self.clock.unwrap_or_else(|| Arc::new(TokioClock::new()));
        let replay = self.store.map(|store| Replay {
            store,
            guard: StoreGuard::new(self.store_timeout, Arc::new(TokioClock::new())),
        });
        let problem = |rejection: Rejection| {
            rejection.problem(&self.policy.problem_base, self.policy.in_flight)
        };
        let unauthenticated = problem(Rejection::Unauthenticated(Refusal::NotSigned));
        let duplicate = problem(Rejection::Duplicate);
        let shared =
            Shared { senders, replay, clock, unauthenticated, duplicate, policy: self.policy };
        Ok(VerifyLayer { shared: Arc::new(shared), warnings: warnings.into() })
    }

    fn build_senders(
        &mut self,
        errors: &mut Vec<ConfigError>,
        warnings: &mut Vec<Warning>,
    ) -> Vec<Accepted> {
        if self.senders.is_empty() {
            let reason = "lets nobody in; name at least one";
            errors.push(ConfigError::new("sender", "none", reason));
        }
        for (at, sender) in self.senders.iter().enumerate() {
            let name = sender.name();
            if self.senders[..at].iter().any(|other| other.name() == name) {
                let reason = "is there twice, and only the first would be asked; give one of them all secrets";
                errors.push(ConfigError::new("sender", name, reason));
            }
        }
        let has_peer = self.policy.peer.is_some();
        let senders = std::mem::take(&mut self.senders).into_iter();
        senders.filter_map(|sender| sender.build(has_peer, errors, warnings)).collect()
    }

    fn find_warnings(&self, senders: &[Accepted], warnings: &mut Vec<Warning>) {
        if self.store.is_some() {
            if self.policy.dedupe_for < SHORT_DEDUPE {
                warnings.push(Warning::ShortDedupe(self.policy.dedupe_for));
            }
            if self.policy.on_outage == Outage::Open {
                warnings.push(Warning::OutageOpen);
            }
        } else if !self.accepts_replays {
            let warned = || senders.iter().filter(|sender| !sender.accepts_replays);
            for sender in warned().filter(|sender| sender.tolerance.is_none()) {
                warnings.push(Warning::NoReplayStoreNorTime(sender.scheme.name()));
            }
            if warned().any(|sender| sender.tolerance.is_some()) {
                warnings.push(Warning::NoReplayStore);
            }
        }
    }

    fn find_errors(&self, errors: &mut Vec<ConfigError>) {
        if self.policy.max_body == 0 {
            errors.push(ConfigError::new("max_body", 0, "lets no event in; use at least 1"));
        }
        for (setting, time) in [
            ("read_timeout", self.policy.read_timeout),
            ("keys_timeout", self.policy.keys_timeout),
            ("dedupe_for", self.policy.dedupe_for),
            ("lease", self.policy.lease),
            ("store_timeout", self.store_timeout),
        ] {
            if time < Duration::from_millis(1) {
                errors.push(ConfigError::new(setting, time, "is too short; use at least 1 ms"));
            }
        }
        if self.accepts_replays && self.store.is_some() {
            let reason = "contradicts store(…); name one of them";
            errors.push(ConfigError::new("danger_accept_replays", true, reason));
        }
    }
}
