use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use stonework_core::{Clock, Key, StoreError, StoreFuture, SystemClock};

use super::{CursorStore, Get, Put, Revoke};

/// What one takes up besides its value and its owner, about. The same for an owner.
const OVERHEAD: usize = 200;

/// Keeps cursors in memory, for one process. Clones share them.
///
/// When it is full, those go that were not asked for for the longest time, whoever's they are: a client that asks
/// for page after page without end costs others theirs. Limit how often it may ask.
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
    /// Of each owner, which no other has had. A cursor is good as long as its own is here: to revoke is to take it
    /// away, and whatever is forgotten is revoked.
    generations: Cache<Key, u64>,
    next: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Kept {
    value: Bytes,
    generation: u64,
    /// A time of the clock.
    until: Duration,
}

impl MemoryStore {
    /// A store of 64 MiB.
    pub fn new() -> Self {
        Self {
            cursors: cursors(64 << 20),
            generations: generations(64 << 20),
            next: Arc::default(),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// How many bytes all cursors together may take up, about; their owners may take up as many again. Those that were kept before are gone.
    #[must_use]
    pub fn max_bytes(self, bytes: u64) -> Self {
        Self { cursors: cursors(bytes), generations: generations(bytes), ..self }
    }

    /// The clock by which cursors expire. By default the system's.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }
}

fn cursors(bytes: u64) -> Cache<(Key, [u8; 16]), Kept> {
    cache(bytes, |(owner, _), kept: &Kept| owner.as_bytes().len() + kept.value.len())
}

fn generations(bytes: u64) -> Cache<Key, u64> {
    cache(bytes, |owner, _| owner.as_bytes().len())
}

fn cache<K, V>(bytes: u64, weigh: fn(&K, &V) -> usize) -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let weigh = move |key: &K, value: &V| {
        u32::try_from(OVERHEAD.saturating_add(weigh(key, value))).unwrap_or(u32::MAX)
    };
    Cache::builder()
        .max_capacity(bytes)
        .weigher(weigh)
        // A cursor is asked for once, after it was made. moka's own policy admits what is asked for often: of a
        // full store, 17 of 18 new cursors were gone when their clients came back.
        .eviction_policy(EvictionPolicy::lru())
        .build()
}

impl CursorStore for MemoryStore {
    fn put(&self, put: Put<'_>) -> StoreFuture<Result<(), StoreError>> {
        let until = self.clock.monotonic().saturating_add(put.expires_after);
        let new = || self.next.fetch_add(1, Ordering::Relaxed);
        let generation = self.generations.get_with_by_ref(put.owner, new);
        let kept = Kept { value: put.value, generation, until };
        self.cursors.insert((put.owner.clone(), put.handle), kept);
        StoreFuture::ready(Ok(()))
    }

    fn get(&self, get: Get<'_>) -> StoreFuture<Result<Option<Bytes>, StoreError>> {
        let name = (get.owner.clone(), get.handle);
        let Some(kept) = self.cursors.get(&name) else { return StoreFuture::ready(Ok(None)) };
        let generation = self.generations.get(get.owner);
        if generation != Some(kept.generation) || kept.until <= self.clock.monotonic() {
            self.cursors.invalidate(&name);
            return StoreFuture::ready(Ok(None));
        }
        StoreFuture::ready(Ok(Some(kept.value)))
    }

    fn revoke(&self, revoke: Revoke<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.generations.invalidate(revoke.owner);
        StoreFuture::ready(Ok(()))
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
