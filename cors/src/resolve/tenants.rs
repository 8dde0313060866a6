use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use moka::future::Cache;
use stonework_core::{
    Clock, ConfigError, ConfigErrors, Key, RequestHead, StoreError, StoreErrorKind, StoreFuture,
    StoreGuard, TokioClock,
};

use super::PolicyResolver;
use crate::Policy;
use crate::store::{Lookup, MOST_ORIGINS, OriginStore, TenantOrigins};

/// The pause between tries while the store is away.
const PAUSE: Duration = Duration::from_millis(250);

/// How often an answer is asked for that is forgotten meanwhile.
const TRIES: usize = 3;

/// moka counts on no more.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Longer names are nobody's, and would fill the cache.
const LONGEST_TENANT: usize = 256;

type TenantFn = Arc<dyn Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync>;

/// A policy for each tenant, whose origins a store knows. Feature `tenants`. Clones share their answers.
///
/// All else, and origins that every tenant allows, are those of a base. What a tenant's origins are is
/// asked once at a time for each tenant, and kept. The first 1,000 origins count, and names of tenants of up
/// to 256 bytes. A tenant's origin is never allowed for another: it is
/// looked up under the tenant that the request is for.
///
/// ```
/// use stonework_cors::store::MemoryStore;
/// use stonework_cors::{CorsLayer, Key, Policy, RequestHead, TenantPolicies};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// /// `acme.api.example.com` is the tenant `acme`.
/// fn tenant(head: &RequestHead<'_>) -> Option<Key> {
///     let host = head.uri.host().or_else(|| head.headers.get("host")?.to_str().ok())?;
///     let name = host.split(':').next()?;
///     name.strip_suffix(".api.example.com").map(Key::from)
/// }
///
/// let base = Policy::builder().methods(["PUT"]).credentials(true).build()?;
/// let tenants = TenantPolicies::builder(base, MemoryStore::new(), tenant).build()?;
/// let cors = CorsLayer::builder().policies(tenants).build()?;
/// # let _ = cors;
/// # Ok(())
/// # }
/// ```
///
/// # What is kept
///
/// An answer is good for [`keep_for`](TenantPoliciesBuilder::keep_for). When the store is away then, the
/// old answer is good for [`stale_for`](TenantPoliciesBuilder::stale_for) more. A tenant of whom nothing
/// is known allows nobody meanwhile, and is asked about again at most four times a second.
#[derive(Clone)]
pub struct TenantPolicies(Arc<Inner>);

struct Inner {
    base: Policy,
    tenant: TenantFn,
    store: Box<dyn OriginStore>,
    guard: StoreGuard,
    clock: Arc<dyn Clock>,
    cache: Cache<Key, Entry>,
    keep_for: Duration,
    keep_unknown_for: Duration,
    stale_for: Duration,
    /// When tenants were forgotten: an answer that was asked for before is not kept. Numbers, since what is
    /// asked for and forgotten in the same instant of a clock has an order too.
    forgotten: Mutex<Forgotten>,
    /// The number of the last such moment, to be seen without the lock.
    number: AtomicU64,
}

/// Tenants that were forgotten lately, each with the number of the moment.
#[derive(Default)]
struct Forgotten {
    tenants: HashMap<Key, u64>,
    /// What was forgotten up to here is not told apart any more: all of it was forgotten then.
    all: u64,
}

/// So many are told apart.
const MOST_FORGOTTEN: usize = 10_000;

impl Forgotten {
    fn forget(&mut self, tenant: &Key, number: u64) {
        if self.tenants.len() >= MOST_FORGOTTEN {
            self.tenants.clear();
            self.all = number;
        }
        self.tenants.insert(tenant.clone(), number);
    }

    /// When this tenant was forgotten last.
    fn last(&self, tenant: &Key) -> u64 {
        self.tenants.get(tenant).copied().unwrap_or(0).max(self.all)
    }
}

#[derive(Clone)]
struct Entry {
    found: Found,
    /// Times of the clock: until then it need not be asked for again, and until then it is of use
    /// while it cannot be asked for.
    fresh_until: Duration,
    good_until: Duration,
    /// The number of the moment at which it was asked for.
    asked_at: u64,
}

#[derive(Clone)]
enum Found {
    Policy(Policy),
    Unknown,
    Nothing,
}

impl Entry {
    fn answer(&self) -> Result<Option<Policy>, StoreError> {
        match &self.found {
            Found::Policy(policy) => Ok(Some(policy.clone())),
            Found::Unknown => Ok(None),
            Found::Nothing => Err(StoreError::new(StoreErrorKind::Unavailable)),
        }
    }

