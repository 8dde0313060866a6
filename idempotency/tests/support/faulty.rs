//! A store that can be cut off: a real one behind a switch.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use stonework_core::{StoreError, StoreErrorKind, StoreFuture};
use stonework_idempotency::store::{
    Claim, Claimed, Complete, Completed, Held, IdempotencyStore, MemoryStore, Release, Renew, Watch,
};

/// What happens to operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// They work.
    None = 0,
    /// They take effect, and the reply is lost in silence.
    LosesReplies = 1,
    /// They have no effect and no reply.
    Silent = 2,
    /// They have no effect and fail at once.
    Refuses = 3,
}

/// A memory store that can be cut off.
#[derive(Clone, Default)]
pub struct Faulty {
    pub store: MemoryStore,
    fault: Arc<AtomicU8>,
    asked: Arc<AtomicUsize>,
}

impl Faulty {
    pub fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// How often it was asked anything.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn through<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&MemoryStore) -> StoreFuture<Result<T, StoreError>>,
    ) -> StoreFuture<Result<T, StoreError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.fault.load(Ordering::SeqCst) {
            0 => operation(&self.store),
            1 => {
                let lost = operation(&self.store);
                StoreFuture::new(async move {
                    drop(lost.await);
                    std::future::pending().await
                })
            }
            2 => StoreFuture::new(std::future::pending()),
            _ => StoreFuture::ready(Err(StoreError::new(StoreErrorKind::Unavailable))),
        }
    }
}

impl IdempotencyStore for Faulty {
    fn claim(&self, claim: Claim<'_>) -> StoreFuture<Result<Claimed, StoreError>> {
        self.through(|store| store.claim(claim))
    }

    fn renew(&self, renew: Renew<'_>) -> StoreFuture<Result<Held, StoreError>> {
        self.through(|store| store.renew(renew))
    }

    fn complete(&self, complete: Complete<'_>) -> StoreFuture<Result<Completed, StoreError>> {
        self.through(|store| store.complete(complete))
    }

    fn release(&self, release: Release<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.through(|store| store.release(release))
    }

    fn watch(&self, watch: Watch<'_>) -> StoreFuture<()> {
        self.store.watch(watch)
    }
}
