use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{Method, Response};
use stonework_core::{
    Clock, ConfigError, ConfigErrors, Problem, RequestHead, StoreGuard, TokioClock,
};
use tower_layer::Layer;

use crate::admit::Skip;
use crate::concurrency::{Concurrency, Gate};
use crate::decision::{Decision, Policies};
use crate::headers::{Headers, Renderer, Told};
use crate::outage::Outage;
use crate::partition::Partition;
use crate::policy::{Limit, Policy};
use crate::rejection::{PROBLEM_BASE, Rejection};
use crate::reply::left;
use crate::service::RateLimitService;
use crate::shared::{HookFn, RefundFn, RenderFn, Shared};
use crate::store::RateLimitStore;
use crate::warning::Warning;

/// A request is asked under all of them at once.
const MOST_POLICIES: usize = 1_000;

/// Denies requests that exceed their client's quota.
///
/// See the [crate](crate) for what it promises and what it cannot.
#[derive(Clone)]
pub struct RateLimitLayer {
    pub(crate) shared: Arc<Shared>,
    warnings: Arc<[Warning]>,
}

impl RateLimitLayer {
    /// A builder with the defaults that its methods name. It needs a
    /// [`policy`](RateLimitLayerBuilder::policy) or a
    /// [`concurrency`](RateLimitLayerBuilder::concurrency) policy.
    pub fn builder() -> RateLimitLayerBuilder {
        RateLimitLayerBuilder::new()
    }

    /// What is allowed and may surprise.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer").field("shared", &self.shared).finish()
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimitService::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds a [`RateLimitLayer`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct RateLimitLayerBuilder {
    policies: Vec<Policy>,
    concurrency: Vec<Concurrency>,
    skip: Skip,
    store: Option<Arc<dyn RateLimitStore>>,
    store_timeout: Duration,
    forgetful: bool,
    on_outage: Option<Outage>,
    headers: Headers,
    partition_secret: Option<Vec<u8>>,
    adjustable: bool,
    tells: bool,
    refund_when: Option<RefundFn>,
    on_decision: Option<HookFn>,
    problem_base: String,
    render: Option<RenderFn>,
    deny_warnings: bool,
}

impl fmt::Debug for RateLimitLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayerBuilder")
            .field("policies", &self.policies)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

impl RateLimitLayerBuilder {
    fn new() -> Self {
        Self {
            policies: Vec::new(),
            concurrency: Vec::new(),
            skip: Skip { preflights: true, methods: Vec::new(), paths: Vec::new(), when: None },
            store: None,
            store_timeout: Duration::from_millis(100),
            forgetful: true,
            on_outage: None,
            headers: Headers::default(),
            partition_secret: None,
            adjustable: false,
            tells: true,
            refund_when: None,
            on_decision: None,
            problem_base: PROBLEM_BASE.to_owned(),
            render: None,
            deny_warnings: false,
        }
    }

    /// Adds a limit. With several, a request is granted by all of them or charged by none.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }

    /// Adds a limit on requests that are under way at once, in this process.
    pub fn concurrency(mut self, policy: Concurrency) -> Self {
        self.concurrency.push(policy);
        self
    }

    /// Where buckets are kept. The default is a [`MemoryStore`](crate::store::MemoryStore) of this
    /// layer (feature `memory`).
    pub fn store(mut self, store: impl RateLimitStore) -> Self {
        self.forgetful = is_forgetful(&store);
        self.store = Some(Arc::new(store));
        self
    }

    /// How long to wait for one answer of the store. Default 100 ms.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// What to do while the store does not answer, or answers with an error. Default
    /// [`Outage::LocalFallback`] with one node: limits hold within each process, neither for all
    /// together nor not at all. Without the feature `memory` it must be chosen.
    pub fn on_outage(mut self, outage: Outage) -> Self {
        self.on_outage = Some(outage);
        self
    }

    /// What to tell clients of their limits. Default [`Headers::Draft10`].
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Tells clients a partition key (`pk`, [`Headers::Draft10`] only): a hash of what they are
    /// counted by, keyed by this secret, of 16 bytes or more. Processes that share the secret tell
    /// the same. By default there is none.
    pub fn partition_secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.partition_secret = Some(secret.as_ref().to_owned());
        self
    }

    /// Counts CORS preflights too. By default they pass: a browser sends them unasked.
    pub fn count_preflights(mut self) -> Self {
        self.skip.preflights = false;
        self
    }

    /// Requests of these methods pass uncounted.
    pub fn skip_methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.skip.methods.extend(methods);
        self
    }

