use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use moka::future::Cache;
use stonework_core::{Clock, Key, StoreError, StoreErrorKind, StoreFuture, StoreGuard, TokioClock};

use crate::VersionLayer;
use crate::shared::Shared;
use crate::store::{Change, Changed, Lookup, Pin, PinStore, Pinned, Unpinned};

/// The pause between tries while the store is away.
const PAUSE: Duration = Duration::from_millis(250);

/// Which version requests that name none get: the one that their account is pinned to. Feature `accounts`.
///
/// The first such request of an account pins it, to the newest version or to [`first`](Self::first). It
/// keeps that version until somebody [moves](AccountPins::change) it. A version that a request names is
/// served to that request, and moves nothing.
///
/// ```
/// use stonework_versioning::store::MemoryStore;
/// use stonework_versioning::{DateVersion, Header, Key, Pins, VersionLayer};
///
/// #[derive(Clone)]
/// struct Account(u64);
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let versions = VersionLayer::builder::<DateVersion>()
///     .version("2025-09-30", |v| v)
///     .version("2026-03-10", |v| v)
///     .read(Header::named("acme-version"))
///     .account(|head| head.extensions.get::<Account>().map(|account| Key::from(account.0)))
///     .pins(Pins::new(MemoryStore::new()))
///     .build()?;
/// # let _ = versions;
/// # Ok(())
/// # }
/// ```
///
/// # What is kept
///
/// A pin is read once in [`keep_for`](Self::keep_for) by each process. When the store is away then, the old
/// answer is good for [`stale_for`](Self::stale_for) more. A request whose pin is not known is answered 503,
/// unless [`on_outage`](Self::on_outage) says otherwise: another version than the pinned one would have
/// another shape.
pub struct Pins {
    store: Box<dyn PinStore>,
    pub(crate) first: Option<String>,
    pub(crate) on_outage: PinOutage,
    pub(crate) varies_by: String,
    keep_for: Duration,
    stale_for: Duration,
    max_accounts: u64,
    store_timeout: Duration,
}

/// What becomes of a request whose pin is not known, since the store does not answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinOutage {
    /// It is answered 503.
    #[default]
    Refuse,
    /// It gets this version.
    Serve(String),
}

impl Pins {
    /// Pins that are kept in this store.
    pub fn new(store: impl PinStore) -> Self {
        Self {
            store: Box::new(store),
            first: None,
            on_outage: PinOutage::Refuse,
            varies_by: "authorization".to_owned(),
            keep_for: Duration::from_secs(10),
            stale_for: Duration::from_secs(600),
            max_accounts: 100_000,
            store_timeout: Duration::from_millis(500),
        }
    }

    /// The version that accounts are pinned to at first. Default: the newest there is then.
    #[must_use]
    pub fn first(self, version: &str) -> Self {
        Self { first: Some(version.to_owned()), ..self }
    }

    /// What becomes of a request whose pin is not known. Default [`PinOutage::Refuse`].
    #[must_use]
    pub fn on_outage(self, outage: PinOutage) -> Self {
        Self { on_outage: outage, ..self }
    }

    /// The header that tells the account, for `Vary`: a cache that is shared must not give one account what
    /// is another's. Default `authorization`.
    #[must_use]
    pub fn varies_by(self, header: &str) -> Self {
        Self { varies_by: header.to_owned(), ..self }
    }

    /// How long an answer is good: a move takes effect in every process within that time. Default 10 s.
    #[must_use]
    pub fn keep_for(self, time: Duration) -> Self {
        Self { keep_for: time, ..self }
    }

    /// How long after that it is used while the store is away. Default 10 minutes.
    #[must_use]
    pub fn stale_for(self, time: Duration) -> Self {
        Self { stale_for: time, ..self }
    }

    /// How many answers are kept. Default 100,000.
    #[must_use]
    pub fn max_accounts(self, accounts: u64) -> Self {
        Self { max_accounts: accounts, ..self }
    }

