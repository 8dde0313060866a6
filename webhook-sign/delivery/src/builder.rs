use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use http_body::Body;
use stonework_core::{Clock, ConfigError, ConfigErrors, StoneBody, StoreGuard, TokioClock};
use tokio::sync::Notify;
use tower_service::Service;

#[cfg(feature = "client")]
use crate::client::HttpClient;
#[cfg(feature = "client")]
use crate::egress::EgressGuard;
use crate::shared::{Hook, Settings, Shared};
use crate::store::{MemoryOutbox, Outbox};
use crate::transport::{BoxError, Tower, Transport};
use crate::{Delivery, Endpoints, Event, Policy, Warning, WebhookBody};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Builds a [`Delivery`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct DeliveryBuilder {
    outbox: Option<Arc<dyn Outbox>>,
    endpoints: Option<Arc<dyn Endpoints>>,
    transport: Option<Arc<dyn Transport>>,
    #[cfg(feature = "client")]
    guard: Option<EgressGuard>,
    policy: Policy,
    settings: Settings,
    on_event: Option<Hook>,
    clock: Option<Arc<dyn Clock>>,
    deny_warnings: bool,
}

impl DeliveryBuilder {
    pub(crate) fn new() -> Self {
        let settings = Settings {
            concurrency: 64,
            per_endpoint: 4,
            lease: Duration::from_secs(30),
            poll_every: Duration::from_secs(1),
            store_timeout: Duration::from_secs(1),
            keep_delivered: 24 * HOUR,
            keep_dead: 30 * 24 * HOUR,
            max_body: 256 * 1024,
            max_answer: 16 * 1024,
            user_agent: HeaderValue::from_static("stonework-webhooks"),
        };
        Self {
            outbox: None,
            endpoints: None,
            transport: None,
            #[cfg(feature = "client")]
            guard: None,
            policy: Policy::standard(),
            settings,
            on_event: None,
            clock: None,
            deny_warnings: false,
        }
    }

    /// Where messages are kept. Default a [`MemoryOutbox`], which loses them when the process ends.
    pub fn outbox(mut self, outbox: impl Outbox) -> Self {
        self.outbox = Some(Arc::new(outbox));
        self
    }

    /// Where endpoints come from. Must be named.
    pub fn endpoints(mut self, endpoints: impl Endpoints) -> Self {
        self.endpoints = Some(Arc::new(endpoints));
        self
    }

    /// Where requests of the default client may go. Default [`EgressGuard::new`]: to public addresses, over https.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub fn guard(mut self, guard: EgressGuard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// The default client, as you have set it up, with its own guard.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub fn http_client(mut self, client: HttpClient) -> Self {
        self.transport = Some(Arc::new(Guarded(Tower(client))));
        self
    }

    /// A tower client of your own in place of the default one. It must not follow redirects; what it connects to is its own
    /// business, so build it over a `GuardedConnector`, or send through a proxy that guards.
    pub fn client<S, B>(mut self, client: S) -> Self
    where
        S: Service<Request<StoneBody<WebhookBody>>, Response = Response<B>> + Clone,
        S: Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Send,
    {
        self.transport = Some(Arc::new(Tower(client)));
        self
    }

    /// How often, how patiently, and until when. Default [`Policy::standard`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How many attempts each [start](Delivery::start) makes at the same time. Default 64.
    pub fn concurrency(mut self, attempts: usize) -> Self {
        self.settings.concurrency = attempts;
        self
    }

    /// How many of them, in all processes together, to one endpoint. Default 4.
    pub fn per_endpoint(mut self, attempts: u32) -> Self {
        self.settings.per_endpoint = attempts;
        self
    }

    /// How long a message is its worker's. When that is not heard of for so long, another takes it over. Default 30 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How often workers look for what other processes have enqueued. What is enqueued here they hear of at once. Default
    /// 1 s.
    pub fn poll_every(mut self, time: Duration) -> Self {
        self.settings.poll_every = time;
        self
    }

    /// How long an operation of the outbox, or a look-up of an endpoint, may take. Default 1 s.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.settings.store_timeout = timeout;
        self
    }

    /// How long a message is known after it was delivered, so that it is not sent again if it is enqueued again, and can be
    /// listed. Default 24 h.
    pub fn keep_delivered(mut self, time: Duration) -> Self {
        self.settings.keep_delivered = time;
        self
    }

    /// How long a dead letter is kept. Default 30 days.
    pub fn keep_dead(mut self, time: Duration) -> Self {
        self.settings.keep_dead = time;
        self
    }

    /// The largest body of a message, in bytes. Default 256 KiB. Standard Webhooks advises 20 kB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.settings.max_body = bytes;
        self
    }

    /// How much of an answer's body is read, so that its connection can be used again. Nothing of it is kept. Default
    /// 16 KiB.
    pub fn max_answer(mut self, bytes: usize) -> Self {
        self.settings.max_answer = bytes;
        self
    }

    /// What requests say that they come from. Default `stonework-webhooks`.
    pub fn user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.settings.user_agent = user_agent;
        self
    }

    /// Is called for each [`Event`], by the task that made the attempt, which waits for it. It must not block.
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Box::new(hook));
        self
    }

    /// Where time comes from. Default tokio's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes errors of all [warnings](Delivery::warnings).
    pub fn deny_warnings(mut self) -> Self {
        self.deny_warnings = true;
        self
    }

    /// The delivery. Nothing is sent until it is [started](Delivery::start).
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub fn build(self) -> Result<Delivery, ConfigErrors<ConfigError>> {
        let warnings = self.warnings();
        let mut errors = self.settings_errors();
        if self.deny_warnings {
            errors.extend(warnings.iter().map(ConfigError::from));
        }
        if self.endpoints.is_none() {
            errors.push(missing("endpoints"));
        }
        #[cfg(feature = "client")]
        let transport = transport(self.transport, self.guard, &mut errors);
        #[cfg(not(feature = "client"))]
        let transport = self.transport;
        let (Some(endpoints), Some(transport)) = (self.endpoints, transport) else {
            let last = errors.pop().unwrap_or_else(|| missing("client"));
            return ConfigErrors::check(errors, Err(last));
        };
        ConfigErrors::check(errors, Ok(()))?;
        let clock = self.clock.unwrap_or_else(|| Arc::new(TokioClock::new()));
        let memory = || -> Arc<dyn Outbox> { Arc::new(MemoryOutbox::new()) };
        let shared = Shared {
            outbox: self.outbox.unwrap_or_else(memory),
            guard: StoreGuard::new(self.settings.store_timeout, Arc::clone(&clock)),
            endpoints,
            transport,
            policy: self.policy,
            settings: self.settings,
            on_event: self.on_event,
            clock,
            wake: Notify::new(),
        };
        Ok(Delivery::of(shared, warnings))
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.outbox.is_none() {
            warnings.push(Warning::NoOutbox);
        }
        if self.transport.as_ref().is_some_and(|transport| !transport.is_guarded()) {
            warnings.push(Warning::OwnClient);
        }
        if self.settings.lease < self.policy.attempt_timeout {
            warnings.push(Warning::ShortLease(self.settings.lease));
        }
        if self.settings.keep_delivered < HOUR {
            warnings.push(Warning::ShortKeep(self.settings.keep_delivered));
        }
        warnings
    }

    fn settings_errors(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        let settings = &self.settings;
        let counts = [
            ("concurrency", settings.concurrency),
            ("per_endpoint", settings.per_endpoint as usize),
            ("max_body", settings.max_body),
        ];
        for (setting, count) in counts {
            if count == 0 {
                errors.push(ConfigError::new(
                    setting,
                    count,
                    "lets nothing through; use at least 1",
                ));
            }
        }
        let times = [
            ("attempt_timeout", self.policy.attempt_timeout),
            ("lease", settings.lease),
            ("poll_every", settings.poll_every),
            ("store_timeout", settings.store_timeout),
        ];
        for (setting, time) in times {
            if time < Duration::from_millis(10) {
                errors.push(ConfigError::new(setting, time, "is too short; use at least 10 ms"));
            }
        }
        errors
    }
}