    fn is_fresh(&self, now: Duration) -> bool {
        now < self.fresh_until
    }
}

impl TenantPolicies {
    /// Policies like this one, with the origins that this store knows of the tenant that the closure
    /// finds. It finds none where there is no tenant: then nobody is allowed.
    pub fn builder(
        base: Policy,
        store: impl OriginStore,
        tenant: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
    ) -> TenantPoliciesBuilder {
        TenantPoliciesBuilder {
            base,
            store: Box::new(store),
            tenant: Arc::new(tenant),
            keep_for: Duration::from_secs(60),
            keep_unknown_for: Duration::from_secs(10),
            stale_for: Duration::from_secs(600),
            max_tenants: 10_000,
            store_timeout: Duration::from_millis(500),
        }
    }

    /// Forgets what is known of a tenant, so that a change takes effect with the next request, in this
    /// process. An answer that is under way is asked for again.
    pub async fn forget(&self, tenant: &Key) {
        {
            let mut forgotten = self.0.forgotten();
            let number = self.0.number.load(Ordering::SeqCst) + 1;
            forgotten.forget(tenant, number);
            self.0.number.store(number, Ordering::SeqCst);
        }
        self.0.cache.invalidate(tenant).await;
    }

    /// The answer, if it is there and nothing has to be waited for.
    fn kept(&self, tenant: &Key) -> Option<Entry> {
        let looking = pin!(self.0.cache.get(tenant));
        match looking.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found.filter(|entry| self.0.is_kept(tenant, entry)),
            Poll::Pending => None,
        }
    }

    /// Asks, or waits for who is asking. What was asked for before the tenant was forgotten is asked for
    /// again; if it is forgotten all the time, nobody is allowed.
    async fn ask(self, tenant: Key, old: Option<Entry>) -> Result<Option<Policy>, StoreError> {
        let inner = &self.0;
        let mut old = old;
        for _ in 0..TRIES {
            let now = inner.clock.monotonic();
            let asking = inner.load(&tenant, old.take());
            let is_old = |kept: &Entry| !kept.is_fresh(now) || !inner.is_kept(&tenant, kept);
            let entry = inner.cache.entry_by_ref(&tenant).or_insert_with_if(asking, is_old).await;
            let entry = entry.into_value();
            if inner.is_kept(&tenant, &entry) {
                return entry.answer();
            }
        }
        Err(StoreError::new(StoreErrorKind::Unavailable))
    }
}

impl Inner {
    async fn load(&self, tenant: &Key, old: Option<Entry>) -> Entry {
        let asked_at = self.number.load(Ordering::SeqCst);
        let answer = self.guard.run(|| self.store.origins(Lookup::new(tenant))).await;
        let now = self.clock.monotonic();
        match answer {
            Ok(answer) => self.read(answer, now, asked_at),
            Err(error) => {
                crate::trace::event!(WARN, %error, "the store of origins failed");
                failed(old, now, asked_at)
            }
        }
    }

    fn forgotten(&self) -> MutexGuard<'_, Forgotten> {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Was the tenant not forgotten since this was asked for?
    fn is_kept(&self, tenant: &Key, entry: &Entry) -> bool {
        self.number.load(Ordering::SeqCst) == entry.asked_at
            || self.forgotten().last(tenant) <= entry.asked_at
    }

    fn read(&self, answer: TenantOrigins, now: Duration, asked_at: u64) -> Entry {
        let (found, keep) = match answer {
            TenantOrigins::Listed(origins) => (Found::Policy(self.policy(&origins)), self.keep_for),
            TenantOrigins::Unknown => (Found::Unknown, self.keep_unknown_for),
        };
        let fresh_until = now.saturating_add(keep);
        let good_until = fresh_until.saturating_add(self.stale_for);
        Entry { found, fresh_until, good_until, asked_at }
    }

    fn policy(&self, origins: &[String]) -> Policy {
        let (policy, errors) = self.base.with_origins(origins.iter().take(MOST_ORIGINS));
        for error in &errors {
            crate::trace::event!(WARN, %error, "an origin of a tenant is left out");
        }
        policy
    }
}

/// The old answer, if it is still good, and a pause before the next try.
fn failed(old: Option<Entry>, now: Duration, asked_at: u64) -> Entry {
    let fresh_until = now.saturating_add(PAUSE);
    match old.filter(|old| now < old.good_until) {
        // It is as old as it was: who is forgotten meanwhile is forgotten in it too.
        Some(old) => Entry { fresh_until, ..old },
        None => Entry { found: Found::Nothing, fresh_until, good_until: now, asked_at },
    }
}