    /// How long the store may take. Default 500 ms.
    #[must_use]
    pub fn store_timeout(self, timeout: Duration) -> Self {
        Self { store_timeout: timeout, ..self }
    }

    pub(crate) fn faults(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let times = [("keep_for", self.keep_for), ("store_timeout", self.store_timeout)];
        times.into_iter().filter(|(_, time)| *time < Duration::from_millis(1))
    }

    pub(crate) fn cached(self, first: Arc<str>) -> CachedPins {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
        let cache = Cache::builder().max_capacity(self.max_accounts);
        CachedPins(Arc::new(Inner {
            store: self.store,
            guard: StoreGuard::new(self.store_timeout, Arc::clone(&clock)),
            clock,
            cache: cache.build(),
            first,
            keep_for: self.keep_for,
            stale_for: self.stale_for,
        }))
    }
}

impl fmt::Debug for Pins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pins").field("first", &self.first).finish_non_exhaustive()
    }
}

/// Answers of a store, kept for a while. Clones share them.
#[derive(Clone)]
pub(crate) struct CachedPins(Arc<Inner>);

struct Inner {
    store: Box<dyn PinStore>,
    guard: StoreGuard,
    clock: Arc<dyn Clock>,
    cache: Cache<Key, Entry>,
    /// The version of who is not pinned yet.
    first: Arc<str>,
    keep_for: Duration,
    stale_for: Duration,
}

#[derive(Clone)]
struct Entry {
    /// Nothing if the store did not say.
    version: Option<Arc<str>>,
    /// Times of the clock.
    fresh_until: Duration,
    good_until: Duration,
}

impl Entry {
    fn answer(&self) -> Result<Arc<str>, StoreError> {
        self.version.clone().ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable))
    }
}

impl CachedPins {
    /// The version of an account, which is pinned if it was not.
    pub(crate) fn find(&self, account: &Key) -> StoreFuture<Result<Arc<str>, StoreError>> {
        match self.kept(account) {
            Some(entry) if self.is_fresh(&entry) => StoreFuture::ready(entry.answer()),
            old => StoreFuture::new(self.clone().ask(account.clone(), old)),
        }
    }

    fn kept(&self, account: &Key) -> Option<Entry> {
        let looking = pin!(self.0.cache.get(account));
        match looking.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found,
            Poll::Pending => None,
        }
    }

    fn is_fresh(&self, entry: &Entry) -> bool {
        self.0.clock.monotonic() < entry.fresh_until
    }

    /// Asks, or waits for who is asking.
    async fn ask(self, account: Key, old: Option<Entry>) -> Result<Arc<str>, StoreError> {
        let now = self.0.clock.monotonic();
        let is_old = |kept: &Entry| kept.fresh_until <= now;
        let asking = self.0.load(&account, old);
        let entry = self.0.cache.entry_by_ref(&account).or_insert_with_if(asking, is_old).await;
        entry.into_value().answer()
    }
}

