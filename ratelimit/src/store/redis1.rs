//! The store for more than one process: Redis 7.0 or later, or Valkey.
//!
//! *Feature `redis-1`, named after the major version of the `redis` crate.*
//!
//! # What it needs
//!
//! - A connection that reconnects by itself and follows the primary, such as
//!   `redis::aio::ConnectionManager` for [`RedisStore::new`], or an async cluster connection for
//!   [`RedisStore::cluster`]. Clones of it share one socket. Set the manager up for it: by default
//!   it gives up after six tries, so raise its `number_of_retries`; and keep its delays and
//!   timeouts below the layer's `store_timeout`.
//! - `maxmemory-policy noeviction`, or no `maxmemory`: a bucket that is evicted is a full bucket.
//!   [`RedisStore::preflight`] looks.
//! - A user who may run `GET`, `SET`, `DEL`, `TIME`, `EVAL` and `EVALSHA` on the keys below the
//!   prefix, and `INFO` for the preflight.
//!
//! # What it does
//!
//! A bucket is one string of 23 bytes. Its key is the prefix and a hash of policy and key, so that
//! neither can be read in Redis. It expires when it is full. With its key it takes some 140 bytes,
//! and so does each correction for as long as it is remembered: ten minutes.
//!
//! An operation is one script, sent by its hash, and in full when the server does not know it: one
//! round trip, for any number of demands that share a slot. It names all its keys. Time is the
//! server's, in microseconds, and the parts of one are kept, so that three a second are exactly
//! that. Processes that use one prefix share their limits as if they were one.
//!
//! **On a cluster** the buckets of one request lie in different slots, which no script can join.
//! [`RedisStore::cluster`] asks slot after slot, in the order of the demands, those that only watch
//! last. When a slot denies or fails, what the earlier ones took is given back. So a request that is
//! denied in the end has held tokens for the length of a few round trips: the buckets look emptier
//! than they are, and others may be denied although there would have been room. What it gave back is
//! remembered for ten seconds. Demands that share a slot are one round trip here too.
//!
//! Within a tokio runtime, such a round runs in a task of its own, to its end: a client that hangs
//! up, or a timeout of the layer, leaves nothing taken for a denial. A grant that nobody waits for any
//! more stays taken, as if its reply were lost.
//!
//! A slot whose demands only watch fails nothing: when it is away, they took nothing and do not fit.
//! And when a slot has denied, the request is denied, even if the levels of the slots after it
//! cannot be told.
//!
//! **A server at its `maxmemory`** takes no tokens from any bucket: what would be granted is an error
//! of the kind [`Refused`](stonework_core::StoreErrorKind::Refused), as it is for a lease, so that
//! the layer does what it was told to do without its store. Who is denied is still told, and what costs
//! nothing is granted, as is a request that only watches. Corrections that take tokens go on, even if
//! they need more than `maxmemory`, since what was charged must not be forgotten, and so do resets.
//! Tokens are not given back.
//!
//! # Repeats
//!
//! A cluster connection re-sends what got no reply, up to 16 times. An acquire or a lease that is
//! run twice takes twice, and never grants more than there is. A correction counts once: its id is
//! remembered for ten minutes, and for ten seconds where a round over several slots gives back. So
//! a cluster connection must not go on trying for longer: keep its response timeout, in which its
//! tries have to fit, below ten seconds. When a reply is lost for good, or the process ends between
//! two slots of a cluster, what was taken stays taken. Either way, fewer are granted and never more.
//!
//! # What it does not promise
//!
//! - **Failover.** Replication is asynchronous: a replica that is promoted may lack the last
//!   charges, and grants those tokens once more. A restart without an append-only file loses all
//!   charges: every bucket is full.
//! - **Clocks.** A server whose clock jumps ahead fills buckets by as much, and so does a promotion
//!   to a server whose clock is ahead. One that jumps back takes from a bucket what has flowed in since
//!   it was last written, and no more.

mod adjust;
mod demands;
mod key;
mod scripts;
mod slots;
mod wire;

use std::fmt;
use std::sync::Arc;

use redis::Value;
use redis::aio::ConnectionLike;
#[doc(no_inline)]
pub use stonework_core::redis1::Warning;
use stonework_core::redis1::{preflight, store_error};
use stonework_core::{StoreError, StoreFuture};

