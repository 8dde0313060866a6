mod builder;
mod corrections;
mod engine;
mod flight;
mod name;
mod pool;
mod pools;
mod request;
mod ruling;
mod spending;
mod sweeper;
mod waiting;

use std::fmt;
use std::sync::Arc;

use stonework_core::{Clock, StoreError, StoreFuture};

pub use builder::LeasedStoreBuilder;
use builder::Settings;
use engine::{Correct, Engine, Reply};
use name::{Name, Named};
use request::Request;

use super::{Acquire, Acquired, Adjust, Adjusted, LeaseStore, RateLimitStore, Reset};

/// Takes many tokens at once from a store that is far away, and spends them here.
///
/// A limit that is in use all the time costs a round trip per request otherwise. Here the first
/// requests of a bucket cost one each; once it is used often, one lease brings the tokens of the
/// next 50 ms, and a request that finds its tokens is granted on the spot. A bucket that is known
/// to be empty is denied on the spot, where nothing but time refills it. Clones share the pools.
///
/// Requests that come while a lease is under way wait for it, and the next one asks for all of
/// them together: however many they are, each is decided after two round trips, unless others
/// come first to what was leased for it.
///
/// Needs a tokio runtime with its time enabled, unless the inner store answers at once.
///
/// # What it costs in exactness
///
/// Let *L* be the reserve that a process may hold of a bucket: the smaller of
/// [`max_lease`](LeasedStoreBuilder::max_lease) and `burst / (2 · nodes)`, but at least 1. In any
/// interval of length Δ, *n* processes together admit at most
///
/// > burst + rate · Δ + n · L + W
///
/// tokens, where W is what is on its way when the interval begins: what requests ask for that are
/// being decided or were given up within the last round trip, and tokens that travel back to the
/// store. Nearly all of it is there without leases too: whoever asks a store over a network is
/// told of some grants after the interval has begun that were made before.
///
/// *Why.* A token is admitted here only after the inner store was charged for it. So what is
/// admitted within the interval was either charged within it, or charged before and not yet spent
/// when it began. The inner bucket is charged at most `burst + rate · Δ` within any interval, net
/// of what is given back to it. And what a process holds unspent, in its pool or in the one lease
/// that is under way, is at most L and what its requests are waiting for: a lease asks for what
/// they lack and for a reserve of at most L, and when a request leaves without its tokens, what is
/// then too much goes back. A cost above L is nothing
/// special: it is leased when it is asked for, and counts in W like any other.
///
/// The long run is exact: the reserve is charged before it is spent, not after. A process that
/// crashes takes its reserve with it, and less is admitted until that has flown in again. The
/// same is true of a lease whose reply was lost, and of tokens that fail to go back.
///
/// With the default of 8 [`nodes`](LeasedStoreBuilder::nodes), the reserves of up to 8 processes
/// are at most half a burst. Set it to the number that you run.
///
/// # Several policies
///
/// A request that needs tokens of several buckets spends all or none. What was leased for it and
/// is not spent stays in the pools, for the next.
///
/// # Levels
///
/// Whether a demand fits is exact, and so is what is admitted. The *debt* of a level is what the
/// inner store said last, less what time has paid since and what is held here: a hint, for
/// headers. It does not know what other processes have spent since, for a second at most while the
/// bucket is in use. The levels beside a denial that was remembered are hints too.
///
/// # Corrections
///
/// A [`Receipt`](super::Receipt) names the pool that paid. Tokens that are given back with it go
/// into that pool if it is still there and has room, and to the inner store otherwise; tokens that
/// are taken come out of the pool first. So a correction has to be sent to the process
/// that made the request; sent again to another, it may count twice. Of corrections, the last
/// 16,384 are known as repeats; those that the inner store made are known by it too.
///
/// # When tokens go back
///
/// Tokens that nobody has used for [`idle`](LeasedStoreBuilder::idle) go back to the inner store,
/// as those of the buckets do that were not used for longest when there are more than
/// [`max_keys`](LeasedStoreBuilder::max_keys). Another process that has just found the bucket empty
/// learns of them within a second.
///
/// # Quotas that change
///
/// A pool belongs to one quota. A request under another one sends its tokens back and starts a new
/// pool, or, while others wait for the old one, asks the inner store itself.
///
/// # When the inner store is away
///
/// Whoever needs it is told its error, or [`TimedOut`](super::StoreErrorKind::TimedOut) after
/// [`timeout`](LeasedStoreBuilder::timeout); nothing is spent then. What is in the pools is granted
/// as before. A lease belongs to no request: when the one that began it is dropped, it lands all
/// the same, and its tokens serve the others.
///
/// # Examples
///
#[cfg_attr(feature = "testing", doc = "```")]
#[cfg_attr(not(feature = "testing"), doc = "```ignore")]
/// use std::time::Duration;
/// use stonework_ratelimit::Quota;
/// use stonework_ratelimit::store::{Acquire, Acquired, Bucket, Demand, LeasedStore, RateLimitStore};
/// # use stonework_ratelimit::testing::ReferenceStore as RemoteStore;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let store = LeasedStore::builder(RemoteStore::new()).nodes(4).build()?;
/// let quota = Quota::new(1_000, Duration::from_secs(1), 1_000)?;
/// let demand = Demand::new(Bucket::new("api", b"tenant 7"), quota, 1);
/// let acquired = store.acquire(Acquire::new(&[demand])).await?;
/// assert!(matches!(acquired, Acquired::Granted(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LeasedStore<S>(Arc<Engine<S>>);

