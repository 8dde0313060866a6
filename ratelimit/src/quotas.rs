use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use moka::future::Cache;
use stonework_core::{ConfigError, Key, StoreError, StoreErrorKind, StoreFuture};
use tokio::time::timeout;

use crate::admit::{Asked, AskedAll};
use crate::policy::Limit;
use crate::quota::Quota;

/// Tells the quota of a client: from a database, or a service that knows plans. Feature `quotas`.
///
/// Any `Fn(Key) -> impl Future<Output = Result<Allowance, _>>` is one.
pub trait QuotaProvider: Send + Sync + 'static {
    /// What this client is allowed.
    ///
    /// It is asked once at a time for each client, and the answer is kept. On an error, and if it
    /// takes too long, the policy's own quota applies, and the next request asks again.
    fn allowance(&self, key: &Key) -> StoreFuture<Result<Allowance, StoreError>>;
}

impl<F, Fut, E> QuotaProvider for F
where
    F: Fn(Key) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Allowance, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn allowance(&self, key: &Key) -> StoreFuture<Result<Allowance, StoreError>> {
        let asking = self(key.clone());
        StoreFuture::new(async move {
            let failed = |error| StoreError::new(StoreErrorKind::Unavailable).with_source(error);
            asking.await.map_err(failed)
        })
    }
}

/// What a [`QuotaProvider`] allows a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Allowance {
    /// The policy's own quota.
    Default,
    /// This quota. What the client owes stays: a larger quota pays it off sooner.
    Quota(Quota),
    /// Anything. The policy does not concern the client.
    Unlimited,
}

/// A [`QuotaProvider`], and how long its answers are kept. Feature `quotas`.
///
/// ```
/// use std::time::Duration;
/// use stonework_ratelimit::{Allowance, Key, Quota, Quotas};
///
/// const SECOND: Duration = Duration::from_secs(1);
///
/// // In place of a query.
/// async fn plan_of(account: Key) -> Result<Allowance, std::io::Error> {
///     Ok(match account.as_bytes() {
///         b"partner" => Quota::new(1000, SECOND, 2000).map_or(Allowance::Default, Allowance::Quota),
///         _ => Allowance::Default,
///     })
/// }
///
/// Quotas::new(plan_of).keep_for(60 * SECOND);
/// ```
#[derive(Clone)]
#[must_use = "quotas do nothing until they are given to a policy"]
pub struct Quotas {
    provider: Arc<dyn QuotaProvider>,
    cache: Cache<Key, Allowance>,
    keep_for: Duration,
    max_clients: u64,
    patience: Duration,
}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quotas")
            .field("keep_for", &self.keep_for)
            .field("max_clients", &self.max_clients)
            .finish_non_exhaustive()
    }
}

impl Quotas {
    /// Asks this provider.
    pub fn new(provider: impl QuotaProvider) -> Self {
        let (keep_for, max_clients) = (Duration::from_secs(60), 100_000);
        Self {
            provider: Arc::new(provider),
            cache: cache(keep_for, max_clients),
            keep_for,
            max_clients,
            patience: Duration::from_millis(500),
        }
    }

    /// How long an answer holds: a change of a client's quota takes effect within that time.
    /// Default 60 s.
    pub fn keep_for(self, time: Duration) -> Self {
        Self { cache: cache(time, self.max_clients), keep_for: time, ..self }
    }

    /// How many answers are kept. Default 100,000. With more clients some are asked for more often.
    pub fn max_clients(self, clients: u64) -> Self {
        Self { cache: cache(self.keep_for, clients), max_clients: clients, ..self }
    }

    /// How long the provider may take. Default 500 ms; then the policy's own quota applies.
    pub fn patience(self, time: Duration) -> Self {
        Self { patience: time, ..self }
    }

    /// Forgets the answer for this client, so that a change takes effect with the next request, in
    /// this process. Clones share their answers.
    pub async fn forget(&self, key: &Key) {
        self.cache.invalidate(key).await;
    }

    /// What is wrong with the settings, in the policy of this name.
    pub(crate) fn errors(&self, policy: &str, errors: &mut Vec<ConfigError>) {
        // The cache counts on no more.
        const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        let mut check = |wrong: bool, setting, value: &dyn fmt::Debug, reason| {
            if wrong {
                errors.push(ConfigError::shown(
                    setting,
                    format!("{value:?}, of {policy:?}"),
                    reason,
                ));
            }
        };
        let Self { keep_for, patience, max_clients, .. } = self;
        let never = keep_for.is_zero() || *keep_for > LONGEST;
        check(never, "keep_for", keep_for, "keeps no answer, or for ever; use up to 100 years");
        check(patience.is_zero(), "patience", patience, "waits for no answer; use some 100 ms");
        check(*max_clients == 0, "max_clients", max_clients, "keeps no answer; use at least 1");
    }

    /// The answer, if it is there and nothing has to be waited for.
    fn kept(&self, key: &Key) -> Option<Allowance> {
        let looking = pin!(self.cache.get(key));
        match looking.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found,
            Poll::Pending => None,
        }
    }

    async fn ask(&self, key: &Key) -> Allowance {
        // Calling the method may ask already, so whoever waits for another's answer must not.
        let allowance = async { self.provider.allowance(key).await };
        let asking = self.cache.try_get_with_by_ref(key, allowance);
        match timeout(self.patience, asking).await {
            Ok(Ok(allowance)) => allowance,
            _ => {
                crate::trace::event!(DEBUG, "the provider of quotas failed");
                Allowance::Default
            }
        }
    }
}

/// What may be lost may be in moka: an answer can be asked for again.
fn cache(keep_for: Duration, max_clients: u64) -> Cache<Key, Allowance> {
    // moka panics beyond a thousand years; such a setting is an error of the layer, later.
    let keep_for = keep_for.min(Duration::from_secs(1_000_000_000));
    Cache::builder().max_capacity(max_clients).time_to_live(keep_for).build()
}

/// Fills in the quotas. `false` if some are not known; then nothing was filled in.
pub(crate) fn fill(limits: &[Limit], asked: &mut AskedAll) -> bool {
    if asked.iter().all(|asked| asked.limit(limits).quotas.is_none()) {
        return true;
    }
    let kept = |asked: &Asked| match &asked.limit(limits).quotas {
        None => Some(Allowance::Default),
        Some(quotas) => quotas.kept(&asked.key),
    };
    let kept: Option<Vec<_>> = asked.iter().map(kept).collect();
    if let Some(allowances) = &kept {
        allow(asked, allowances);
    }
    kept.is_some()
}

/// Asks for the quotas that are not known.
pub(crate) async fn ask(limits: &[Limit], asked: &mut AskedAll) {
    let mut allowances = Vec::with_capacity(asked.len());
    for asked in &*asked {
        allowances.push(match &asked.limit(limits).quotas {
            None => Allowance::Default,
            Some(quotas) => quotas.ask(&asked.key).await,
        });
    }
    allow(asked, &allowances);
}

fn allow(asked: &mut AskedAll, allowances: &[Allowance]) {
    let mut allowances = allowances.iter();
    asked.retain(|asked| match allowances.next() {
        Some(Allowance::Unlimited) => false,
        Some(Allowance::Quota(quota)) => {
            asked.quota = *quota;
            true
        }
        _ => true,
    });
}
