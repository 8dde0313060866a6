//! A store that tells when another request begins to wait for a key.

use std::sync::Arc;

use stonework_core::{StoreError, StoreFuture};
use stonework_idempotency::store::{
    Claim, Claimed, Complete, Completed, Held, IdempotencyStore, MemoryStore, Release, Renew, Watch,
};
use tokio::sync::Notify;

pub(crate) struct Watched {
    pub(crate) store: MemoryStore,
    pub(crate) waiting: Arc<Notify>,
}

impl IdempotencyStore for Watched {
    fn claim(&self, claim: Claim<'_>) -> StoreFuture<Result<Claimed, StoreError>> {
        self.store.claim(claim)
    }

    fn renew(&self, renew: Renew<'_>) -> StoreFuture<Result<Held, StoreError>> {
        self.store.renew(renew)
    }

    fn complete(&self, complete: Complete<'_>) -> StoreFuture<Result<Completed, StoreError>> {
        self.store.complete(complete)
    }

    fn release(&self, release: Release<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.store.release(release)
    }

    fn watch(&self, watch: Watch<'_>) -> StoreFuture<()> {
        let is_first = watch.round == 0;
        let change = self.store.watch(watch);
        if is_first {
            self.waiting.notify_one();
        }
        change
    }
}
