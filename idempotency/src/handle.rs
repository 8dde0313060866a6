use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use stonework_core::StoreError;
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Builder;

use crate::lookup::{self, Lookup, Token};
use crate::run::Owned;
use crate::shared::Shared;
use crate::store::{Held, Renew};
use crate::vault::Part;

/// The largest checkpoint, in bytes: a note about how far a run got, not a place for data.
pub const MAX_CHECKPOINT: usize = 64 * 1024;

/// What a handler may know and say about the run it is in: a request extension, and an axum
/// extractor with the feature `axum-0-8`.
///
/// It is there if the request carried a key and the layer protects it, and absent otherwise.
/// Clones are of the same run.
#[derive(Clone)]
pub struct Idempotency {
    pub(crate) run: Arc<RunState>,
}

/// What the handler, the heartbeat and the end of a run share.
pub(crate) struct RunState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) lookup: Lookup,
    pub(crate) token: Token,
    pub(crate) attempt: u32,
    /// Did the store say that the key is ours? Not if it was away, under `Outage::Open`.
    pub(crate) claimed: bool,
    checkpoint: Option<Bytes>,
    /// End of the lease by the local clock, in nanoseconds.
    lease_until: AtomicU64,
    nothing_happened: AtomicBool,
    streams: AtomicBool,
    lost: AtomicBool,
    on_lost: Notify,
}

impl Idempotency {
    /// Which attempt this is: 1, and one more after each takeover of an abandoned run.
    ///
    /// Attempts of one key may overlap under [`Abandoned::Rerun`](crate::Abandoned::Rerun) and
    /// [`Resume`](crate::Abandoned::Resume). A resource that remembers the greatest attempt it
    /// has seen, and refuses smaller ones, is safe from the late writes of a run that was given
    /// up.
    pub fn attempt(&self) -> u32 {
        self.run.attempt
    }

    /// A key for a call that this handler makes: the same for every attempt of this key, and
    /// different for every label. 36 characters, in the form of a UUID (version 8).
    ///
    /// It depends on scope, key and label only. Services that call the same one downstream need
    /// labels of their own.
    ///
    /// ```
    /// # fn charge(key: String) {}
    /// # fn handler(idempotency: stonework_idempotency::Idempotency) {
    /// charge(idempotency.derive("charge"));
    /// # }
    /// ```
    pub fn derive(&self, label: &str) -> String {
        derive(&self.run.lookup, label)
    }

    /// What an earlier attempt saved, under [`Abandoned::Resume`](crate::Abandoned::Resume).
    pub fn checkpoint(&self) -> Option<&Bytes> {
        self.run.checkpoint.as_ref()
    }

    /// Saves how far this run got, for a later attempt to find. Replaces what was saved before.
    ///
    /// Save before each effect what you are about to do, and derive the keys of downstream calls
    /// from this key; then a later attempt can find out what was done.
    ///
    /// # Errors
    ///
    /// [`SaveError::TooLarge`] above [`MAX_CHECKPOINT`] bytes; [`SaveError::Lost`] when another
    /// attempt owns the key, or the run has ended: stop; [`SaveError::Store`] when the store did not say: the checkpoint
    /// may or may not be saved.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it unknown whether the checkpoint is saved.
    pub async fn save(&self, checkpoint: impl Into<Bytes>) -> Result<(), SaveError> {
        let checkpoint = checkpoint.into();
        if checkpoint.len() > MAX_CHECKPOINT {
            return Err(SaveError::TooLarge);
        }
        if self.run.lost.load(Ordering::Acquire) {
            return Err(SaveError::Lost);
        }
        let sealed = self.run.shared.seal(&self.run.lookup, Part::Checkpoint, checkpoint);
        match self.run.renew(Some(sealed)).await? {
            Held::Held => Ok(()),
            Held::Lost => Err(SaveError::Lost),
        }
    }

    /// Says that nothing has happened: the response is not recorded, and the key is as if it had
    /// not been used. For a handler that refuses before it does anything, and would decide
    /// otherwise another time.
    ///
    /// On a second or later attempt the key stays abandoned instead, since nobody knows what the
    /// first one did.
    pub fn nothing_happened(&self) {
        self.run.nothing_happened.store(true, Ordering::Release);
    }

    /// Says that the response is a stream: record its status and headers, and send the body as it
    /// comes. A retry gets status and headers.
    pub fn stream(&self) {
        self.run.streams.store(true, Ordering::Release);
    }

