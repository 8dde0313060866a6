//! Where buckets are kept: the trait, its requests and its answers.

mod leased;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "redis-1")]
pub mod redis1;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use smallvec::SmallVec;
#[doc(no_inline)]
pub use stonework_core::{StoreError, StoreErrorKind, StoreFuture};

pub use leased::{LeasedStore, LeasedStoreBuilder};
#[cfg(feature = "memory")]
#[cfg_attr(docsrs, doc(cfg(feature = "memory")))]
pub use memory::{MemoryStats, MemoryStore, MemoryStoreBuilder, Overflow};

use crate::quota::Quota;
use crate::span::Span;

/// Keeps one bucket per policy and key. Every method is one atomic step.
///
/// # The bucket
///
/// A bucket is one time: when it will be full. What lies between now and then is its *debt*. A
/// bucket that is not there is full, so a full one may be dropped at any time. The quota comes with
/// each request, and may be another one each time: the debt stays, as a time.
///
/// # Repeats and lost replies
///
/// [`acquire`](Self::acquire) is *conservative on repeat*: sent twice, it may charge twice, and
/// never grants more than there is. [`adjust`](Self::adjust) and [`reset`](Self::reset) are
/// *idempotent*: sent twice, they have the effect of one. An operation may take effect from the
/// moment the method is called; dropping its future leaves the outcome unknown.
///
/// # Time
///
/// All times are measured by one clock: the store's server, or the process for a store in memory.
/// Where a clock can go back, that never makes a debt larger than it was when it was written.
///
/// # Writing your own
///
/// `testing::store_conformance` (feature `testing`) says whether a store keeps this contract.
pub trait RateLimitStore: Send + Sync + 'static {
    /// Takes the cost of every demand from its bucket, or nothing from any of them.
    ///
    /// A demand in [shadow](Demand::shadow) has no say: it is charged if the others are granted and
    /// it fits itself. A cost of zero always fits. No two demands may name one bucket.
    ///
    /// A store that can decide without a demand in shadow, but not reach its bucket, decides: the
    /// level of that demand is a debt of zero, and does not fit.
    fn acquire(&self, acquire: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>>;

    /// Corrects a bucket after the fact, once per [`AdjustId`]: takes more tokens, or gives some
    /// back. A bucket never holds more than its burst, nor owes more than two.
    ///
    /// How long a store remembers ids is its own affair, and longer than its clients re-send.
    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>>;

    /// Fills a bucket.
    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>>;
}

impl<S: RateLimitStore + ?Sized> RateLimitStore for Arc<S> {
    fn acquire(&self, acquire: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>> {
        (**self).acquire(acquire)
    }

    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>> {
        (**self).adjust(adjust)
    }

    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>> {
        (**self).reset(reset)
    }
}

/// A store that can part with many tokens at once, to be spent elsewhere. What
/// [`LeasedStore`] stands on.
pub trait LeaseStore: RateLimitStore {
    /// Takes as many tokens as there are, up to `lease.want`; none if there are fewer than
    /// `lease.least`. With both at zero it only tells the debt.
    ///
    /// No tokens, although the debt that is told would leave as many as `least`: the store has no
    /// room for the bucket.
    ///
    /// Conservative on repeat: sent twice, it may take twice.
    fn lease(&self, lease: Lease<'_>) -> StoreFuture<Result<Leased, StoreError>>;
}

impl<S: LeaseStore + ?Sized> LeaseStore for Arc<S> {
    fn lease(&self, lease: Lease<'_>) -> StoreFuture<Result<Leased, StoreError>> {
        (**self).lease(lease)
    }
}

/// Which bucket: whose, under which policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Bucket<'a> {
    /// The policy's name.
    pub policy: &'a str,
    /// The client's key, of any length. It may be a secret: do not show it.
    pub key: &'a [u8],
    /// The name as a word, for those who hash a bucket with every request.
    pub(crate) word: u64,
}

/// Without the bytes of the key.
impl fmt::Debug for Bucket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({:?}, {} bytes)", self.policy, self.key.len())
    }
}

impl<'a> Bucket<'a> {
    /// A bucket.
    pub const fn new(policy: &'a str, key: &'a [u8]) -> Self {
        Self { policy, key, word: word(policy.as_bytes()) }
    }

    /// The bucket of another key under the same policy.
    #[must_use]
    pub const fn of(self, key: &'a [u8]) -> Self {
        Self { key, ..self }
    }
}

/// Tells names apart, nearly always. Names are few, and nobody's choice but the service's own, so
/// they need no secret. FNV-1a, which a constant can be made by.
const fn word(name: &[u8]) -> u64 {
    let mut word = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < name.len() {
        word = (word ^ name[at] as u64).wrapping_mul(0x100_0000_01b3);
        at += 1;
    }
    word
}

/// What [`RateLimitStore::acquire`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Acquire<'a> {
    /// Granted together or not at all.
    pub demands: &'a [Demand<'a>],
}

impl<'a> Acquire<'a> {
    /// These demands.
    pub const fn new(demands: &'a [Demand<'a>]) -> Self {
        Self { demands }
    }
}

/// What is asked of one bucket.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Demand<'a> {
    /// The bucket.
    pub bucket: Bucket<'a>,
    /// Its quota.
    pub quota: Quota,
    /// How many tokens.
    pub cost: u32,
    /// Whether it only watches: it neither denies nor is denied for.
    pub shadow: bool,
    /// Whether nothing but time gives this bucket tokens. Only then may a denial be remembered.
    pub only_time_refills: bool,
}

