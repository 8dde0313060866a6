//! The store for more than one process: Redis 7.0 or later, or Valkey.
//!
//! *Feature `redis-1`, named after the major version of the `redis` crate.*
//!
//! # What it needs
//!
//! - A connection that reconnects by itself and follows the primary, such as
//!   `redis::aio::ConnectionManager` or an async cluster connection. Clones of it share one socket. Keep
//!   its delays and timeouts below [`store_timeout`](crate::Pins::store_timeout).
//! - `maxmemory-policy noeviction`, or no `maxmemory`: an account whose pin is evicted is moved to another
//!   version. [`RedisStore::preflight`] looks.
//! - A user who may run `GET`, `GETDEL`, `ZRANGE`, `EVAL` and `EVALSHA` on the keys below the prefix (and
//!   what the scripts call: `SET`, `ZADD`, `ZREMRANGEBYRANK`), and `INFO` for the preflight.
//!
//! # What it does
//!
//! A pin is one string, whose key is the prefix, `pin:` and the account as it is. So it can be looked at
//! and changed by hand: `SET stonework:versioning:pin:acme 2026-03-10`, the version as the service prints
//! it. It has no time to live. A server whose memory is full refuses new pins
//! ([`Pinned::Full`](super::Pinned::Full)) and tells those that there are.
//!
//! The users of a version are one sorted set, whose key is the prefix, `seen:` and the version: the
//! accounts by the second in which they were last seen. Of each version the 100,000 that were seen last
//! are kept, or [as many as you say](RedisStore::most_users). No set is given up by itself: when a version
//! is gone for good, `DEL stonework:versioning:seen:2024-01-01`.
//!
//! An operation is one command or one script on one key: one round trip, on a cluster too.
//!
//! Nothing tells the caches of other processes of a change. They ask again when what they have is as old as
//! [`keep_for`](crate::Pins::keep_for).
//!
//! # What it does not promise
//!
//! Replication is asynchronous: a replica that is promoted may lack the last changes, and a restart
//! without an append-only file loses all. An account whose pin was lost so is pinned anew, perhaps to
//! another version.

mod pins;
mod usage;

use std::fmt;
use std::sync::Arc;

use redis::aio::ConnectionLike;
use redis::{Cmd, RedisError, Value};
#[doc(no_inline)]
pub use stonework_core::redis1::Warning;
use stonework_core::redis1::{Script, preflight};
use stonework_core::{StoreError, StoreErrorKind};

const PREFIX: &str = "stonework:versioning:";

/// How many users of a version are kept, unless it is said otherwise.
const MOST_USERS: usize = 100_000;

/// Keeps pins and usage in Redis or Valkey.
///
/// Cloning is as cheap as cloning the connection. Accounts of more than 256 bytes have no room.
///
/// ```no_run
/// # async fn example<C>(connection: C)
/// # where
/// #     C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
/// # {
/// use stonework_versioning::store::redis1::RedisStore;
///
/// let store = RedisStore::new(connection).key_prefix("shop:versions:");
/// for warning in store.preflight().await {
///     eprintln!("{warning}");
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore<C> {
    connection: C,
    prefix: Arc<str>,
    most_users: usize,
}

impl<C> RedisStore<C> {
    /// A store on one server or on a cluster, with keys below `stonework:versioning:`.
    pub fn new(connection: C) -> Self {
        Self { connection, prefix: PREFIX.into(), most_users: MOST_USERS }
    }

    /// Puts the keys below this prefix instead. Services that share a server need different ones.
    #[must_use]
    pub fn key_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into().into(), ..self }
    }

    /// Keeps so many users of each version at most, those that were seen last. 100,000 unless said
    /// otherwise.
    #[must_use]
    pub fn most_users(self, most_users: usize) -> Self {
        Self { most_users, ..self }
    }

    fn key(&self, kind: &str, name: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), kind.as_bytes(), name].concat()
    }
}

impl<C: ConnectionLike + Clone> RedisStore<C> {
    /// Asks the server, or every primary of a cluster, whether it is safe to keep pins there. What
    /// cannot be asked is a warning too. Meant for the start of a service.
    pub async fn preflight(&self) -> Vec<Warning> {
        preflight(&mut self.connection.clone()).await
    }

    /// Sends a command.
    fn ask(&self, command: Cmd) -> impl Future<Output = Result<Value, RedisError>> + use<C> {
        let mut connection = self.connection.clone();
        async move { command.query_async(&mut connection).await }
    }

    /// Sends the call of a script.
    fn run(
        &self,
        script: &'static Script,
        call: Cmd,
    ) -> impl Future<Output = Result<Value, RedisError>> + use<C> {
        let mut connection = self.connection.clone();
        async move { script.run(&mut connection, &call).await }
    }
}

/// The server holds what is none of ours.
fn incompatible() -> StoreError {
    StoreError::new(StoreErrorKind::Incompatible)
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .field("most_users", &self.most_users)
            .finish_non_exhaustive()
    }
}
