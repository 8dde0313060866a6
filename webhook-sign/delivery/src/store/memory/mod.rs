mod claiming;
mod endpoint;
mod forgetting;
mod ledger;
mod listing;
mod purging;
mod record;
mod settling;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stonework_core::{Clock, ConfigError, ConfigErrors, TokioClock};

use super::{
    Ack, Change, Claim, Claimed, Dead, EndpointState, Enqueue, Enqueued, Extend, Held, List,
    Outbox, Page, Purge, Purged, Requeue, Requeued, Retry, Settled, StoreError, StoreFuture,
};
use crate::EndpointId;
use ledger::{Ledger, Limits};

/// Keeps messages in the memory of this process. Clones share them.
///
/// For tests, and for messages that may be lost when the process ends. It holds so many messages, and so many bytes of
/// them; when it is full, new ones are refused with [`Enqueued::Full`], and none is forgotten. Times are measured by a
/// clock that does not jump.
#[derive(Clone)]
pub struct MemoryOutbox {
    shared: Arc<Shared>,
}

struct Shared {
    limits: Limits,
    clock: Arc<dyn Clock>,
    ledger: Mutex<Ledger>,
}

impl MemoryOutbox {
    /// An outbox for 100,000 messages, delivered ones that are kept included, and 256 MiB of bodies.
    pub fn new() -> Self {
        let builder = Self::builder();
        Self::of(builder.limits, builder.clock)
    }

    /// A builder with the defaults that its methods name.
    pub fn builder() -> MemoryOutboxBuilder {
        let limits = Limits { messages: 100_000, bytes: 256 * 1024 * 1024 };
        MemoryOutboxBuilder { limits, clock: Arc::new(TokioClock::new()) }
    }

    fn of(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { limits, clock, ledger: Mutex::default() }) }
    }

    /// How many messages it holds, in whatever state.
    pub fn len(&self) -> usize {
        self.ledger().len()
    }

    /// Does it hold none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing between lock and unlock can panic halfway through a change.
        self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, step: impl FnOnce(&mut Ledger, Duration) -> T) -> StoreFuture<Answer<T>> {
        let now = self.shared.clock.monotonic();
        StoreFuture::ready(Ok(step(&mut self.ledger(), now)))
    }
}

type Answer<T> = Result<T, StoreError>;

impl Default for MemoryOutbox {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOutbox").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

impl Outbox for MemoryOutbox {
    fn enqueue(&self, enqueue: Enqueue) -> StoreFuture<Result<Enqueued, StoreError>> {
        let limits = self.shared.limits;
        self.with(|ledger, now| ledger.enqueue(enqueue, now, limits))
    }

    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        self.with(|ledger, now| ledger.claim(claim, now))
    }

    fn ack(&self, ack: Ack) -> StoreFuture<Result<Settled, StoreError>> {
        self.with(|ledger, now| ledger.ack(&ack, now))
    }

    fn retry(&self, retry: Retry) -> StoreFuture<Result<Settled, StoreError>> {
        self.with(|ledger, now| ledger.retry(&retry, now))
    }

    fn dead(&self, dead: Dead) -> StoreFuture<Result<Settled, StoreError>> {
        self.with(|ledger, now| ledger.dead(&dead, now))
    }

    fn extend(&self, extend: Extend) -> StoreFuture<Result<Held, StoreError>> {
        self.with(|ledger, now| ledger.extend(&extend, now))
    }

    fn requeue(&self, requeue: Requeue) -> StoreFuture<Result<Requeued, StoreError>> {
        self.with(|ledger, now| ledger.requeue(&requeue, now))
    }

    fn list(&self, list: List) -> StoreFuture<Result<Page, StoreError>> {
        self.with(|ledger, now| ledger.list(&list, now))
    }

    fn endpoint(&self, endpoint: EndpointId) -> StoreFuture<Result<EndpointState, StoreError>> {
        self.with(|ledger, now| ledger.endpoint(&endpoint, now))
    }

    fn change(&self, change: Change) -> StoreFuture<Result<(), StoreError>> {
        self.with(|ledger, now| ledger.change(&change, now))
    }

    fn purge(&self, purge: Purge) -> StoreFuture<Result<Purged, StoreError>> {
        self.with(|ledger, now| ledger.purge(&purge, now))
    }
}

/// Builds a [`MemoryOutbox`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryOutboxBuilder {
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl MemoryOutboxBuilder {
    /// How many messages it holds, in whatever state. Default 100,000. An endpoint that is remembered without any, such as
    /// one that is disabled and was not [purged](crate::Delivery::purge), counts as one.
    pub fn max_messages(mut self, messages: usize) -> Self {
        self.limits.messages = messages;
        self
    }

    /// How many bytes their bodies have, of those that are not delivered. Default 256 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Where time comes from. Default tokio's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The outbox.
    ///
    /// # Errors
    ///
    /// When it would have no room at all.
    pub fn build(self) -> Result<MemoryOutbox, ConfigErrors<ConfigError>> {
        let limits = [("max_messages", self.limits.messages), ("max_bytes", self.limits.bytes)];
        let none = limits.into_iter().filter(|(_, limit)| *limit == 0);
        let reason = "leaves no room for any message; use at least 1";
        let errors = none.map(|(setting, limit)| ConfigError::new(setting, limit, reason));
        ConfigErrors::check(errors.collect(), Ok(MemoryOutbox::of(self.limits, self.clock)))
    }
}
