//! A store that can be cut off, and tells what it was asked: a real one behind a switch.

use std::sync::{Arc, Mutex, MutexGuard};

use stonework_core::{StoreError, StoreErrorKind, StoreFuture};
use stonework_ratelimit::store::{
    Acquire, Acquired, Adjust, AdjustId, Adjusted, MemoryStore, RateLimitStore, Reset,
};

/// What happens to operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// They work.
    #[default]
    None,
    /// They work, and have to be waited for.
    Waits,
    /// They take effect, and the reply is lost in silence.
    LosesReplies,
    /// They have no effect and no reply.
    Silent,
    /// They have no effect, and the error is there at once.
    Fails(StoreErrorKind),
    /// They have no effect, and the error has to be waited for.
    FailsLate(StoreErrorKind),
    /// There is no room for buckets.
    Full,
}

#[derive(Debug, Default)]
struct State {
    fault: Fault,
    acquires: usize,
    promised: Vec<bool>,
    adjusts: Vec<(i64, AdjustId)>,
}

/// A memory store that can be cut off.
#[derive(Clone, Debug)]
pub struct Faulty {
    pub store: MemoryStore,
    state: Arc<Mutex<State>>,
}

impl Faulty {
    pub fn new(store: MemoryStore) -> Self {
        Self { store, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn set(&self, fault: Fault) {
        self.state().fault = fault;
    }

    /// How often it was asked for tokens.
    pub fn acquires(&self) -> usize {
        self.state().acquires
    }

    /// What corrections it was sent, repeats among them.
    pub fn adjusts(&self) -> Vec<(i64, AdjustId)> {
        self.state().adjusts.clone()
    }

    /// Of each demand, whether it was promised that only time refills the bucket.
    pub fn promised(&self) -> Vec<bool> {
        self.state().promised.clone()
    }

    fn through<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&MemoryStore) -> StoreFuture<Result<T, StoreError>>,
    ) -> StoreFuture<Result<T, StoreError>> {
        let fault = self.state().fault;
        match fault {
            Fault::None | Fault::Full => operation(&self.store),
            Fault::Waits => {
                let reply = operation(&self.store);
                StoreFuture::new(async move {
                    tokio::task::yield_now().await;
                    reply.await
                })
            }
            Fault::LosesReplies => {
                drop(operation(&self.store));
                StoreFuture::new(std::future::pending())
            }
            Fault::Silent => StoreFuture::new(std::future::pending()),
            Fault::Fails(kind) => StoreFuture::ready(Err(StoreError::new(kind))),
            Fault::FailsLate(kind) => StoreFuture::new(async move {
                tokio::task::yield_now().await;
                Err(StoreError::new(kind))
            }),
        }
    }
}

impl RateLimitStore for Faulty {
    fn acquire(&self, acquire: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>> {
        self.state().acquires += 1;
        let promised = acquire.demands.iter().map(|demand| demand.only_time_refills);
        self.state().promised.extend(promised);
        if self.state().fault == Fault::Full {
            return StoreFuture::ready(Ok(Acquired::Full));
        }
        self.through(|store| store.acquire(acquire))
    }

    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>> {
        self.state().adjusts.push((adjust.tokens, adjust.id));
        self.through(|store| store.adjust(adjust))
    }

    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.through(|store| store.reset(reset))
    }
}
