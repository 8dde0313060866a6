mod builder;
mod engine;
mod id;
mod seen;
mod shard;
mod time;

use std::fmt;
use std::sync::Arc;

use stonework_core::{StoreError, StoreFuture};

pub use builder::MemoryStoreBuilder;
use engine::Engine;
pub use shard::Overflow;

use super::{
    Acquire, Acquired, Adjust, Adjusted, Lease, LeaseStore, Leased, RateLimitStore, Reset,
};

/// Buckets in the memory of this process. The default of the layer.
///
/// Exact within the process: of requests that race for the last token one gets it. Clones share
/// one store. Every operation is done when its method returns; no runtime is needed.
///
/// # Memory
///
/// A bucket takes 24 bytes and its share of a table, whatever the length of its key: 28 to 58 bytes
/// with it. A bucket that
/// has become full is dropped, without loss, by the new ones that come after it. There are never
/// more than [`max_keys`](MemoryStoreBuilder::max_keys); what happens to one more is the
/// [`Overflow`] policy, and [`stats`](Self::stats) counts it.
///
/// The last 1024 [corrections](RateLimitStore::adjust) of each shard are remembered, and count
/// once.
///
/// # Examples
///
/// ```
/// use stonework_ratelimit::store::{MemoryStore, Overflow};
///
/// let store = MemoryStore::builder().max_keys(4_000_000).overflow(Overflow::DenyNew).build()?;
/// assert_eq!(store.stats().keys, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    engine: Arc<Engine>,
    overflow: Overflow,
}

/// What a [`MemoryStore`] holds, and what it could not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryStats {
    /// Buckets. Full ones count until they are met.
    pub keys: usize,
    /// Bytes of their tables.
    pub bytes: usize,
    /// How many buckets were given up for want of room, since the start.
    pub evicted: u64,
    /// How many buckets were refused for want of room, since the start.
    pub refused: u64,
}

impl MemoryStore {
    /// A store with the default limits: 900,000 buckets, and the one nearest to full makes room.
    pub fn new() -> Self {
        Self::builder().build_unchecked()
    }

    /// A store with other limits.
    pub const fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::new()
    }

    /// What the store holds now. Locks each shard in turn.
    pub fn stats(&self) -> MemoryStats {
        self.engine.stats()
    }

    pub(crate) const fn overflow(&self) -> Overflow {
        self.overflow
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryStore").field(&self.stats()).finish()
    }
}

impl RateLimitStore for MemoryStore {
    fn acquire(&self, acquire: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>> {
        StoreFuture::ready(Ok(self.engine.acquire(acquire.demands)))
    }

    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>> {
        StoreFuture::ready(Ok(self.engine.adjust(&adjust)))
    }

    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.engine.reset(reset.bucket);
        StoreFuture::ready(Ok(()))
    }
}

impl LeaseStore for MemoryStore {
    fn lease(&self, lease: Lease<'_>) -> StoreFuture<Result<Leased, StoreError>> {
        StoreFuture::ready(Ok(self.engine.lease(&lease)))
    }
}
