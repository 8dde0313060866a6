//! What a run owes the store, and how it gets there when the store is away.

use std::time::Duration;

use stonework_core::StoreError;
use tokio::time::sleep;

use super::Run;
use crate::store::{Answer, Claimed, Complete, Completed, Record, Release, Renew};

/// The pause between two tries. Short, so that a store which is back finds its records in order
/// within half a second.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// Something that must be said to the store, sooner or later.
#[derive(Debug)]
pub(super) enum Debt<'a> {
    /// The run was interrupted: whoever comes next shall find the key abandoned at once, and not
    /// only when the lease has run out.
    Interruption,
    /// The key was not used.
    Release,
    /// A claim of which nobody knows whether it came through is to be taken back.
    Claim { took_over: bool },
    /// The key has this answer.
    Answer { attempt: u32, answer: &'a Answer },
}

impl Debt<'_> {
    /// Of an attempt that did nothing. A later one cannot vouch for an earlier one that was
    /// interrupted: releasing the key would wipe that out.
    pub(super) const fn unused(attempt: u32) -> Self {
        if attempt == 1 { Self::Release } else { Self::Interruption }
    }
}

/// What the store said to a debt.
#[derive(Debug)]
pub(super) enum Paid {
    /// Done, or refused for good.
    Settled,
    /// An answer came too late: the record is another's.
    Lost(Record),
    /// The store did not say.
    Unknown,
}

impl Run {
    /// Settles once, replies, and goes on in the background if the store did not say.
    pub(super) async fn settle(&self, debt: Debt<'_>, reply: impl FnOnce()) {
        let paid = self.pay(&debt).await;
        reply();
        if matches!(paid, Paid::Unknown) {
            Box::pin(self.persist(debt)).await;
        }
    }

    /// Tries until the store has said something, for as long as a run may take.
    pub(super) async fn persist(&self, debt: Debt<'_>) {
        let clock = &self.shared.clock;
        let end = clock.monotonic().saturating_add(self.shared.policy.max_run);
        while clock.monotonic() < end {
            sleep(PAUSE).await;
            if !matches!(self.pay(&debt).await, Paid::Unknown) {
                return;
            }
        }
        crate::trace::event!(ERROR, "a record was left pending: the store stayed away");
    }

    pub(super) async fn pay(&self, debt: &Debt<'_>) -> Paid {
        let result = match debt {
            Debt::Interruption => self.interrupt().await,
            Debt::Release => self.release().await,
            Debt::Claim { took_over } => self.take_back(*took_over).await,
            Debt::Answer { attempt, answer } => self.complete(*attempt, answer).await,
        };
        result.unwrap_or_else(|error| {
            crate::trace::event!(WARN, %error, "the store could not be told how a run ended");
            if error.is_outage() { Paid::Unknown } else { Paid::Settled }
        })
    }

    async fn interrupt(&self) -> Result<Paid, StoreError> {
        let renew = Renew::new(&self.lookup, self.token, Duration::ZERO);
        self.shared.guard.run(|| self.shared.store.renew(renew)).await.map(|_| Paid::Settled)
    }

    async fn release(&self) -> Result<Paid, StoreError> {
        let release = Release::new(&self.lookup, self.token);
        self.shared.guard.run(|| self.shared.store.release(release)).await.map(|()| Paid::Settled)
    }

    /// Claiming again with the same token waits behind the first claim on the same connection, so
    /// that this does not arrive after its release. A takeover is given up and not released: that
    /// would wipe out that an earlier attempt was interrupted.
    async fn take_back(&self, took_over: bool) -> Result<Paid, StoreError> {
        match self.ask(None).await? {
            Claimed::Owned { .. } if took_over => self.interrupt().await,
            Claimed::Owned { .. } => self.release().await,
            _ => Ok(Paid::Settled),
        }
    }

    async fn complete(&self, attempt: u32, answer: &Answer) -> Result<Paid, StoreError> {
        let complete = Complete::new(
            &self.lookup,
            self.token,
            attempt,
            self.fingerprint,
            answer.clone(),
            self.shared.policy.retention,
        );
        Ok(match self.shared.guard.run(|| self.shared.store.complete(complete)).await? {
            Completed::Stored => Paid::Settled,
            Completed::Lost(record) => Paid::Lost(record),
        })
    }
}
