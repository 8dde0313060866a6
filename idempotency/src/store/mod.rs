//! Where records are kept: the trait, its requests and its answers.

#[cfg(feature = "memory")]
mod memory;
#[cfg(any(feature = "redis-1", feature = "testing"))]
#[cfg_attr(not(feature = "redis-1"), allow(dead_code))]
mod record;
#[cfg(feature = "redis-1")]
pub mod redis1;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
#[doc(no_inline)]
pub use stonework_core::{StoreError, StoreErrorKind, StoreFuture};

#[cfg(feature = "memory")]
pub use memory::{MemoryStats, MemoryStore, MemoryStoreBuilder};
#[cfg(feature = "testing")]
pub(crate) use record::Stored;

use crate::lookup::{Fingerprint, Lookup, Token};

/// Keeps one record per key. Every method is one atomic step on one record.
///
/// # The record
///
/// A record is *pending* from its claim until its completion, and *completed* from then on. It
/// disappears when its retention has passed: counted from the claim (or the last takeover) while
/// pending, from the completion afterwards. A record that is pending has an owner, named by a
/// [`Token`], and a *lease*: the time for which the owner has said that it is alive. A lease that
/// has run out changes nothing by itself; only a takeover changes the owner.
///
/// # Repeats and lost replies
///
/// Every operation carries a token that the caller made. An operation that is sent twice has the
/// effect of one, and the second reply says the same as the first. An operation may take effect
/// from the moment the method is called; dropping its future leaves the outcome unknown.
///
/// # Time
///
/// All times are measured by one clock: the store's server, or the process for a store in memory.
///
/// # Writing your own
///
/// `testing::store_conformance` (feature `testing`) says whether a store keeps this contract.
pub trait IdempotencyStore: Send + Sync + 'static {
    /// Claims a key: makes a pending record owned by `claim.token` with attempt 1, if there is
    /// none. Otherwise tells what is there, and changes nothing.
    ///
    /// With `claim.take_over = Some(observed)`, a pending record that is owned by `observed` and
    /// whose lease has run out goes over to `claim.token`: its attempt grows by one, its
    /// checkpoint stays, its retention starts anew. Any other record is told as without it, and
    /// nobody takes over from itself. The fingerprint of the record is left as it was.
    ///
    /// A record that `claim.token` owns already is [`Claimed::Owned`] again, with its attempt. Its
    /// lease is not renewed by that: it counts from the first time that the claim was sent.
    fn claim(&self, claim: Claim<'_>) -> StoreFuture<Result<Claimed, StoreError>>;

    /// Makes the lease of a pending record end `renew.lease` from now, and replaces its checkpoint
    /// if `renew.checkpoint` is given. A lease of zero gives the run up as interrupted.
    ///
    /// [`Held::Lost`] and no change unless the record is pending and owned by `renew.token`. A store
    /// without room for the checkpoint refuses, and changes nothing.
    fn renew(&self, renew: Renew<'_>) -> StoreFuture<Result<Held, StoreError>>;

    /// Completes a record: keeps the answer, for `complete.retention` from now. The attempt and the
    /// fingerprint are those of the claim.
    ///
    /// Does so if the record is pending and owned by `complete.token`, whether or not its lease
    /// has run out, and also if there is no record at all (it may have been lost). A record that
    /// `complete.token` completed before stays as it is and is [`Completed::Stored`] again. Any
    /// other record is left alone and told as [`Completed::Lost`].
    ///
    /// A store whose room is bounded may keep the answer without its body, and may refuse to
    /// complete a record that is not there. A key that was released must not be completed after
    /// that: to the store it is one without a record.
    fn complete(&self, complete: Complete<'_>) -> StoreFuture<Result<Completed, StoreError>>;

    /// Removes the record if it is pending and owned by `release.token`, so that the key is as if
    /// it had never been used. Anything else is left alone.
    fn release(&self, release: Release<'_>) -> StoreFuture<Result<(), StoreError>>;

    /// Resolves when it is worth while to claim again a key whose record is pending and owned by
    /// `watch.token`: soon after that has ceased to be true, or after a pause. A hint: it may
    /// resolve for no reason. A store that does not pause resolves at once if the record is
    /// another's or its lease has run out; it need not resolve when a lease runs out later.
    fn watch(&self, watch: Watch<'_>) -> StoreFuture<()>;
}

impl<S: IdempotencyStore + ?Sized> IdempotencyStore for Arc<S> {
    fn claim(&self, claim: Claim<'_>) -> StoreFuture<Result<Claimed, StoreError>> {
        (**self).claim(claim)
    }

    fn renew(&self, renew: Renew<'_>) -> StoreFuture<Result<Held, StoreError>> {
        (**self).renew(renew)
    }

    fn complete(&self, complete: Complete<'_>) -> StoreFuture<Result<Completed, StoreError>> {
        (**self).complete(complete)
    }

    fn release(&self, release: Release<'_>) -> StoreFuture<Result<(), StoreError>> {
        (**self).release(release)
    }

    fn watch(&self, watch: Watch<'_>) -> StoreFuture<()> {
        (**self).watch(watch)
    }
}

/// What [`IdempotencyStore::claim`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Claim<'a> {
    /// The record.
    pub lookup: &'a Lookup,
    /// Who claims.
    pub token: Token,
    /// What the key is used for.
    pub fingerprint: Fingerprint,
    /// How long the claimer is taken to be alive without a renewal.
    pub lease: Duration,
    /// How long the record stays if nothing completes it.
    pub retention: Duration,
    /// The owner to replace if its lease has run out.
    pub take_over: Option<Token>,
}

impl<'a> Claim<'a> {
    /// A claim that takes nothing over.
    pub const fn new(
        lookup: &'a Lookup,
        token: Token,
        fingerprint: Fingerprint,
        lease: Duration,
        retention: Duration,
    ) -> Self {
        Self { lookup, token, fingerprint, lease, retention, take_over: None }
    }

    /// The same claim, which also replaces `observed` if its lease has run out.
    #[must_use]
    pub const fn taking_over(self, observed: Token) -> Self {
        Self { take_over: Some(observed), ..self }
    }
}

/// What [`IdempotencyStore::claim`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claimed {
    /// The record is the claimer's.
    Owned {
        /// 1 at first, one more after each takeover.
        attempt: u32,
        /// What an earlier attempt saved.
        checkpoint: Option<Bytes>,
    },
    /// The record is somebody else's, or completed.
    Taken(Record),
    /// There is no room for a new record. Nothing was written.
    Full,
}

/// What [`IdempotencyStore::renew`] is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Renew<'a> {
    /// The record.
    pub lookup: &'a Lookup,
    /// Who renews.
    pub token: Token,
    /// How long the owner is taken to be alive from now; zero to give up.
    pub lease: Duration,
    /// What a later attempt shall find.
    pub checkpoint: Option<Bytes>,
}

impl<'a> Renew<'a> {
    /// A renewal that leaves the checkpoint as it is.
    pub const fn new(lookup: &'a Lookup, token: Token, lease: Duration) -> Self {
        Self { lookup, token, lease, checkpoint: None }
    }

    /// The same renewal, which also saves a checkpoint.
    #[must_use]
    pub fn with_checkpoint(self, checkpoint: Bytes) -> Self {
        Self { checkpoint: Some(checkpoint), ..self }
    }
}

/// What [`IdempotencyStore::renew`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Held {
    /// The record is still the asker's.
    Held,
    /// It is not: somebody took it over, completed it, or it is gone.
    Lost,
}

