mod recent;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use recent::Recent;
use stonework_core::{Key, StoreError, StoreFuture};

use super::pins::LONGEST_ACCOUNT;
use super::{
    Change, Changed, Lookup, Pin, PinStore, Pinned, Seen, Unpinned, UsageStore, User, Users,
};

/// How many accounts there may be, unless it is said otherwise.
const MOST_ACCOUNTS: usize = 100_000;

/// Of how many versions the users are known.
const MOST_VERSIONS: usize = 4_096;

type Pins = HashMap<Key, String>;
type Usage = Recent<String, Recent<Key, ()>>;

/// Keeps pins and usage in this process. Clones share them.
///
/// It is bounded, in accounts that are pinned, and in accounts that are known to use each of 4,096
/// versions. A pin that there is no room for is refused, and none is ever given up. Of usage, what was
/// not seen for the longest time is forgotten: an account of its version, and a version with all its
/// accounts. Accounts of more than 256 bytes have no room in either.
///
/// ```
/// use stonework_versioning::Key;
/// use stonework_versioning::store::{MemoryStore, Pin, PinStore, Pinned};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::new();
/// let acme = Key::from("acme");
/// let first = store.pin_if_absent(Pin::new(&acme, "2026-03-10")).await?;
/// assert_eq!(first, Pinned::To("2026-03-10".into()));
/// let later = store.pin_if_absent(Pin::new(&acme, "2026-06-30")).await?;
/// assert_eq!(later, first, "it stays what it was");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    most: usize,
    pins: RwLock<Pins>,
    usage: Mutex<Usage>,
}

impl MemoryStore {
    /// A store with room for 100,000 accounts.
    pub fn new() -> Self {
        Self::with_room_for(MOST_ACCOUNTS)
    }

    /// A store with room for so many accounts: that are pinned, and that use each version.
    pub fn with_room_for(accounts: usize) -> Self {
        let usage = Mutex::new(Recent::new(MOST_VERSIONS));
        let shared = Shared { most: accounts, pins: RwLock::default(), usage };
        Self { shared: Arc::new(shared) }
    }

    // Nothing that could panic is done under a lock but to allocate.
    fn pins(&self) -> RwLockReadGuard<'_, Pins> {
        self.shared.pins.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn pins_mut(&self) -> RwLockWriteGuard<'_, Pins> {
        self.shared.pins.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.shared.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pin(&self, Pin { account, version }: Pin<'_>) -> Pinned {
        let mut pins = self.pins_mut();
        if let Some(pinned) = pins.get(account) {
            return Pinned::To(pinned.clone());
        }
        if is_too_long(account) || pins.len() >= self.shared.most {
            return Pinned::Full;
        }
        pins.insert(account.clone(), version.to_owned());
        Pinned::To(version.to_owned())
    }

    fn change(&self, Change { account, from, to }: Change<'_>) -> Changed {
        match self.pins_mut().get_mut(account) {
            None => Changed::NotPinned,
            Some(pinned) if pinned == from => {
                to.clone_into(pinned);
                Changed::Yes
            }
            Some(pinned) if pinned == to => Changed::Yes,
            Some(pinned) => Changed::PinnedTo(pinned.clone()),
        }
    }

    fn see(&self, Seen { account, version, at }: Seen<'_>) {
        if is_too_long(account) {
            return;
        }
        let mut usage = self.usage();
        if let Some(users) = usage.see(version, at, || Recent::new(self.shared.most)) {
            users.see(account, at, || ());
        }
    }

    fn list(&self, Users { version, most }: Users<'_>) -> Vec<User> {
        let usage = self.usage();
        let users = usage.find(version).into_iter().flat_map(Recent::last_seen_first);
        users.take(most).map(|(account, at)| User::new(account.clone(), at)).collect()
    }
}

fn is_too_long(account: &Key) -> bool {
    account.as_bytes().len() > LONGEST_ACCOUNT
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl PinStore for MemoryStore {
    fn get(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Option<String>, StoreError>> {
        StoreFuture::ready(Ok(self.pins().get(lookup.account).cloned()))
    }

    fn pin_if_absent(&self, pin: Pin<'_>) -> StoreFuture<Result<Pinned, StoreError>> {
        StoreFuture::ready(Ok(self.pin(pin)))
    }

    fn compare_and_set(&self, change: Change<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        StoreFuture::ready(Ok(self.change(change)))
    }

    fn unpin(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Unpinned, StoreError>> {
        StoreFuture::ready(Ok(match self.pins_mut().remove(lookup.account) {
            Some(_) => Unpinned::Yes,
            None => Unpinned::NotPinned,
        }))
    }
}

impl UsageStore for MemoryStore {
    fn seen(&self, seen: Seen<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.see(seen);
        StoreFuture::ready(Ok(()))
    }

    fn users(&self, users: Users<'_>) -> StoreFuture<Result<Vec<User>, StoreError>> {
        StoreFuture::ready(Ok(self.list(users)))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("pins", &self.pins().len())
            .field("versions", &self.usage().len())
            .field("most", &self.shared.most)
            .finish()
    }
}
