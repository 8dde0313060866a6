//! Which events were handled: the trait, what it is asked, and what it answers.

mod memory;
#[cfg(test)]
mod model;
#[cfg(feature = "redis-1")]
pub mod redis1;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
#[doc(no_inline)]
pub use stonework_core::{StoreError, StoreErrorKind, StoreFuture};
use uuid::Uuid;

pub use memory::{MemoryStore, MemoryStoreBuilder};

/// Keeps one record per event. Every method is one atomic step on one record.
///
/// # The record
///
/// There is no record of an event that nobody handles. A *claim* makes one that is *in flight*, for a lease; when the
/// lease has run out, it is as if it had never been there, so that an event whose handler crashed is handled when it is
/// delivered again. A *commit* makes it *done*, for as long as it says. A record in flight belongs to the [`Fence`] that
/// claimed it.
///
/// # Repeats and lost replies
///
/// Every operation carries a fence that the caller made. An operation that is sent twice has the effect of one, and the
/// second reply says the same as the first. An operation may take effect from the moment the method is called; dropping
/// its future leaves the outcome unknown.
///
/// # Room
///
/// What is in flight or done must not be forgotten before its time: an event that is forgotten is handled again. A store
/// without room says [`Claimed::Full`], and its operator hears of it.
///
/// # Writing your own
///
/// `testing::store_conformance` (feature `testing`) says whether a store keeps this contract.
pub trait ReplayStore: Send + Sync + 'static {
    /// Claims an event: makes a record in flight, owned by `claim.fence`, if there is none. Otherwise tells what is there,
    /// and changes nothing.
    ///
    /// A record in flight that `claim.fence` owns is [`Claimed::Won`] again; its lease is not renewed by that.
    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>>;

    /// Makes an event done, for `commit.keep` from now: if its record is in flight and owned by `commit.fence`, and also if
    /// there is none, since the lease may have run out while the handler ran.
    ///
    /// A record that `commit.fence` made done stays as it is, and is [`Committed::Stored`] again. Any other is left alone:
    /// [`Committed::Lost`].
    fn commit(&self, commit: Commit) -> StoreFuture<Result<Committed, StoreError>>;

    /// Removes the record if it is in flight and owned by `release.fence`. Anything else is left alone.
    fn release(&self, release: Release) -> StoreFuture<Result<(), StoreError>>;
}

impl<S: ReplayStore + ?Sized> ReplayStore for Arc<S> {
    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        (**self).claim(claim)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<Result<Committed, StoreError>> {
        (**self).commit(commit)
    }

    fn release(&self, release: Release) -> StoreFuture<Result<(), StoreError>> {
        (**self).release(release)
    }
}

/// What an event is known by: a SHA-256. It holds neither an id nor a signature that could be sent again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKey([u8; 32]);

impl EventKey {
    /// The key of these parts, in this order.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that what stands at the end of one cannot begin the next.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "EventKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// One run of a handler, told apart from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence(u128);

impl Fence {
    /// A new one.
    pub fn random() -> Self {
        Self(Uuid::new_v4().as_u128())
    }

    /// The number.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// As a store keeps it.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

/// What [`ReplayStore::claim`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// The event.
    pub event: EventKey,
    /// Who claims.
    pub fence: Fence,
    /// How long the claimer has, until others may claim.
    pub lease: Duration,
}

impl Claim {
    /// A claim.
    pub const fn new(event: EventKey, fence: Fence, lease: Duration) -> Self {
        Self { event, fence, lease }
    }
}

/// What [`ReplayStore::claim`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claimed {
    /// The event is the claimer's.
    Won,
    /// Somebody else is handling it.
    InFlight {
        /// How much of the lease is left, at most.
        lease_left: Duration,
    },
    /// It was handled.
    Done,
    /// There is no room for a new record. Nothing was written.
    Full,
}

/// What [`ReplayStore::commit`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Commit {
    /// The event.
    pub event: EventKey,
    /// Who commits.
    pub fence: Fence,
    /// For how long, from now.
    pub keep: Duration,
}

impl Commit {
    /// A commit.
    pub const fn new(event: EventKey, fence: Fence, keep: Duration) -> Self {
        Self { event, fence, keep }
    }
}

/// What [`ReplayStore::commit`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Committed {
    /// The event is done.
    Stored,
    /// The record is somebody else's: the lease ran out, and the event was delivered again.
    Lost,
}

/// What [`ReplayStore::release`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Release {
    /// The event.
    pub event: EventKey,
    /// Who releases.
    pub fence: Fence,
}

impl Release {
    /// A release.
    pub const fn new(event: EventKey, fence: Fence) -> Self {
        Self { event, fence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(EventKey::of(&[b"ab", b"c"]), EventKey::of(&[b"a", b"bc"]));
        assert_ne!(EventKey::of(&[b"ab"]), EventKey::of(&[b"ab", b""]));
        assert_eq!(EventKey::of(&[b"ab"]), EventKey::of(&[b"ab"]));
    }
}