impl PolicyResolver for TenantPolicies {
    fn resolve(&self, head: &RequestHead<'_>) -> StoreFuture<Result<Option<Policy>, StoreError>> {
        let tenant =
            (self.0.tenant)(head).filter(|tenant| tenant.as_bytes().len() <= LONGEST_TENANT);
        let Some(tenant) = tenant else { return StoreFuture::ready(Ok(None)) };
        let kept = self.kept(&tenant);
        match kept {
            Some(entry) if entry.is_fresh(self.0.clock.monotonic()) => {
                StoreFuture::ready(entry.answer())
            }
            old => StoreFuture::new(self.clone().ask(tenant, old)),
        }
    }
}

impl fmt::Debug for TenantPolicies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantPolicies").field("base", &self.0.base).finish_non_exhaustive()
    }
}

/// Builds [`TenantPolicies`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct TenantPoliciesBuilder {
    base: Policy,
    store: Box<dyn OriginStore>,
    tenant: TenantFn,
    keep_for: Duration,
    keep_unknown_for: Duration,
    stale_for: Duration,
    max_tenants: u64,
    store_timeout: Duration,
}

impl TenantPoliciesBuilder {
    /// How long an answer is good: a change takes effect within that time. Default 60 s.
    pub fn keep_for(mut self, time: Duration) -> Self {
        self.keep_for = time;
        self
    }

    /// How long it is good that there is no such tenant: a new one is allowed within that time. Default
    /// 10 s.
    pub fn keep_unknown_for(mut self, time: Duration) -> Self {
        self.keep_unknown_for = time;
        self
    }

    /// How long after that an answer is used while the store is away. Default 10 minutes; zero denies
    /// everybody as soon as the store cannot be asked.
    pub fn stale_for(mut self, time: Duration) -> Self {
        self.stale_for = time;
        self
    }

    /// How many answers are kept, those of tenants that do not exist among them. Default 10,000. When
    /// there are more, those that are asked for often stay (TinyLFU), and the others are asked of the
    /// store each time: who makes tenants up drives out nobody, and costs a read for each.
    pub fn max_tenants(mut self, tenants: u64) -> Self {
        self.max_tenants = tenants;
        self
    }

    /// How long the store may take. Default 500 ms.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// The policies.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with the value, the reason and what to do.
    pub fn build(self) -> Result<TenantPolicies, ConfigErrors<ConfigError>> {
        self.build_with(Arc::new(TokioClock::new()))
    }

    /// The policies, under another clock than tokio's: for tests.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_with(
        self,
        clock: Arc<dyn Clock>,
    ) -> Result<TenantPolicies, ConfigErrors<ConfigError>> {
        let errors = self.errors();
        let longest = self.keep_for.max(self.keep_unknown_for).saturating_add(self.stale_for);
        let cache = Cache::builder()
            .max_capacity(self.max_tenants)
            .time_to_live(longest.min(LONGEST))
            .build();
        let inner = Inner {
            base: self.base,
            tenant: self.tenant,
            store: self.store,
            guard: StoreGuard::new(self.store_timeout, Arc::clone(&clock)),
            clock,
            cache,
            keep_for: self.keep_for,
            keep_unknown_for: self.keep_unknown_for,
            stale_for: self.stale_for,
            forgotten: Mutex::default(),
            number: AtomicU64::new(0),
        };
        ConfigErrors::check(errors, Ok(TenantPolicies(Arc::new(inner))))
    }

    fn errors(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        if self.base.is_public() {
            let reason =
                "allows every page for every tenant, whatever the store says; name origins";
            errors.push(ConfigError::shown("base", "origins(\"*\")".to_owned(), reason));
        }
        let times = [
            ("keep_for", self.keep_for, true),
            ("keep_unknown_for", self.keep_unknown_for, true),
            ("stale_for", self.stale_for, false),
            ("store_timeout", self.store_timeout, true),
        ];
        for (setting, time, needed) in times {
            if needed && time < Duration::from_millis(1) {
                errors.push(ConfigError::new(setting, time, "is too short; use at least 1 ms"));
            }
            if time > LONGEST {
                errors.push(ConfigError::new(setting, time, "is too long; use up to 100 years"));
            }
        }
        if self.max_tenants == 0 {
            let reason = "keeps no answer; allow at least 1";
            errors.push(ConfigError::new("max_tenants", self.max_tenants, reason));
        }
        errors
    }
}

impl fmt::Debug for TenantPoliciesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantPoliciesBuilder").field("base", &self.base).finish_non_exhaustive()
    }
}
