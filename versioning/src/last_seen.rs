use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use stonework_core::{Key, StoreError, StoreGuard, TokioClock};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::store::{Seen, UsageStore, User, Users};
use crate::{Index, Moment, VersionLayer};

/// So many are written at once.
const AT_ONCE: usize = 64;

/// Remembers when each account last used each version, so that an owner can write to those who still use an
/// old one. Feature `accounts`.
///
/// Nobody waits for it: what is to be remembered is written beside the request, once in
/// [`every`](Self::every) for each account and version. What the store does not take, or not in time, is not
/// remembered, and [counted](VersionUsers::dropped).
///
/// ```
/// use std::sync::Arc;
///
/// use stonework_versioning::store::MemoryStore;
/// use stonework_versioning::{Header, Key, LastSeen, Major, VersionLayer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let versions = VersionLayer::builder::<Major>()
///     .version("1", |v| v)
///     .version("2", |v| v)
///     .read(Header::named("api-version"))
///     .account(|head| head.headers.get("x-account").map(|id| Key::from(id.as_bytes())))
///     .last_seen(LastSeen::new(MemoryStore::new()))
///     .build()?;
///
/// let users = versions.users().ok_or("the layer has none")?;
/// for user in users.of("1", 100).await? {
///     println!("{:?} still uses v1", user.account);
/// }
/// # Ok(())
/// # }
/// ```
pub struct LastSeen {
    store: Arc<dyn UsageStore>,
    every: Duration,
    max_accounts: u64,
    store_timeout: Duration,
}

impl LastSeen {
    /// Remembered in this store.
    pub fn new(store: impl UsageStore) -> Self {
        Self {
            store: Arc::new(store),
            every: Duration::from_secs(60),
            max_accounts: 100_000,
            store_timeout: Duration::from_millis(500),
        }
    }

    /// How often an account that goes on using a version is written down, to the second. Default 60 s.
    #[must_use]
    pub fn every(self, time: Duration) -> Self {
        Self { every: time, ..self }
    }

    /// Of how many accounts it is known that they were written down. Default 100,000. Others are written
    /// down each time.
    #[must_use]
    pub fn max_accounts(self, accounts: u64) -> Self {
        Self { max_accounts: accounts, ..self }
    }

    /// How long the store may take. Default 500 ms.
    #[must_use]
    pub fn store_timeout(self, timeout: Duration) -> Self {
        Self { store_timeout: timeout, ..self }
    }

    pub(crate) fn recorder(self) -> Recorder {
        Recorder(Arc::new(Inner {
            guard: StoreGuard::new(self.store_timeout, Arc::new(TokioClock::new())),
            store: self.store,
            every: self.every,
            written: Cache::new(self.max_accounts),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            dropped: AtomicU64::new(0),
        }))
    }
}

impl fmt::Debug for LastSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastSeen").field("every", &self.every).finish_non_exhaustive()
    }
}

#[derive(Clone)]
pub(crate) struct Recorder(Arc<Inner>);

struct Inner {
    store: Arc<dyn UsageStore>,
    guard: StoreGuard,
    every: Duration,
    /// When who was written down last.
    written: Cache<(Key, Index), Moment>,
    permits: Arc<Semaphore>,
    dropped: AtomicU64,
}

impl Recorder {
    pub(crate) fn see(&self, account: Key, index: Index, version: &Arc<str>, now: Moment) {
        let who = (account, index);
        let last = self.0.written.get(&who);
        if last.is_some_and(|last| last <= now && now < last.plus(self.0.every)) {
            return;
        }
        let (Ok(permit), Ok(runtime)) =
            (Arc::clone(&self.0.permits).try_acquire_owned(), Handle::try_current())
        else {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.0.written.insert(who.clone(), now);
        let (recorder, version) = (self.clone(), Arc::clone(version));
        runtime.spawn(async move {
            recorder.write(who, &version, now).await;
            drop(permit);
        });
    }

    async fn write(&self, who: (Key, Index), version: &str, now: Moment) {
        let seen = Seen::new(&who.0, version, now);
        if let Err(error) = self.0.guard.run(|| self.0.store.seen(seen)).await {
            crate::trace::failed!(error, "the store of usage failed");
            self.0.written.invalidate(&who);
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Tells who uses which version: for the pages of an owner. Made by [`VersionLayer::users`].
#[derive(Clone)]
pub struct VersionUsers {
    recorder: Recorder,
    layer: VersionLayer,
}

impl VersionLayer {
    /// The users of versions, if the layer remembers them. Feature `accounts`.
    #[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
    pub fn users(&self) -> Option<VersionUsers> {
        let recorder = self.shared.accounts.last_seen.clone()?;
        Some(VersionUsers { recorder, layer: self.clone() })
    }
}

impl VersionUsers {
    /// Who was seen using a version, last seen first, so many at most. Nobody uses what is none of the
    /// layer's versions.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn of(&self, version: &str, most: usize) -> Result<Vec<User>, StoreError> {
        let shared = &self.layer.shared;
        let Some(index) = shared.table.find(version) else { return Ok(Vec::new()) };
        let users = Users::new(shared.name(index), most);
        let inner = &self.recorder.0;
        inner.guard.run(|| inner.store.users(users)).await
    }

    /// How often something could not be remembered, in this process.
    pub fn dropped(&self) -> u64 {
        self.recorder.0.dropped.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for VersionUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionUsers").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}
