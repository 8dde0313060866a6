use std::fmt;
use std::sync::Arc;

use stonework_core::{StoreError, StoreFuture};
use stonework_webhook_sign::MessageId;

use crate::shared::Shared;
use crate::store::{
    Change, EndpointChange, EndpointState, Enqueued, List, Outbox, Page, Purge, Requeue, Requeued,
    StateKind,
};
use crate::worker::Workers;
use crate::{
    DeliveryBuilder, DeliveryId, DisableReason, EndpointId, EnqueueError, Message, Warning,
};

/// How many dead letters are listed with one operation.
const LISTED_AT_ONCE: usize = 100;

/// How many records are removed with one operation, which keeps others waiting.
const PURGED_AT_ONCE: usize = 500;

/// Takes messages, and delivers them while its [workers](Self::start) run. Clones are the same one.
#[derive(Clone)]
pub struct Delivery {
    shared: Arc<Shared>,
    warnings: Arc<[Warning]>,
}

impl Delivery {
    /// A builder with the defaults that its methods name. [`endpoints`](DeliveryBuilder::endpoints) must be named.
    pub fn builder() -> DeliveryBuilder {
        DeliveryBuilder::new()
    }

    pub(crate) fn of(shared: Shared, warnings: Vec<Warning>) -> Self {
        Self { shared: Arc::new(shared), warnings: warnings.into() }
    }

    /// What works and may surprise.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Starts delivering, within a tokio runtime. Processes that share an outbox share the work; all of them may be started,
    /// or those only that have nothing else to do.
    ///
    /// Whatever panics in them, they go on: with another claim soon, if that was the outbox; with the other messages, if it
    /// was an attempt, and with its own when its lease has run out. Each is a `tracing` event of level `ERROR`.
    ///
    /// Workers stop when what is returned is dropped, in the midst of attempts; [`Workers::drain`] lets these end.
    #[must_use = "workers stop when this is dropped"]
    pub fn start(&self) -> Workers {
        Workers::start(Arc::clone(&self.shared))
    }

    async fn ask<T>(
        &self,
        operation: impl FnOnce(&dyn Outbox) -> StoreFuture<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.shared.guard.run(|| operation(&*self.shared.outbox)).await
    }

    /// Puts a message to this endpoint into the outbox. Once this has returned, it is delivered at least once, or becomes a
    /// dead letter.
    ///
    /// A message that is enqueued again, by its id, is [`Enqueued::Duplicate`], for as long as the first one is kept.
    ///
    /// # Errors
    ///
    /// When it is not in the outbox, or when that is unknown.
    pub async fn enqueue(
        &self,
        endpoint: &EndpointId,
        message: Message,
    ) -> Result<Enqueued, EnqueueError> {
        let enqueue = message.enqueue(endpoint, self.shared.settings.max_body)?;
        let answer = self.ask(|outbox| outbox.enqueue(enqueue)).await;
        match answer.map_err(EnqueueError::Store)? {
            Enqueued::Full => Err(EnqueueError::Full),
            Enqueued::Disabled => Err(EnqueueError::Disabled),
            enqueued => {
                self.shared.wake.notify_one();
                Ok(enqueued)
            }
        }
    }

    /// What there is in the outbox, a page at a time: dead letters, or what became of the messages to one endpoint, with
    /// their attempts.
    ///
    /// # Errors
    ///
    /// When the outbox does not answer.
    pub async fn list(&self, list: List) -> Result<Page, StoreError> {
        self.ask(|outbox| outbox.list(list)).await
    }

    /// Queues one dead letter again.
    ///
    /// # Errors
    ///
    /// When the outbox does not answer.
    pub async fn requeue(
        &self,
        endpoint: &EndpointId,
        message: &MessageId,
    ) -> Result<Requeued, StoreError> {
        let Ok(id) = DeliveryId::new(endpoint.clone(), message.clone()) else {
            return Ok(Requeued::NotFound);
        };
        let requeued = self.ask(|outbox| outbox.requeue(Requeue::new(id))).await?;
        self.shared.wake.notify_one();
        Ok(requeued)
    }

    /// Queues all dead letters that an endpoint has by now again, each once, and says how many.
    ///
    /// # Errors
    ///
    /// When the outbox does not answer. Some may have been queued by then.
    pub async fn replay(&self, endpoint: &EndpointId) -> Result<usize, StoreError> {
        // All of them first: what is given up again meanwhile would be found again behind.
        let mut replayed = 0;
        for message in self.dead_letters(endpoint).await? {
            if self.requeue(endpoint, &message).await? == Requeued::Queued {
                replayed += 1;
            }
        }
        Ok(replayed)
    }

    async fn dead_letters(&self, endpoint: &EndpointId) -> Result<Vec<MessageId>, StoreError> {
        let (mut dead, mut after) = (Vec::new(), None);
        loop {
            let list = List::new(LISTED_AT_ONCE).of(endpoint.clone()).in_state(StateKind::Dead);
            let page = self.list(list.after(after)).await?;
            dead.extend(page.entries.into_iter().map(|entry| entry.id.message().clone()));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(dead),
            }
        }
    }

    /// What is known of an endpoint.
    ///
    /// # Errors
    ///
    /// When the outbox does not answer.
    pub async fn endpoint(&self, endpoint: &EndpointId) -> Result<EndpointState, StoreError> {
        self.ask(|outbox| outbox.endpoint(endpoint.clone())).await
    }

    /// Disables an endpoint: nothing is sent there, and nothing new is taken. What is queued stays.
    ///
    /// # Errors
    ///
    /// When the outbox does not answer.
    pub async fn disable(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.change(endpoint, EndpointChange::Disable(DisableReason::Manual)).await
    }

    /// Enables an endpoint, as if it had never failed.
    ///
    /// # Errors
    ///
    /// When the outbox does not answer.
    pub async fn enable(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.change(endpoint, EndpointChange::Enable).await?;
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Removes an endpoint that its owner has deleted, with all its messages, and says how many. What is under way to it ends
    /// and is not told of.
    ///
    /// It is removed a part at a time, and disabled meanwhile. If that ends in between, call it again.
    ///
    /// # Errors
    ///
    /// When the outbox does not answer. Some may have been removed by then.
    pub async fn purge(&self, endpoint: &EndpointId) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let purge = Purge::new(endpoint.clone(), PURGED_AT_ONCE);
            let purged = self.ask(|outbox| outbox.purge(purge)).await?;
            removed += purged.removed;
            if !purged.more {
                return Ok(removed);
            }
        }
    }

    async fn change(&self, endpoint: &EndpointId, to: EndpointChange) -> Result<(), StoreError> {
        self.ask(|outbox| outbox.change(Change::new(endpoint.clone(), to))).await
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}