use self::demands::Asked;
use self::key::bucket;
use self::scripts::{LEASE, ask};
use super::{
    Acquire, Acquired, Adjust, Adjusted, Lease, LeaseStore, Leased, Levels, RateLimitStore, Reset,
};

const PREFIX: &str = "stonework:ratelimit:";

/// Keeps buckets in Redis or Valkey.
///
/// Cloning is as cheap as cloning the connection.
///
/// ```no_run
/// # async fn example<C>(connection: C)
/// # where
/// #     C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
/// # {
/// use stonework_ratelimit::store::redis1::RedisStore;
///
/// let store = RedisStore::new(connection).key_prefix("payments:ratelimit:");
/// for warning in store.preflight().await {
///     eprintln!("{warning}");
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore<C> {
    connection: C,
    prefix: Arc<str>,
    spread: bool,
}

impl<C> RedisStore<C> {
    /// A store on one server, with keys below `stonework:ratelimit:`.
    ///
    /// All demands of a request are decided in one step and one round trip. On a cluster, requests
    /// with several demands are refused by the server (`CROSSSLOT`); see
    /// [`cluster`](Self::cluster).
    pub fn new(connection: C) -> Self {
        Self { connection, prefix: PREFIX.into(), spread: false }
    }

    /// A store on a cluster, with keys below `stonework:ratelimit:`.
    ///
    /// Each bucket is in one slot, and the buckets of a request in several: then the demands are
    /// not decided in one step, and a denial [gives back](self#what-it-does) what was taken before
    /// it, in a task that ends even if the caller goes away. With one demand per request it does what [`new`](Self::new) does.
    pub fn cluster(connection: C) -> Self {
        Self { spread: true, ..Self::new(connection) }
    }

    /// Puts the keys below this prefix instead. Each key is the prefix and 32 hexadecimal digits in
    /// braces, which on a cluster choose the slot; the record of an adjustment adds to it.
    ///
    /// Services that share a server need different prefixes. Braces in the prefix choose the slot
    /// instead: `{a}` puts all buckets on one node, where [`new`](Self::new) does for a cluster
    /// too. Empty ones, `{}`, keep adjustments from working on a cluster.
    #[must_use]
    pub fn key_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into().into(), ..self }
    }
}

impl<C: ConnectionLike + Clone> RedisStore<C> {
    /// Asks the server, or every primary of a cluster, whether it is safe to keep buckets there.
    ///
    /// An evicting `maxmemory-policy` is a warning only if `maxmemory` is set: without a limit
    /// nothing is evicted. What cannot be asked is a warning too. Meant for the start of a service.
    pub async fn preflight(&self) -> Vec<Warning> {
        preflight(&mut self.connection.clone()).await
    }
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .field("cluster", &self.spread)
            .finish_non_exhaustive()
    }
}

impl<C> RateLimitStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn acquire(&self, request: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>> {
        let asked = Asked::all(&self.prefix, request.demands);
        if asked.is_empty() {
            return StoreFuture::ready(Ok(Acquired::Granted(Levels::default())));
        }
        let (mut connection, spread) = (self.connection.clone(), self.spread);
        StoreFuture::new(async move {
            if spread {
                slots::acquire_each(connection, asked).await
            } else {
                demands::acquire(&mut connection, &asked).await
            }
        })
    }

    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>> {
        let Adjust { quota, tokens, id, .. } = adjust;
        let key = bucket(&self.prefix, adjust.bucket);
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            let debt = adjust::adjust(&mut connection, &key, &quota, tokens, id).await?;
            Ok(Adjusted::new(debt))
        })
    }

    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>> {
        let mut del = redis::cmd("DEL");
        del.arg(bucket(&self.prefix, reset.bucket));
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            del.query_async::<Value>(&mut connection).await.map(drop).map_err(store_error)
        })
    }
}

impl<C> LeaseStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn lease(&self, lease: Lease<'_>) -> StoreFuture<Result<Leased, StoreError>> {
        let quota = lease.quota;
        let mut call = LEASE.call(&[bucket(&self.prefix, lease.bucket)]);
        let want = lease.want.min(quota.burst());
        call.arg(&wire::demand(wire::COUNTS, &quota, want)[..]);
        call.arg(wire::tokens(&quota, want, lease.least));
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            let line = wire::line(&ask(&mut connection, &LEASE, &call).await?)?;
            Ok(Leased::new(line.number, line.debt(&quota)))
        })
    }
}
