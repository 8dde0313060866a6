mod builder;
mod engine;
mod entry;
mod ledger;
#[cfg(test)]
mod model;
mod shard;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use stonework_core::{Clock, StoreError, StoreFuture};

pub use builder::MemoryStoreBuilder;
use engine::Engine;
use ledger::Limits;

use super::{Claim, Claimed, Complete, Completed, Held, IdempotencyStore, Release, Renew, Watch};

/// Records in the memory of this process. The default of the layer.
///
/// It is enough for a service that runs as one process, and loses its records with it: a retry
/// that arrives after a restart runs again. Clones share one store. Every operation is done when
/// its method returns; no runtime is needed.
///
/// # When it is full
///
/// The store is bounded in records and in bytes, and forgets no key before its retention has
/// passed:
///
/// 1. Expired records are removed first.
/// 2. Then completed answers lose their bodies, the oldest first. The record and the head of the
///    answer stay, so the key is not run again. A body that would not fit even then is not kept.
/// 3. Then new keys are refused with [`Claimed::Full`], and a new checkpoint, or a completion
///    whose record was lost, with [`StoreErrorKind::Refused`](stonework_core::StoreErrorKind).
///
/// A claim reserves the bytes of a record without an answer, 640. The head of an answer is always
/// kept, so the bytes may exceed their limit by the heads of the runs that were pending when it
/// was reached.
///
/// A scope has a share of both limits and is treated as a store of that size by itself: a tenant
/// that floods the store loses its own bodies and is refused its own keys. Keys without a scope
/// have no share.
///
/// Bodies of up to 16 KiB are copied, so that they do not keep a larger buffer which they were cut
/// from. Larger ones are shared, and counted by their own length.
///
/// # Waiting
///
/// [`watch`](IdempotencyStore::watch) resolves when the record changes. It does not resolve when
/// a lease runs out, since nothing then happens: who watches has to bound the wait.
///
/// # Examples
///
/// ```
/// use stonework_idempotency::store::MemoryStore;
///
/// let store = MemoryStore::builder().max_keys(1_000_000).max_bytes(1 << 30).build()?;
/// assert_eq!(store.stats().keys, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Engine>);

/// What a [`MemoryStore`] holds, and what it could not hold.
///
/// Records that have expired count until an operation meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryStats {
    /// Records, pending and completed.
    pub keys: usize,
    /// Bytes, as the limit counts them.
    pub bytes: usize,
    /// How many bodies were not kept or given up for want of room, since the start.
    pub bodies_dropped: u64,
    /// How many operations were refused for want of room, since the start.
    pub refused: u64,
}

impl MemoryStore {
    /// A store with the default limits: 100,000 records, 64 MiB, a tenth of both per scope.
    pub fn new() -> Self {
        Self::builder().build_unchecked()
    }

    /// A store with other limits.
    pub const fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::new()
    }

    /// What the store holds now.
    pub fn stats(&self) -> MemoryStats {
        self.0.stats()
    }

    fn with(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Engine::new(limits, clock)))
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

/// A small body may be a window into a large buffer, of a connection for instance. The copy costs
/// less than half a microsecond; the buffer would stay for a day.
fn cut_free(body: Bytes) -> Bytes {
    const SMALL: usize = 16 * 1024;
    if body.len() <= SMALL { Bytes::copy_from_slice(&body) } else { body }
}

impl IdempotencyStore for MemoryStore {
    fn claim(&self, claim: Claim<'_>) -> StoreFuture<Result<Claimed, StoreError>> {
        StoreFuture::ready(Ok(self.0.claim(&claim)))
    }

    fn renew(&self, renew: Renew<'_>) -> StoreFuture<Result<Held, StoreError>> {
        StoreFuture::ready(self.0.renew(&renew))
    }

    fn complete(&self, mut complete: Complete<'_>) -> StoreFuture<Result<Completed, StoreError>> {
        complete.answer.body = complete.answer.body.map(cut_free);
        StoreFuture::ready(self.0.complete(&complete))
    }

    fn release(&self, release: Release<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.0.release(&release);
        StoreFuture::ready(Ok(()))
    }

    fn watch(&self, watch: Watch<'_>) -> StoreFuture<()> {
        self.0.watch(&watch)
    }
}
