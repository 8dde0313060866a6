use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use stonework_core::{Clock, Key, StoreError, StoreErrorKind, StoreFuture, SystemClock};

use super::{CursorStore, Get, Put, Revoke};

/// What one takes up besides its value and its owner, about.
const OVERHEAD: usize = 200;

/// Keeps cursors in memory, for one process. Clones share them.
///
/// When it is full, those go that were not asked for for the longest time.
///
/// ```
/// use stonework_pagination::store::MemoryStore;
/// use stonework_pagination::Cursors;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cursors = Cursors::stored(MemoryStore::new().max_bytes(16 << 20)).build()?;
/// # let _ = cursors;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    cursors: Cache<(Key, [u8; 16]), Kept>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Kept {
    value: Bytes,
    /// A time of the clock.
    until: Duration,
}

impl MemoryStore {
    /// A store of 64 MiB.
    pub fn new() -> Self {
        Self { cursors: cache(64 << 20), clock: Arc::new(SystemClock::new()) }
    }

    /// How many bytes all cursors together may take up, about. Those that were kept before are gone.
    #[must_use]
    pub fn max_bytes(self, bytes: u64) -> Self {
        Self { cursors: cache(bytes), ..self }
    }

    /// The clock by which cursors expire. By default the system's.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }
}

fn cache(bytes: u64) -> Cache<(Key, [u8; 16]), Kept> {
    let weigh = |(owner, _): &(Key, [u8; 16]), kept: &Kept| {
        let weight = OVERHEAD + owner.as_bytes().len() + kept.value.len();
        u32::try_from(weight).unwrap_or(u32::MAX)
    };
    Cache::builder()
        .max_capacity(bytes)
        .weigher(weigh)
        // A cursor is asked for once, after it was made. moka's own policy admits what is asked for often: of a
        // full store, 17 of 18 new cursors were gone when their clients came back.
        .eviction_policy(EvictionPolicy::lru())
        .support_invalidation_closures()
        .build()
}

impl CursorStore for MemoryStore {
    fn put(&self, put: Put<'_>) -> StoreFuture<Result<(), StoreError>> {
        let until = self.clock.monotonic().saturating_add(put.expires_after);
        self.cursors.insert((put.owner.clone(), put.handle), Kept { value: put.value, until });
        StoreFuture::ready(Ok(()))
    }

    fn get(&self, get: Get<'_>) -> StoreFuture<Result<Option<Bytes>, StoreError>> {
        let name = (get.owner.clone(), get.handle);
        let kept = self.cursors.get(&name);
        let now = self.clock.monotonic();
        if kept.as_ref().is_some_and(|kept| kept.until <= now) {
            self.cursors.invalidate(&name);
            return StoreFuture::ready(Ok(None));
        }
        StoreFuture::ready(Ok(kept.map(|kept| kept.value)))
    }

    fn revoke(&self, revoke: Revoke<'_>) -> StoreFuture<Result<(), StoreError>> {
        let owner = revoke.owner.clone();
        // Looked at by every `get` from now on, for what was put before.
        let revoked = self.cursors.invalidate_entries_if(move |(other, _), _| *other == owner);
        let failed = |error| StoreError::new(StoreErrorKind::Refused).with_source(error);
        StoreFuture::ready(revoked.map(drop).map_err(failed))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("cursors", &self.cursors.entry_count())
            .finish_non_exhaustive()
    }
}
