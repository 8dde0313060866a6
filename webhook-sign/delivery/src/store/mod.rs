//! The outbox: the trait, what it is asked, and what it answers.

mod answers;
mod memory;
mod operations;
mod payload;
#[cfg(feature = "redis-1")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis-1")))]
pub mod redis1;

use std::sync::Arc;

#[doc(no_inline)]
pub use stonework_core::{StoreError, StoreErrorKind, StoreFuture};

pub use answers::{
    Became, Claimed, Cursor, EndpointState, Enqueued, Entry, Health, Held, Leased, Page, Purged,
    Requeued, Settled, State, StateKind,
};
pub use memory::{MemoryOutbox, MemoryOutboxBuilder};
pub use operations::{
    Ack, Change, Claim, Counts, Dead, EndpointChange, EndpointEffect, Enqueue, Extend, Lease,
    LeaseToken, List, Purge, Requeue, Retry,
};
pub use payload::{ContentTypeTooLong, Payload};

use crate::EndpointId;

/// Keeps messages until they are delivered, and what is known of endpoints. Every method is one atomic step.
///
/// # A record
///
/// There is one record for each [`DeliveryId`](crate::DeliveryId). It is *queued* until it is due, *sending* while a claim
/// has leased it, and in the end *delivered* or *dead*; then it is kept for a while, so that a message that is enqueued
/// again is known, and a dead one can be looked at and [queued again](Self::requeue). A delivered one needs no payload any
/// more.
///
/// A record that has an [order](Enqueue::order) *waits* while another of the same endpoint and order, which came before it,
/// is queued or sending. When that one is delivered or dead, the next is queued.
///
/// # Leases
///
/// A claim leases records to its [`LeaseToken`]. When a lease has run out, the record is queued again and due at once; the
/// attempt counts, and is [lost](Leased::lost). Until somebody else has claimed it, the token may still settle it, and then
/// the attempt is not lost: one that took too long is not made again for that. After that, the token has [lost](Settled::Lost) it, and nothing that it says has an effect.
///
/// # Endpoints
///
/// What is known of an endpoint changes with the records that are settled, in the same step, by one rule:
/// [`EndpointState::succeeded`], then [`EndpointState::felt`]. It is judged as it is then, and not as it was when the attempt
/// began.
/// A claim passes by endpoints that are disabled, paused, or have as many records leased as it allows
/// ([one](Health::is_probing), if the endpoint is being tried). Between the others it goes round: an endpoint that was
/// served is behind all those that are due and were not.
///
/// # Repeats and lost replies
///
/// An operation that is sent twice has the effect of one: enqueueing by the delivery's id, all else by the token. The second
/// reply says the same as the first, but that a message which is enqueued twice is [`Enqueued::Duplicate`]. What a settled
/// record [did](Became) to its endpoint is said again too, while nobody else has the record. An operation may take effect
/// from the moment the method is called; dropping its future leaves the outcome unknown.
///
/// # Room
///
/// What is not delivered must not be forgotten. An outbox without room says [`Enqueued::Full`]; it goes on with what it
/// has.
///
/// # Writing your own
///
/// `testing::outbox_conformance` (feature `testing`) says whether an outbox keeps this contract.
pub trait Outbox: Send + Sync + 'static {
    /// Makes a record, unless there is one of this id. It may be claimed after `enqueue.after`, or waits if it has an order
    /// and is not the first of it.
    fn enqueue(&self, enqueue: Enqueue) -> StoreFuture<Result<Enqueued, StoreError>>;

    /// Leases up to `claim.max` records that are due, to `claim.token` for `claim.lease`. A claim by a token that has records
    /// leased returns those and no others.
    ///
    /// An attempt begins with this, and counts whether or not anything more is heard of it.
    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>>;

    /// The message was delivered. Ends what the endpoint has failed.
    fn ack(&self, ack: Ack) -> StoreFuture<Result<Settled, StoreError>>;

    /// The message is queued again, and due after `retry.after`.
    fn retry(&self, retry: Retry) -> StoreFuture<Result<Settled, StoreError>>;

    /// The message will not be tried again, unless somebody [says so](Self::requeue).
    fn dead(&self, dead: Dead) -> StoreFuture<Result<Settled, StoreError>>;

    /// The lease ends `extend.lease` from now. Of a lease that has run out too, unless somebody else has the record.
    fn extend(&self, extend: Extend) -> StoreFuture<Result<Held, StoreError>>;

    /// Queues a dead letter again, due at once, with the schedule from its beginning. Leaves alone what is not dead.
    fn requeue(&self, requeue: Requeue) -> StoreFuture<Result<Requeued, StoreError>>;

    /// What there is, a page at a time, in an order of the store's own. A record that changes meanwhile may be left out or be
    /// there twice. A page may be short, even empty, and not the last.
    fn list(&self, list: List) -> StoreFuture<Result<Page, StoreError>>;

    /// What is known of an endpoint. One that nothing is known of is as new.
    fn endpoint(&self, endpoint: EndpointId) -> StoreFuture<Result<EndpointState, StoreError>>;

    /// Changes what is known of an endpoint.
    fn change(&self, change: Change) -> StoreFuture<Result<(), StoreError>>;

    /// Removes up to `purge.limit` records of an endpoint, in whatever state: leased ones are lost to their holders. As long
    /// as there are more the endpoint is disabled, so that nothing is claimed of it or taken for it between two of these. When
    /// there are none, nothing is known of it: it is as new.
    ///
    /// Sent twice it removes up to twice as many, and the second reply counts its own.
    fn purge(&self, purge: Purge) -> StoreFuture<Result<Purged, StoreError>>;
}

impl<S: Outbox + ?Sized> Outbox for Arc<S> {
    fn enqueue(&self, enqueue: Enqueue) -> StoreFuture<Result<Enqueued, StoreError>> {
        (**self).enqueue(enqueue)
    }

    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        (**self).claim(claim)
    }

    fn ack(&self, ack: Ack) -> StoreFuture<Result<Settled, StoreError>> {
        (**self).ack(ack)
    }

    fn retry(&self, retry: Retry) -> StoreFuture<Result<Settled, StoreError>> {
        (**self).retry(retry)
    }

    fn dead(&self, dead: Dead) -> StoreFuture<Result<Settled, StoreError>> {
        (**self).dead(dead)
    }

    fn extend(&self, extend: Extend) -> StoreFuture<Result<Held, StoreError>> {
        (**self).extend(extend)
    }

    fn requeue(&self, requeue: Requeue) -> StoreFuture<Result<Requeued, StoreError>> {
        (**self).requeue(requeue)
    }

    fn list(&self, list: List) -> StoreFuture<Result<Page, StoreError>> {
        (**self).list(list)
    }

    fn endpoint(&self, endpoint: EndpointId) -> StoreFuture<Result<EndpointState, StoreError>> {
        (**self).endpoint(endpoint)
    }

    fn change(&self, change: Change) -> StoreFuture<Result<(), StoreError>> {
        (**self).change(change)
    }

    fn purge(&self, purge: Purge) -> StoreFuture<Result<Purged, StoreError>> {
        (**self).purge(purge)
    }
}