impl<'a> Demand<'a> {
    /// A demand that counts, on a bucket that others may refill or whose quota may change.
    pub const fn new(bucket: Bucket<'a>, quota: Quota, cost: u32) -> Self {
        Self { bucket, quota, cost, shadow: false, only_time_refills: false }
    }

    /// The same demand, which only watches.
    #[must_use]
    pub const fn shadow(self, shadow: bool) -> Self {
        Self { shadow, ..self }
    }

    /// The same demand, with the promise that nothing but time refills the bucket.
    #[must_use]
    pub const fn only_time_refills(self, promise: bool) -> Self {
        Self { only_time_refills: promise, ..self }
    }
}

/// What [`RateLimitStore::acquire`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Acquired {
    /// All demands that count were charged. The levels are those after that.
    Granted(Levels),
    /// None was charged. The levels are as they were found.
    Denied(Levels),
    /// The store has no room for a new bucket, and is meant to have none: a store in memory. None
    /// was charged. A server without memory is a [`StoreError`].
    Full,
}

/// One [`Level`] per demand, in the order of the demands. Allocates from the third on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels(SmallVec<[Level; 2]>);

impl Levels {
    /// The level of a single demand.
    #[inline]
    pub fn one(level: Level) -> Self {
        Self(SmallVec::from_buf_and_len([level, Level::new(Span::ZERO, false)], 1))
    }
}

impl FromIterator<Level> for Levels {
    fn from_iter<I: IntoIterator<Item = Level>>(levels: I) -> Self {
        Self(levels.into_iter().collect())
    }
}

impl Deref for Levels {
    type Target = [Level];

    fn deref(&self) -> &[Level] {
        &self.0
    }
}

/// How a bucket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Level {
    /// How long the bucket takes to be full.
    pub debt: Span,
    /// Whether the demand has, or would have had, its tokens.
    pub fits: bool,
    /// Which pool paid.
    pub receipt: Receipt,
}

impl Level {
    /// A level of a store that has one pool.
    pub const fn new(debt: Span, fits: bool) -> Self {
        Self { debt, fits, receipt: Receipt(0) }
    }

    /// The same level, paid by another pool.
    #[must_use]
    pub const fn paid_by(self, receipt: Receipt) -> Self {
        Self { receipt, ..self }
    }
}

/// Names the pool that paid, to whom knows it: the store that gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // A name; there is nothing to add.
pub struct Receipt(pub u32);

/// What [`RateLimitStore::adjust`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Adjust<'a> {
    /// The bucket.
    pub bucket: Bucket<'a>,
    /// Its quota.
    pub quota: Quota,
    /// Tokens to take; negative to give back.
    pub tokens: i64,
    /// Makes a repeat known as one.
    pub id: AdjustId,
    /// What the [`Level`] said, so that tokens go back where they came from.
    pub receipt: Receipt,
}

impl<'a> Adjust<'a> {
    /// A correction.
    pub const fn new(bucket: Bucket<'a>, quota: Quota, tokens: i64, id: AdjustId) -> Self {
        Self { bucket, quota, tokens, id, receipt: Receipt(0) }
    }

    /// The same correction, of what this pool paid.
    #[must_use]
    pub const fn of(self, receipt: Receipt) -> Self {
        Self { receipt, ..self }
    }
}

/// Makes a correction happen once, however often it is sent. Made by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AdjustId([u8; 16]);

impl AdjustId {
    /// An id that nobody else has.
    pub fn random() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }

    /// An id of the caller's own making. It has to be unique within the bucket.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What [`RateLimitStore::adjust`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adjusted {
    /// How long the bucket takes to be full now.
    pub debt: Span,
}

impl Adjusted {
    /// A bucket that stands like this.
    pub const fn new(debt: Span) -> Self {
        Self { debt }
    }
}

/// What [`RateLimitStore::reset`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Reset<'a> {
    /// The bucket.
    pub bucket: Bucket<'a>,
}

impl<'a> Reset<'a> {
    /// A reset.
    pub const fn new(bucket: Bucket<'a>) -> Self {
        Self { bucket }
    }
}

/// What [`LeaseStore::lease`] is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Lease<'a> {
    /// The bucket.
    pub bucket: Bucket<'a>,
    /// Its quota.
    pub quota: Quota,
    /// Tokens that would be welcome; more than the burst are never there.
    pub want: u32,
    /// Tokens below which it is not worth while.
    pub least: u32,
}

impl<'a> Lease<'a> {
    /// A lease.
    pub const fn new(bucket: Bucket<'a>, quota: Quota, want: u32, least: u32) -> Self {
        Self { bucket, quota, want, least }
    }
}

/// What [`LeaseStore::lease`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leased {
    /// Tokens taken; zero or between `least` and `want`.
    pub tokens: u32,
    /// How long the bucket takes to be full now.
    pub debt: Span,
}

impl Leased {
    /// So many tokens, from a bucket that stands like this now.
    pub const fn new(tokens: u32, debt: Span) -> Self {
        Self { tokens, debt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_leak() {
        let bucket = Bucket::new("burst", b"sk_live_secret");
        assert_eq!(format!("{bucket:?}"), "Bucket(\"burst\", 14 bytes)");
    }
}
