use std::sync::Arc;

use crate::EndpointId;
use crate::store::{
    Ack, Change, Claim, Claimed, Dead, EndpointState, Enqueue, Enqueued, Extend, Held, List,
    Outbox, Page, Purge, Purged, Requeue, Requeued, Retry, Settled, StoreError, StoreFuture,
};

/// Does every operation twice, one after the other, and throws the first reply away: a client whose connection broke before
/// the reply came, and who asked again.
#[derive(Debug)]
pub struct LostReply<S>(Arc<S>);

impl<S: Outbox> LostReply<S> {
    /// Around this outbox.
    pub fn new(outbox: S) -> Self {
        Self(Arc::new(outbox))
    }

    fn twice<A: Clone + Send + 'static, T: Send + 'static>(
        &self,
        asked: A,
        operation: impl Fn(&S, A) -> StoreFuture<T> + Send + 'static,
    ) -> StoreFuture<T> {
        let (outbox, first) = (Arc::clone(&self.0), operation(&self.0, asked.clone()));
        StoreFuture::new(async move {
            first.await;
            // Made before it is awaited, so that no reference is held meanwhile.
            let second = operation(&outbox, asked);
            second.await
        })
    }
}

impl<S: Outbox> Outbox for LostReply<S> {
    fn enqueue(&self, enqueue: Enqueue) -> StoreFuture<Result<Enqueued, StoreError>> {
        self.twice(enqueue, S::enqueue)
    }

    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        self.twice(claim, S::claim)
    }

    fn ack(&self, ack: Ack) -> StoreFuture<Result<Settled, StoreError>> {
        self.twice(ack, S::ack)
    }

    fn retry(&self, retry: Retry) -> StoreFuture<Result<Settled, StoreError>> {
        self.twice(retry, S::retry)
    }

    fn dead(&self, dead: Dead) -> StoreFuture<Result<Settled, StoreError>> {
        self.twice(dead, S::dead)
    }

    fn extend(&self, extend: Extend) -> StoreFuture<Result<Held, StoreError>> {
        self.twice(extend, S::extend)
    }

    fn requeue(&self, requeue: Requeue) -> StoreFuture<Result<Requeued, StoreError>> {
        self.twice(requeue, S::requeue)
    }

    fn list(&self, list: List) -> StoreFuture<Result<Page, StoreError>> {
        self.twice(list, S::list)
    }

    fn endpoint(&self, endpoint: EndpointId) -> StoreFuture<Result<EndpointState, StoreError>> {
        self.twice(endpoint, S::endpoint)
    }

    fn change(&self, change: Change) -> StoreFuture<Result<(), StoreError>> {
        self.twice(change, S::change)
    }

    fn purge(&self, purge: Purge) -> StoreFuture<Result<Purged, StoreError>> {
        self.twice(purge, S::purge)
    }
}