    /// Requests of exactly these paths pass uncounted: health checks, for instance.
    pub fn skip_paths<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.skip.paths.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Requests for which this holds pass uncounted.
    pub fn skip_when(
        mut self,
        when: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.skip.when = Some(Arc::new(when));
        self
    }

    /// Lets handlers correct what a request costs: puts a [`Charge`](crate::Charge) into its
    /// extensions. Default `false`.
    pub fn adjustable(mut self, adjustable: bool) -> Self {
        self.adjustable = adjustable;
        self
    }

    /// Gives back what a request was charged if this holds of its response, at once, whatever its
    /// handler said or will say. By default whatever was granted is charged, refusals by inner layers too: otherwise
    /// failed logins would be free.
    ///
    /// ```
    /// use stonework_ratelimit::{NotExecuted, RateLimitLayer};
    ///
    /// // What an inner layer refused before anything happened costs nothing.
    /// RateLimitLayer::builder()
    ///     .refund_when(|response| response.extensions.get::<NotExecuted>().is_some());
    /// ```
    pub fn refund_when(mut self, refund: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.refund_when = Some(Arc::new(refund));
        self
    }

    /// Whether the [`Decision`] is left in the extensions of request and response. Default `true`.
    /// Without it, and without headers, a request that is granted costs no allocation.
    pub fn extensions(mut self, leave: bool) -> Self {
        self.tells = leave;
        self
    }

    /// Called with every decision that was made of buckets, granted or not: for metrics, and to see
    /// what a policy in shadow would have denied. Other [rejections](Rejection) are in the response. It is on the request's path; count, and do nothing else.
    pub fn on_decision(
        mut self,
        hook: impl Fn(&Decision, &RequestHead<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_decision = Some(Arc::new(hook));
        self
    }

    /// What the type URIs of problems begin with; their last part is the rejection's
    /// [`slug`](Rejection::slug). Default `urn:stonework:ratelimit:`. A quota that is exceeded has
    /// the registered type `https://iana.org/assignments/http-problem-types#quota-exceeded`.
    pub fn problem_base(mut self, base: impl Into<String>) -> Self {
        self.problem_base = base.into();
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
        self.render = Some(Arc::new(render));
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
    pub fn build(mut self) -> Result<RateLimitLayer, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        self.find_errors(&mut errors);
        let on_outage = self.outage(&mut errors);
        let names: Vec<_> = self.names().map(Arc::clone).collect();
        let policies = std::mem::take(&mut self.policies);
        let limits: Vec<Limit> =
            policies.into_iter().filter_map(|policy| policy.check(&mut errors)).collect();
        let gates: Vec<Gate> = std::mem::take(&mut self.concurrency)
            .into_iter()
            .map(|policy| policy.check(&mut errors))
            .collect();
        check_names(&names, &mut errors);
        let warnings = self.find_warnings(&limits, on_outage);
        if self.deny_warnings {
            errors.extend(warnings.iter().map(ConfigError::from));
        }
        let store = self.store.take().map_or_else(default_store, Ok);
        let store = ConfigErrors::check(errors, store)?;
        let shared = Arc::new(self.shared(limits, gates, store, on_outage));
        Ok(RateLimitLayer { shared, warnings: warnings.into() })
    }

    fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        let policies = self.policies.iter().map(Policy::name);
        policies.chain(self.concurrency.iter().map(Concurrency::name))
    }

    fn shared(
        self,
        limits: Vec<Limit>,
        gates: Vec<Gate>,
        store: Arc<dyn RateLimitStore>,
        on_outage: Outage,
    ) -> Shared {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
        let told = limits.iter().map(|limit| Told {
            name: &limit.name,
            quota: limit.fixed_quota(),
            shadow: limit.shadow,
        });
        let denial = |limit: &Limit| {
            let violated = vec![limit.name.as_ref().to_owned().into()];
            Rejection::QuotaExceeded.problem(&self.problem_base, violated)
        };
        Shared {
            denials: limits.iter().map(denial).collect(),
            left: left(),
            policies: Arc::new(Policies {
                terms: limits.iter().map(|limit| (Arc::clone(&limit.name), limit.quota)).collect(),
                renderer: Renderer::new(self.headers, told),
                clock: Arc::clone(&clock),
            }),
            limits,
            gates,
            skip: self.skip,
            store,
            guard: StoreGuard::new(self.store_timeout, clock),
            on_outage,
            #[cfg(feature = "memory")]
            fallback: fallback(on_outage),
            partition: self.partition_secret.as_deref().and_then(Partition::new),
            adjustable: self.adjustable,
            tells: self.tells,
            refund_when: self.refund_when,
            on_decision: self.on_decision,
            problem_base: self.problem_base,
            render: self.render,
        }
    }

