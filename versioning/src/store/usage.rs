use std::sync::Arc;

use stonework_core::{Key, StoreError, StoreFuture};

use crate::Moment;

/// Keeps when each account was last seen using each version, so that an owner can ask who still does.
///
/// It may forget: who was not seen for the longest time is forgotten first when there is no room.
pub trait UsageStore: Send + Sync + 'static {
    /// Remembers that an account used a version at a moment, unless a later one is known.
    ///
    /// Idempotent: sent twice, it does what it does once. A future that is dropped leaves it unknown
    /// whether it is remembered.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn seen(&self, seen: Seen<'_>) -> StoreFuture<Result<(), StoreError>>;

    /// Who was seen using a version, last seen first; of those who were seen at the same moment in any
    /// order.
    ///
    /// # Errors
    ///
    /// When the store does not answer, or holds what it cannot read.
    fn users(&self, users: Users<'_>) -> StoreFuture<Result<Vec<User>, StoreError>>;
}

/// Who used which version, and when.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// The account.
    pub account: &'a Key,
    /// The version, in its canonical form.
    pub version: &'a str,
    /// When, to the second.
    pub at: Moment,
}

impl<'a> Seen<'a> {
    /// This account used this version at this moment.
    pub const fn new(account: &'a Key, version: &'a str, at: Moment) -> Self {
        Self { account, version, at }
    }
}

/// Whose users are asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Users<'a> {
    /// The version, in its canonical form.
    pub version: &'a str,
    /// How many at most.
    pub most: usize,
}

impl<'a> Users<'a> {
    /// Those of this version, so many at most.
    pub const fn new(version: &'a str, most: usize) -> Self {
        Self { version, most }
    }
}

/// An account that uses a version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The account.
    pub account: Key,
    /// When it was last seen to, to the second.
    pub last_seen: Moment,
}

impl User {
    /// This account, last seen then.
    pub const fn new(account: Key, last_seen: Moment) -> Self {
        Self { account, last_seen }
    }
}

impl<S: UsageStore + ?Sized> UsageStore for Arc<S> {
    fn seen(&self, seen: Seen<'_>) -> StoreFuture<Result<(), StoreError>> {
        (**self).seen(seen)
    }

    fn users(&self, users: Users<'_>) -> StoreFuture<Result<Vec<User>, StoreError>> {
        (**self).users(users)
    }
}
