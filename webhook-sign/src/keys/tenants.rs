use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use stonework_core::{ConfigError, ConfigErrors, Key, RequestHead, StoreError, StoreFuture};

use super::{KeyProvider, KeySet, Wanted};

/// Longer names are nobody's, and would fill the cache.
const LONGEST_TENANT: usize = 256;

/// moka counts on no more.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

type TenantFn = Arc<dyn Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync>;
type LoadFn = Arc<dyn Fn(Key) -> StoreFuture<Result<Option<KeySet>, StoreError>> + Send + Sync>;

/// Keys of one tenant each, asked of a closure and cached by moka. Feature `tenants`. Clones share the cache.
///
/// Many requests for one tenant ask once. What is not known is kept too, so that made-up tenants are asked for once
/// each; an error is not kept.
///
/// ```
/// use stonework_webhook_sign::keys::{KeySet, TenantKeys, WebhookKey};
/// use stonework_webhook_sign::{Key, StoreFuture};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = TenantKeys::builder(
///     // `/webhooks/acme` is the tenant `acme`.
///     |head| head.uri.path().strip_prefix("/webhooks/").map(Key::from),
///     // Your database.
///     |tenant| StoreFuture::new(async move {
///         let known = tenant.as_bytes() == b"acme";
///         Ok(known.then(|| KeySet::new([WebhookKey::hmac(b"from the database").unwrap()]).unwrap()))
///     }),
/// )
/// .build()?;
/// # let _ = keys;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TenantKeys {
    tenant: TenantFn,
    load: LoadFn,
    cache: Cache<Key, Option<KeySet>>,
}

impl TenantKeys {
    /// `tenant` tells whose keys a request needs, from its head; `load` looks them up.
    pub fn builder(
        tenant: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
        load: impl Fn(Key) -> StoreFuture<Result<Option<KeySet>, StoreError>> + Send + Sync + 'static,
    ) -> TenantKeysBuilder {
        TenantKeysBuilder {
            tenant: Arc::new(tenant),
            load: Arc::new(load),
            max_tenants: 10_000,
            keep_for: Duration::from_secs(60),
        }
    }

    /// Forgets what is known of a tenant, so that its next request asks again. An answer that is on its way meanwhile
    /// is still kept, for as long as any.
    pub async fn forget(&self, tenant: &Key) {
        self.cache.invalidate(tenant).await;
    }
}

impl KeyProvider for TenantKeys {
    fn keys(&self, wanted: Wanted<'_>) -> StoreFuture<Result<Option<KeySet>, StoreError>> {
        let tenant = (self.tenant)(&wanted.head);
        let Some(tenant) = tenant.filter(|tenant| tenant.as_bytes().len() <= LONGEST_TENANT) else {
            return StoreFuture::ready(Ok(None));
        };
        let (cache, load) = (self.cache.clone(), Arc::clone(&self.load));
        StoreFuture::new(async move {
            if let Some(known) = cache.get(&tenant).await {
                return Ok(known);
            }
            let (loading, owner) = (load(tenant.clone()), tenant.clone());
            let own = |keys: KeySet| keys.owned_by(owner);
            let loading = async move { loading.await.map(|keys| keys.map(own)) };
            cache.try_get_with(tenant, loading).await.map_err(shared)
        })
    }
}

/// An error that all who waited for one answer get.
fn shared(error: Arc<StoreError>) -> StoreError {
    let kind = error.kind();
    match Arc::try_unwrap(error) {
        Ok(error) => error,
        Err(error) => StoreError::new(kind).with_source(error),
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantKeys")
            .field("tenants", &self.cache.entry_count())
            .finish_non_exhaustive()
    }
}

/// Builds [`TenantKeys`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct TenantKeysBuilder {
    tenant: TenantFn,
    load: LoadFn,
    max_tenants: u64,
    keep_for: Duration,
}

impl TenantKeysBuilder {
    /// How many tenants are known at once; others are asked for again. Default 10,000.
    pub const fn max_tenants(mut self, tenants: u64) -> Self {
        self.max_tenants = tenants;
        self
    }

    /// How long an answer is good. A secret that was revoked is good for as long. Default 1 min.
    pub const fn keep_for(mut self, time: Duration) -> Self {
        self.keep_for = time;
        self
    }

    /// The keys.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub fn build(self) -> Result<TenantKeys, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        if self.max_tenants == 0 {
            errors.push(ConfigError::new("max_tenants", 0, "keeps nothing; use at least 1"));
        }
        if self.keep_for < Duration::from_millis(1) {
            let reason = "is too short; use at least 1 ms";
            errors.push(ConfigError::new("keep_for", self.keep_for, reason));
        }
        ConfigErrors::check(errors, Ok(()))?;
        let cache = Cache::builder()
            .max_capacity(self.max_tenants)
            .time_to_live(self.keep_for.min(LONGEST))
            .build();
        Ok(TenantKeys { tenant: self.tenant, load: self.load, cache })
    }
}

impl fmt::Debug for TenantKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantKeysBuilder")
            .field("max_tenants", &self.max_tenants)
            .field("keep_for", &self.keep_for)
            .finish_non_exhaustive()
    }
}
