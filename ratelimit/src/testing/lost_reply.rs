use std::sync::Arc;

use stonework_core::{Key, StoreError, StoreFuture};

use crate::quota::Quota;
use crate::store::{
    Acquire, Acquired, Adjust, Adjusted, Bucket, Demand, Lease, LeaseStore, Leased, RateLimitStore,
    Reset,
};

/// A store whose operations are all sent twice, with the first reply thrown away: a client whose
/// connection broke before the reply came, and who asked again.
#[derive(Debug)]
pub struct LostReply<S: ?Sized> {
    how: How,
    store: Arc<S>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    All,
    Corrections,
}

impl<S: ?Sized + Send + Sync + 'static> LostReply<S> {
    /// Around this store; every operation is sent twice.
    pub const fn new(store: Arc<S>) -> Self {
        Self { how: How::All, store }
    }

    /// Around this store; only those operations are sent twice that have to be idempotent.
    pub const fn of_corrections(store: Arc<S>) -> Self {
        Self { how: How::Corrections, store }
    }

    fn twice<T: Send + 'static>(
        &self,
        operation: impl Fn(&S) -> StoreFuture<T> + Send + 'static,
    ) -> StoreFuture<T> {
        let (store, first) = (Arc::clone(&self.store), operation(&self.store));
        StoreFuture::new(async move {
            first.await;
            // Made before it is awaited, so that no reference is held meanwhile.
            let second = operation(&store);
            second.await
        })
    }
}

/// A bucket that outlives its name.
struct Owned {
    policy: String,
    key: Key,
}

impl Owned {
    fn of(bucket: Bucket<'_>) -> Self {
        Self { policy: bucket.policy.to_owned(), key: Key::from(bucket.key) }
    }

    fn bucket(&self) -> Bucket<'_> {
        Bucket::new(&self.policy, self.key.as_bytes())
    }
}

/// What a demand asks of a bucket that it does not name: quota, cost, shadow, promise.
type Terms = (Quota, u32, bool, bool);

fn owned(demand: &Demand<'_>) -> (Owned, Terms) {
    let Demand { bucket, quota, cost, shadow, only_time_refills } = *demand;
    (Owned::of(bucket), (quota, cost, shadow, only_time_refills))
}

fn borrowed((bucket, terms): &(Owned, Terms)) -> Demand<'_> {
    let (quota, cost, shadow, promise) = *terms;
    Demand::new(bucket.bucket(), quota, cost).shadow(shadow).only_time_refills(promise)
}

impl<S: RateLimitStore + ?Sized> RateLimitStore for LostReply<S> {
    fn acquire(&self, acquire: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>> {
        if self.how == How::Corrections {
            return self.store.acquire(acquire);
        }
        let demands: Vec<(Owned, Terms)> = acquire.demands.iter().map(owned).collect();
        self.twice(move |store| {
            let demands: Vec<Demand<'_>> = demands.iter().map(borrowed).collect();
            store.acquire(Acquire::new(&demands))
        })
    }

    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>> {
        let Adjust { bucket, quota, tokens, id, receipt } = adjust;
        let bucket = Owned::of(bucket);
        self.twice(move |store| {
            store.adjust(Adjust::new(bucket.bucket(), quota, tokens, id).of(receipt))
        })
    }

    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>> {
        let bucket = Owned::of(reset.bucket);
        self.twice(move |store| store.reset(Reset::new(bucket.bucket())))
    }
}

impl<S: LeaseStore + ?Sized> LeaseStore for LostReply<S> {
    fn lease(&self, lease: Lease<'_>) -> StoreFuture<Result<Leased, StoreError>> {
        if self.how == How::Corrections {
            return self.store.lease(lease);
        }
        let Lease { bucket, quota, want, least } = lease;
        let bucket = Owned::of(bucket);
        self.twice(move |store| store.lease(Lease::new(bucket.bucket(), quota, want, least)))
    }
}