/// What [`IdempotencyStore::complete`] is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Complete<'a> {
    /// The record.
    pub lookup: &'a Lookup,
    /// Who completes.
    pub token: Token,
    /// The attempt that the claim gave.
    pub attempt: u32,
    /// What the key was used for.
    pub fingerprint: Fingerprint,
    /// The answer to keep.
    pub answer: Answer,
    /// For how long, from now.
    pub retention: Duration,
}

impl<'a> Complete<'a> {
    /// A completion.
    pub const fn new(
        lookup: &'a Lookup,
        token: Token,
        attempt: u32,
        fingerprint: Fingerprint,
        answer: Answer,
        retention: Duration,
    ) -> Self {
        Self { lookup, token, attempt, fingerprint, answer, retention }
    }
}

/// What [`IdempotencyStore::complete`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completed {
    /// The answer is kept, with or without its body.
    Stored,
    /// The record is somebody else's, and this is it.
    Lost(Record),
}

/// What [`IdempotencyStore::release`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Release<'a> {
    /// The record.
    pub lookup: &'a Lookup,
    /// Who releases.
    pub token: Token,
}

impl<'a> Release<'a> {
    /// A release.
    pub const fn new(lookup: &'a Lookup, token: Token) -> Self {
        Self { lookup, token }
    }
}

/// What [`IdempotencyStore::watch`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Watch<'a> {
    /// The record.
    pub lookup: &'a Lookup,
    /// The owner that was seen.
    pub token: Token,
    /// How often this caller has watched this record before; for pauses that grow.
    pub round: u32,
}

impl<'a> Watch<'a> {
    /// A watch.
    pub const fn new(lookup: &'a Lookup, token: Token, round: u32) -> Self {
        Self { lookup, token, round }
    }
}

/// A record as a store tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// What the key was used for.
    pub fingerprint: Fingerprint,
    /// Who owns or completed it.
    pub token: Token,
    /// How often it was claimed.
    pub attempt: u32,
    /// How far it is.
    pub state: State,
}

impl Record {
    /// A record.
    pub const fn new(fingerprint: Fingerprint, token: Token, attempt: u32, state: State) -> Self {
        Self { fingerprint, token, attempt, state }
    }
}

/// How far a [`Record`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// A run was begun and has not been completed.
    Pending {
        /// How long the owner is still taken to be alive; zero when the lease has run out.
        lease_left: Duration,
    },
    /// A run was completed with this answer.
    Completed(Answer),
}

/// An answer as a store keeps it: bytes that only the layer reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Status, headers and trailers, encoded. Always kept; at most 16 KiB.
    pub head: Bytes,
    /// The body, unless it was not kept.
    pub body: Option<Bytes>,
}

impl Answer {
    /// An answer.
    pub const fn new(head: Bytes, body: Option<Bytes>) -> Self {
        Self { head, body }
    }
}
