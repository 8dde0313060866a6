use std::sync::Arc;

use stonework_core::{Key, StoreError, StoreFuture};

/// The longest name of an account, in bytes, that our stores keep.
pub(crate) const LONGEST_ACCOUNT: usize = 256;

/// Keeps which version each account is pinned to.
///
/// Versions are texts in their canonical form: a store knows nothing of their order. Each method is one
/// atomic step. All are idempotent: sent twice, they do what they do once. A future that is dropped, or an
/// error, leaves it unknown whether the step was made; make it again.
///
/// An account has a name of up to 256 bytes, any bytes; a store need not have room for longer ones.
///
/// A pin is never given up by itself: an account that lost its pin would be moved to another version.
pub trait PinStore: Send + Sync + 'static {
    /// The version that an account is pinned to; `None` if it is not.
    ///
    /// # Errors
    ///
    /// When the store does not answer, or holds what it cannot read.
    fn get(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Option<String>, StoreError>>;

    /// Pins an account to a version, unless it is pinned already. Of many who do so at once, all are told
    /// the same version.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    fn pin_if_absent(&self, pin: Pin<'_>) -> StoreFuture<Result<Pinned, StoreError>>;

    /// Moves an account from one version to another, if it is pinned to the first. A move that was made
    /// before is made.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    fn compare_and_set(&self, change: Change<'_>) -> StoreFuture<Result<Changed, StoreError>>;

    /// Takes the pin off an account. The next request that asks for no version pins it anew.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    fn unpin(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Unpinned, StoreError>>;
}

/// Whose pin is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Lookup<'a> {
    /// The account.
    pub account: &'a Key,
}

impl<'a> Lookup<'a> {
    /// That of this account.
    pub const fn new(account: &'a Key) -> Self {
        Self { account }
    }
}

/// What an account is to be pinned to.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Pin<'a> {
    /// The account.
    pub account: &'a Key,
    /// The version, in its canonical form.
    pub version: &'a str,
}

impl<'a> Pin<'a> {
    /// This account to this version.
    pub const fn new(account: &'a Key, version: &'a str) -> Self {
        Self { account, version }
    }
}

/// From which version an account is to be moved to which.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Change<'a> {
    /// The account.
    pub account: &'a Key,
    /// The version that it has to be pinned to, in its canonical form.
    pub from: &'a str,
    /// The version that it is pinned to then, in its canonical form.
    pub to: &'a str,
}

impl<'a> Change<'a> {
    /// This account, from this version to that one.
    pub const fn new(account: &'a Key, from: &'a str, to: &'a str) -> Self {
        Self { account, from, to }
    }
}

/// What became of a pin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pinned {
    /// It is pinned to this version now: the one that was asked for, or the one that was there.
    To(String),
    /// There is no room for it. Nothing was changed.
    Full,
}

/// What became of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changed {
    /// It is pinned to the new version.
    Yes,
    /// It is pinned to this version, which is neither. Nothing was changed.
    PinnedTo(String),
    /// It is not pinned. Nothing was changed.
    NotPinned,
}

/// What became of taking a pin off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unpinned {
    /// It was pinned, and is not any more.
    Yes,
    /// It was not pinned.
    NotPinned,
}

impl<S: PinStore + ?Sized> PinStore for Arc<S> {
    fn get(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Option<String>, StoreError>> {
        (**self).get(lookup)
    }

    fn pin_if_absent(&self, pin: Pin<'_>) -> StoreFuture<Result<Pinned, StoreError>> {
        (**self).pin_if_absent(pin)
    }

    fn compare_and_set(&self, change: Change<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        (**self).compare_and_set(change)
    }

    fn unpin(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Unpinned, StoreError>> {
        (**self).unpin(lookup)
    }
}
