use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stonework_core::{Key, StoreError, StoreFuture};

/// Keeps what cursors say, each under a handle that nobody guesses.
///
/// Each method is one atomic step, and idempotent: sent twice, it does what it does once. A future that is
/// dropped, or an error, leaves it unknown whether the step was made; make it again.
///
/// It may forget: a client whose cursor is gone begins again at the first page.
pub trait CursorStore: Send + Sync + 'static {
    /// Keeps a cursor.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn put(&self, put: Put<'_>) -> StoreFuture<Result<(), StoreError>>;

    /// What a cursor says; nothing if it has expired, is not known, is somebody else's, or was revoked.
    ///
    /// # Errors
    ///
    /// When the store does not answer, or holds what it cannot read.
    fn get(&self, get: Get<'_>) -> StoreFuture<Result<Option<Bytes>, StoreError>>;

    /// Takes back all cursors of an owner that were kept before: its rights have changed, or it has left.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn revoke(&self, revoke: Revoke<'_>) -> StoreFuture<Result<(), StoreError>>;
}

/// What is to be kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Put<'a> {
    /// Under which name: 128 random bits.
    pub handle: [u8; 16],
    /// Whose it is.
    pub owner: &'a Key,
    /// What it says.
    pub value: Bytes,
    /// After which time it may be forgotten.
    pub expires_after: Duration,
}

impl<'a> Put<'a> {
    /// This value, of this owner, under this handle.
    pub const fn new(
        handle: [u8; 16],
        owner: &'a Key,
        value: Bytes,
        expires_after: Duration,
    ) -> Self {
        Self { handle, owner, value, expires_after }
    }
}

/// Which cursor is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Get<'a> {
    /// Its name.
    pub handle: [u8; 16],
    /// Who is asking.
    pub owner: &'a Key,
}

impl<'a> Get<'a> {
    /// The one of this name, if it is this owner's.
    pub const fn new(handle: [u8; 16], owner: &'a Key) -> Self {
        Self { handle, owner }
    }
}

/// Whose cursors are taken back.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Revoke<'a> {
    /// Whose.
    pub owner: &'a Key,
    /// How long the last of them would have been kept.
    pub expires_after: Duration,
}

impl<'a> Revoke<'a> {
    /// Those of this owner, none of which is kept longer than this.
    pub const fn new(owner: &'a Key, expires_after: Duration) -> Self {
        Self { owner, expires_after }
    }
}

impl<S: CursorStore + ?Sized> CursorStore for Arc<S> {
    fn put(&self, put: Put<'_>) -> StoreFuture<Result<(), StoreError>> {
        (**self).put(put)
    }

    fn get(&self, get: Get<'_>) -> StoreFuture<Result<Option<Bytes>, StoreError>> {
        (**self).get(get)
    }

    fn revoke(&self, revoke: Revoke<'_>) -> StoreFuture<Result<(), StoreError>> {
        (**self).revoke(revoke)
    }
}
