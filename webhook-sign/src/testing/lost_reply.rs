use std::sync::Arc;

use crate::store::{
    Claim, Claimed, Commit, Committed, Release, ReplayStore, StoreError, StoreFuture,
};

/// Does every operation twice, one after the other, and throws the first reply away: a client whose connection broke before
/// the reply came, and who asked again.
#[derive(Debug)]
pub struct LostReply<S>(Arc<S>);

impl<S: ReplayStore> LostReply<S> {
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

impl<S: ReplayStore> ReplayStore for LostReply<S> {
    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        self.twice(move |store| store.claim(claim))
    }

    fn commit(&self, commit: Commit) -> StoreFuture<Result<Committed, StoreError>> {
        self.twice(move |store| store.commit(commit))
    }

    fn release(&self, release: Release) -> StoreFuture<Result<(), StoreError>> {
        self.twice(move |store| store.release(release))
    }
}
