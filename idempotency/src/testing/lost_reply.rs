use std::sync::Arc;

use stonework_core::{StoreError, StoreFuture};

use crate::store::{
    Claim, Claimed, Complete, Completed, Held, IdempotencyStore, Release, Renew, Watch,
};

/// Does every operation twice, one after the other, and throws the first reply away: a client
/// whose connection broke before the reply came, and who asked again.
#[derive(Debug)]
pub struct LostReply<S>(Arc<S>);

impl<S: IdempotencyStore> LostReply<S> {
    /// Around this store.
    pub fn new(store: S) -> Self {
        Self(Arc::new(store))
    }

    fn twice<T: Send + 'static>(
        &self,
        operation: impl Fn(&S) -> StoreFuture<T> + Send + 'static,
    ) -> StoreFuture<T> {
        let (store, first) = (Arc::clone(&self.0), operation(&self.0));
        StoreFuture::new(async move {
            first.await;
            // Made before it is awaited, so that no reference is held meanwhile.
            let second = operation(&store);
            second.await
        })
    }
}

impl<S: IdempotencyStore> IdempotencyStore for LostReply<S> {
    fn claim(&self, claim: Claim<'_>) -> StoreFuture<Result<Claimed, StoreError>> {
        let Claim { lookup, token, fingerprint, lease, retention, take_over } = claim;
        let lookup = *lookup;
        self.twice(move |store| {
            let claim = Claim::new(&lookup, token, fingerprint, lease, retention);
            store.claim(Claim { take_over, ..claim })
        })
    }

    fn renew(&self, renew: Renew<'_>) -> StoreFuture<Result<Held, StoreError>> {
        let Renew { lookup, token, lease, checkpoint } = renew;
        let lookup = *lookup;
        self.twice(move |store| {
            let checkpoint = checkpoint.clone();
            store.renew(Renew { lookup: &lookup, token, lease, checkpoint })
        })
    }

    fn complete(&self, complete: Complete<'_>) -> StoreFuture<Result<Completed, StoreError>> {
        let Complete { lookup, token, attempt, fingerprint, answer, retention } = complete;
        let lookup = *lookup;
        self.twice(move |store| {
            let answer = answer.clone();
            store.complete(Complete::new(&lookup, token, attempt, fingerprint, answer, retention))
        })
    }

    fn release(&self, release: Release<'_>) -> StoreFuture<Result<(), StoreError>> {
        let Release { lookup, token } = release;
        let lookup = *lookup;
        self.twice(move |store| store.release(Release::new(&lookup, token)))
    }

    /// Once: a watch changes nothing, and its end is its only reply.
    fn watch(&self, watch: Watch<'_>) -> StoreFuture<()> {
        self.0.watch(watch)
    }
}