    /// Can this run still rely on being the only one? Not when another attempt is known to have
    /// taken the key over, nor when the run has ended, nor when the lease has run out, as the local clock tells: because the
    /// store could not be reached, or `max_run` has passed.
    pub fn is_owner(&self) -> bool {
        !self.run.lost.load(Ordering::Acquire) && !self.run.lease_left().is_zero()
    }

    /// Resolves when [`is_owner`](Self::is_owner) ceases to hold. Stays pending if that never
    /// happens.
    ///
    /// The run is not stopped, and its answer still counts if nobody else's came first.
    ///
    /// # Cancellation
    ///
    /// Dropping the future changes nothing.
    pub async fn ownership_lost(&self) {
        loop {
            let lost = self.run.on_lost.notified();
            if !self.is_owner() {
                return;
            }
            // Renewals move the end of the lease; then there is more to wait for.
            drop(timeout(self.run.lease_left(), lost).await);
        }
    }
}

fn derive(lookup: &Lookup, label: &str) -> String {
    let mut hash = Sha256::new();
    lookup::add(&mut hash, b"stonework-idempotency derive");
    lookup::add(&mut hash, lookup.id());
    lookup::add(&mut hash, label.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency")
            .field("lookup", &self.run.lookup)
            .field("attempt", &self.run.attempt)
            .field("is_owner", &self.is_owner())
            .finish_non_exhaustive()
    }
}

impl RunState {
    pub(crate) fn new(shared: Arc<Shared>, lookup: Lookup, token: Token, owned: Owned) -> Self {
        let Owned { attempt, checkpoint, claimed_at, claimed } = owned;
        let lease_until = claimed_at.saturating_add(shared.policy.lease);
        Self {
            shared,
            lookup,
            token,
            attempt,
            claimed,
            checkpoint,
            lease_until: AtomicU64::new(nanos(lease_until)),
            nothing_happened: AtomicBool::new(false),
            streams: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            on_lost: Notify::new(),
        }
    }

    /// Renews the lease, and counts it from before the renewal was sent: the store cannot have
    /// begun earlier.
    pub(crate) async fn renew(&self, checkpoint: Option<Bytes>) -> Result<Held, StoreError> {
        let lease = self.shared.policy.lease;
        let sent_at = self.shared.clock.monotonic();
        let renew = Renew { checkpoint, ..Renew::new(&self.lookup, self.token, lease) };
        let held = self.shared.guard.run(|| self.shared.store.renew(renew)).await?;
        match held {
            Held::Held => {
                let until = nanos(sent_at.saturating_add(lease));
                self.lease_until.fetch_max(until, Ordering::AcqRel);
            }
            Held::Lost => self.lose(),
        }
        Ok(held)
    }

    /// How much of the lease is left, by the local clock.
    pub(crate) fn lease_left(&self) -> Duration {
        let until = Duration::from_nanos(self.lease_until.load(Ordering::Acquire));
        until.saturating_sub(self.shared.clock.monotonic())
    }

    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        self.on_lost.notify_waiters();
    }

    pub(crate) fn said_nothing_happened(&self) -> bool {
        self.nothing_happened.load(Ordering::Acquire)
    }

    pub(crate) fn said_stream(&self) -> bool {
        self.streams.load(Ordering::Acquire)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Why a checkpoint was not saved.
#[derive(Debug)]
#[non_exhaustive]
pub enum SaveError {
    /// It is larger than [`MAX_CHECKPOINT`].
    TooLarge,
    /// Another attempt owns the key, or the run has ended.
    Lost,
    /// The store did not say whether it is saved.
    Store(StoreError),
}

impl From<StoreError> for SaveError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the checkpoint is larger than 64 KiB",
            Self::Lost => "another attempt owns the idempotency key, or the run has ended",
            Self::Store(_) => "the store did not say whether the checkpoint is saved",
        })
    }
}

impl Error for SaveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::TooLarge | Self::Lost => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_keys_are_stable_and_differ_by_key_and_label() {
        let first = Lookup::new(None, None, b"k");
        let second = Lookup::new(None, None, b"l");
        // Spelled out: a change would break the downstream keys of runs that are resumed.
        assert_eq!(derive(&first, "charge"), "4ad47a36-b013-8c4a-a0f6-c64730babde4");
        assert_ne!(derive(&first, "charge"), derive(&first, "refund"));
        assert_ne!(derive(&first, "charge"), derive(&second, "charge"));
    }
}