impl Inner {
    /// Makes a step that changes a pin, and keeps what is known of it then. In turn with those who are asking: what
    /// was asked before the change is not kept after it.
    async fn step<T>(
        &self,
        account: &Key,
        step: impl Future<Output = Result<T, StoreError>>,
        known: impl Fn(&T) -> Option<Arc<str>>,
    ) -> Result<T, StoreError> {
        let (mut made, mut outcome) = (pin!(step), None);
        loop {
            let keep = async {
                let answer = made.as_mut().await;
                let entry = self.entry(answer.as_ref().ok().and_then(&known));
                outcome = Some(answer);
                entry
            };
            self.cache.entry_by_ref(account).or_insert_with_if(keep, |_| true).await;
            // Whoever comes while somebody asks is given that answer, and has made no step yet.
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    /// What is known now. What is not is asked for.
    fn entry(&self, version: Option<Arc<str>>) -> Entry {
        let now = self.clock.monotonic();
        if version.is_none() {
            return Entry { version, fresh_until: now, good_until: now };
        }
        let fresh_until = now.saturating_add(self.keep_for);
        Entry { version, fresh_until, good_until: fresh_until.saturating_add(self.stale_for) }
    }

    async fn load(&self, account: &Key, old: Option<Entry>) -> Entry {
        let pin = Pin::new(account, &self.first);
        let answer = self.guard.run(|| self.store.pin_if_absent(pin)).await;
        let now = self.clock.monotonic();
        let version = match answer {
            Ok(Pinned::To(version)) => Some(version.into()),
            Ok(Pinned::Full) => None,
            Err(error) => {
                crate::trace::failed!(error, "the store of pins failed");
                match old.filter(|old| now < old.good_until) {
                    Some(old) => return Entry { fresh_until: now.saturating_add(PAUSE), ..old },
                    None => None,
                }
            }
        };
        let keep = if version.is_some() { self.keep_for } else { PAUSE };
        let fresh_until = now.saturating_add(keep);
        Entry { version, fresh_until, good_until: fresh_until.saturating_add(self.stale_for) }
    }
}

/// Looks at pins and moves them: for the pages on which an owner, or the account itself, does so. Made by
/// [`VersionLayer::account_pins`].
#[derive(Clone)]
pub struct AccountPins {
    pins: CachedPins,
    shared: Arc<Shared>,
}

impl VersionLayer {
    /// The pins of accounts, if the layer has any. Feature `accounts`.
    #[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
    pub fn account_pins(&self) -> Option<AccountPins> {
        let pins = self.shared.accounts.pins.clone()?;
        Some(AccountPins { pins, shared: Arc::clone(&self.shared) })
    }
}

impl AccountPins {
    /// The version that an account is pinned to, as the store has it.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn get(&self, account: &Key) -> Result<Option<String>, StoreError> {
        let inner = &self.pins.0;
        inner.guard.run(|| inner.store.get(Lookup::new(account))).await
    }

    /// Moves an account from one version to another, if it is pinned to the first. Other processes notice
    /// within [`keep_for`](Pins::keep_for).
    ///
    /// # Errors
    ///
    /// When the store does not answer, or, as [`StoreErrorKind::Refused`], when `to` is none of the layer's
    /// versions. If the future is dropped, the move may have been made.
    pub async fn change(&self, account: &Key, from: &str, to: &str) -> Result<Changed, StoreError> {
        let (from, to) = (self.name(from).unwrap_or(from), self.name(to));
        let Some(to) = to else {
            let refused = StoreError::new(StoreErrorKind::Refused);
            return Err(refused.with_source("it is none of the layer's versions"));
        };
        let inner = &self.pins.0;
        let change =
            inner.guard.run(|| inner.store.compare_and_set(Change::new(account, from, to)));
        let known = |changed: &Changed| match changed {
            Changed::Yes => Some(to.into()),
            Changed::PinnedTo(other) => Some(other.as_str().into()),
            Changed::NotPinned => None,
        };
        inner.step(account, change, known).await
    }

    /// Takes the pin off an account. Its next request that names no version pins it anew.
    ///
    /// # Errors
    ///
    /// When the store does not answer. If the future is dropped, the pin may be off.
    pub async fn unpin(&self, account: &Key) -> Result<Unpinned, StoreError> {
        let inner = &self.pins.0;
        let unpin = inner.guard.run(|| inner.store.unpin(Lookup::new(account)));
        inner.step(account, unpin, |_| None).await
    }

    /// A version in its canonical form, if it is one of the layer's.
    fn name(&self, text: &str) -> Option<&str> {
        self.shared.table.find(text).map(|index| self.shared.name(index))
    }
}

impl fmt::Debug for AccountPins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountPins").field("layer", &self.shared).finish_non_exhaustive()
    }
}