fn missing(setting: &'static str) -> ConfigError {
    ConfigError::shown(setting, "none".to_owned(), "must be named")
}

/// The client that was named, or the default one behind this guard. `None` if it cannot be built, and then why is told.
#[cfg(feature = "client")]
fn transport(
    named: Option<Arc<dyn Transport>>,
    guard: Option<EgressGuard>,
    errors: &mut Vec<ConfigError>,
) -> Option<Arc<dyn Transport>> {
    if named.is_some() && guard.is_some() {
        let reason = "stands before the default client only; give it to that, or leave it out";
        errors.push(ConfigError::shown("guard", "with a client".to_owned(), reason));
    }
    if named.is_some() {
        return named;
    }
    match HttpClient::builder().guard(guard.unwrap_or_default()).build() {
        Ok(client) => Some(Arc::new(Guarded(Tower(client)))),
        Err(more) => {
            errors.extend(more);
            None
        }
    }
}

/// A client that has a guard.
#[cfg(feature = "client")]
struct Guarded(Tower<HttpClient>);

#[cfg(feature = "client")]
impl Transport for Guarded {
    fn is_guarded(&self) -> bool {
        true
    }

    fn send<'a>(
        &'a self,
        signing: &'a stonework_webhook_sign::SignLayer,
        request: Request<WebhookBody>,
        limits: crate::transport::Limits,
    ) -> crate::transport::Sending<'a> {
        self.0.send(signing, request, limits)
    }
}

impl fmt::Debug for DeliveryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryBuilder")
            .field("policy", &self.policy)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