    fn outage(&self, errors: &mut Vec<ConfigError>) -> Outage {
        let default = cfg!(feature = "memory").then_some(Outage::LocalFallback { nodes: 1 });
        match self.on_outage.or(default) {
            Some(Outage::LocalFallback { nodes: 0 }) => {
                let reason = "is no number of processes; use at least 1";
                errors.push(ConfigError::new("on_outage", "LocalFallback { nodes: 0 }", reason));
            }
            Some(Outage::LocalFallback { .. }) if !cfg!(feature = "memory") => {
                let reason = "needs the feature `memory`; turn it on, or use Open or Closed";
                errors.push(ConfigError::new("on_outage", "LocalFallback", reason));
            }
            Some(outage) => return outage,
            None => {
                let reason = "choose Open or Closed, or turn the feature `memory` on";
                errors.push(ConfigError::new("on_outage", "unset", reason));
            }
        }
        Outage::Closed
    }

    fn find_errors(&self, errors: &mut Vec<ConfigError>) {
        if self.policies.is_empty() && self.concurrency.is_empty() {
            errors.push(ConfigError::new("policy", "none", "limits nothing; add a policy"));
        }
        if self.policies.len() > MOST_POLICIES {
            let reason = "is more than a request can be asked; use fewer";
            errors.push(ConfigError::new("policy", self.policies.len(), reason));
        }
        if self.store_timeout < Duration::from_millis(1) {
            let reason = "is too short; use at least 1 ms";
            errors.push(ConfigError::new("store_timeout", self.store_timeout, reason));
        }
        if self.partition_secret.as_ref().is_some_and(|secret| secret.len() < 16) {
            // Never the secret itself.
            let reason = "is short enough to be guessed; use 16 random bytes or more";
            errors.push(ConfigError::new("partition_secret", "too short", reason));
        }
    }

    fn find_warnings(&self, limits: &[Limit], on_outage: Outage) -> Vec<Warning> {
        /// A flood that fills a store takes seconds; a bucket that takes longer to fill is worth
        /// it.
        const SLOW: Duration = Duration::from_secs(60);
        let slow = limits.iter().filter(|limit| self.forgetful && limit.quota.refill() > SLOW);
        let mut warnings: Vec<_> = slow
            .map(|limit| Warning::ForgetfulStore {
                policy: limit.name.as_ref().to_owned(),
                refill: limit.quota.refill(),
            })
            .collect();
        if on_outage == Outage::Open {
            warnings.push(Warning::OutageOpen);
        }
        warnings
    }
}

/// Two of one name would share their buckets, and pay twice.
fn check_names(names: &[Arc<str>], errors: &mut Vec<ConfigError>) {
    let mut known = HashSet::new();
    for name in names.iter().filter(|name| !known.insert(Arc::clone(name))) {
        errors.push(ConfigError::new("policy", name, "is there twice; give each its own name"));
    }
}

/// Does the store give up buckets of its own accord? It is known of ours, given as it is.
fn is_forgetful<S: RateLimitStore>(store: &S) -> bool {
    let store: &dyn Any = store;
    #[cfg(feature = "memory")]
    if let Some(store) = store.downcast_ref::<crate::store::MemoryStore>() {
        return store.overflow() == crate::store::Overflow::EvictNearestFull;
    }
    let _ = store;
    false
}

#[cfg(feature = "memory")]
fn fallback(outage: Outage) -> Option<crate::fallback::Fallback> {
    let Outage::LocalFallback { nodes } = outage else { return None };
    Some(crate::fallback::Fallback { store: crate::store::MemoryStore::new(), nodes })
}

#[cfg(feature = "memory")]
fn default_store() -> Result<Arc<dyn RateLimitStore>, ConfigError> {
    Ok(Arc::new(crate::store::MemoryStore::new()))
}

#[cfg(not(feature = "memory"))]
fn default_store() -> Result<Arc<dyn RateLimitStore>, ConfigError> {
    Err(ConfigError::new("store", "unset", "name a store, or turn the feature `memory` on"))
}