impl<S: LeaseStore> LeasedStore<S> {
    /// Around this store, with the default settings: 8 nodes, a horizon of 50 ms.
    pub fn new(inner: S) -> Self {
        Self::builder(inner).build_unchecked()
    }

    /// Around this store, with other settings.
    pub const fn builder(inner: S) -> LeasedStoreBuilder<S> {
        LeasedStoreBuilder::new(inner)
    }

    fn with(inner: S, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Engine::new(inner, settings, clock)))
    }

    fn adjust_inner(&self, adjust: Adjust<'_>) -> Reply<Adjusted> {
        let reply = self.0.inner.adjust(adjust);
        let (quota, engine) = (adjust.quota, Arc::clone(&self.0));
        match reply.try_ready() {
            Ok(reply) => StoreFuture::ready(reply.map(|at| engine.hear(adjust.bucket, quota, at))),
            Err(pending) => {
                let name = Name::of(adjust.bucket);
                StoreFuture::new(async move {
                    pending.await.map(|at| engine.hear(name.bucket(), quota, at))
                })
            }
        }
    }
}

impl<S: LeaseStore> RateLimitStore for LeasedStore<S> {
    fn acquire(&self, acquire: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>> {
        match self.0.at_once(acquire.demands) {
            Some(acquired) => StoreFuture::ready(Ok(acquired)),
            None => Request::new(Arc::clone(&self.0), acquire.demands).start(),
        }
    }

    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>> {
        match self.0.correct(&adjust) {
            Correct::Done(debt) => StoreFuture::ready(Ok(Adjusted::new(debt))),
            Correct::Rest(tokens) => self.adjust_inner(Adjust { tokens, ..adjust }),
        }
    }

    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>> {
        // Afterwards: what was charged before is then paid, here too. A lease that lands later is
        // of a bucket that is no more, or may be.
        let engine = Arc::clone(&self.0);
        match self.0.inner.reset(reset).try_ready() {
            Ok(reply) => {
                engine.forget(reset.bucket);
                StoreFuture::ready(reply)
            }
            Err(pending) => {
                let name = Name::of(reset.bucket);
                StoreFuture::new(async move {
                    let reply = pending.await;
                    engine.forget(name.bucket());
                    reply
                })
            }
        }
    }
}

impl<S> Clone for LeasedStore<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for LeasedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeasedStore")
            .field("settings", &self.0.pools.settings)
            .finish_non_exhaustive()
    }
}
