use std::sync::{Arc, OnceLock};
use std::time::Duration;

use stonework_core::StoreError;
use tokio::sync::Notify;

/// A lease that is under way. Of each bucket there is at most one.
#[derive(Debug)]
pub(super) struct Flight {
    /// Which of its pool's. Those who wait since before it set off are in it.
    pub(super) number: u64,
    /// The pool's generation when it set off. Tokens for another one are forgotten.
    pub(super) generation: u64,
    /// When it set off.
    pub(super) at: Duration,
    pub(super) want: u32,
    pub(super) least: u32,
    outcome: OnceLock<Outcome>,
    landed: Notify,
}

/// What those who were in a flight learn from it.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It brought what was wanted. Who does not find enough was overtaken and asks again.
    Enough,
    /// It brought less: the bucket was empty. Who does not find enough is denied.
    Short,
    /// The store has no room for the bucket.
    Full,
    /// It brought nothing, and nobody knows why not.
    Failed(Arc<StoreError>),
}

impl Flight {
    pub(super) fn new(
        number: u64,
        generation: u64,
        at: Duration,
        (want, least): (u32, u32),
    ) -> Self {
        let (outcome, landed) = (OnceLock::new(), Notify::new());
        Self { number, generation, at, want, least, outcome, landed }
    }

    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    /// Tells those who look. Who waits is woken by [`wake`](Self::wake), without a lock.
    pub(super) fn land(&self, outcome: Outcome) {
        // It lands once; nobody else sets the outcome.
        drop(self.outcome.set(outcome));
    }

    pub(super) fn wake(&self) {
        self.landed.notify_waiters();
    }

    /// Waits until it has landed.
    pub(super) async fn landed(&self) {
        // Made before looking: it is woken by all that happens from here on.
        let landed = self.landed.notified();
        if self.outcome.get().is_none() {
            landed.await;
        }
    }
}
