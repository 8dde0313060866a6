//! The store for more than one process: Redis 7.0 or later, or Valkey.
//!
//! *Feature `redis-1`, named after the major version of the `redis` crate.*
//!
//! # What it needs
//!
//! - A connection that reconnects by itself and follows the primary, such as
//!   `redis::aio::ConnectionManager` or an async cluster connection. Clones of it share one socket.
//! - A user who may run `EVAL` and `EVALSHA` on the keys below the prefix, and what the scripts call: `GET`,
//!   `SET`, `PEXPIRE`, `GETDEL`, `TIME`.
//!
//! # What it does
//!
//! A cursor is one string with a time to live, whose key is the prefix, a hash of the owner in braces and the
//! handle. All of an owner are on one slot of a cluster, with the owner's generation: a random name that every
//! cursor has of its time, that is there as long as one of them, and that is taken away when they are revoked.
//! So nothing is searched for then. An operation is one script: one round trip.
//!
//! # What it does not promise
//!
//! A server that evicts, or loses its data, loses cursors, and their clients begin again. What was revoked stays
//! so if the generation is lost. It is good again if the revocation is: replication is asynchronous. Revoking is
//! no replacement for looking at who is asking on every page.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use redis::aio::ConnectionLike;
use redis::{Cmd, RedisError, Value};
use sha2::{Digest, Sha256};
use stonework_core::redis1::{Script, store_error};
use stonework_core::{Key, StoreError, StoreErrorKind, StoreFuture};

use super::{CursorStore, Get, Put, Revoke};

const PREFIX: &str = "stonework:pagination:";

static PUT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("put.lua")));
static GET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("get.lua")));
static REVOKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("revoke.lua")));

/// Keeps cursors in Redis or Valkey. Cloning is as cheap as cloning the connection.
///
/// ```no_run
/// # async fn example<C>(connection: C) -> Result<(), Box<dyn std::error::Error>>
/// # where
/// #     C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
/// # {
/// use stonework_pagination::Cursors;
/// use stonework_pagination::store::redis1::RedisStore;
///
/// let cursors = Cursors::stored(RedisStore::new(connection).key_prefix("shop:cursors:")).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore<C> {
    connection: C,
    prefix: Arc<str>,
}

impl<C> RedisStore<C> {
    /// A store on one server or on a cluster, with keys below `stonework:pagination:`.
    pub fn new(connection: C) -> Self {
        Self { connection, prefix: PREFIX.into() }
    }

    /// Puts the keys below this prefix instead. Services that share a server need different ones.
    #[must_use]
    pub fn key_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into().into(), ..self }
    }

    /// Any bytes may be in an owner's name, and those of a cluster's slot stand in braces.
    fn owner(&self, owner: &Key) -> String {
        let hash = Sha256::digest(owner.as_bytes());
        format!("{}{{{}}}:", self.prefix, data_encoding::HEXLOWER.encode(&hash[..16]))
    }

    fn cursor_key(&self, owner: &Key, handle: [u8; 16]) -> Vec<u8> {
        [self.owner(owner), data_encoding::HEXLOWER.encode(&handle)].concat().into_bytes()
    }

    fn generation_key(&self, owner: &Key) -> Vec<u8> {
        [&*self.owner(owner), "generation"].concat().into_bytes()
    }
}

impl<C: ConnectionLike + Clone> RedisStore<C> {
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

/// At least one, which is the least that there is.
fn milliseconds(time: Duration) -> u64 {
    // 70,000 years, to which the server can add the time that it is.
    time.as_millis().clamp(1, 1 << 51) as u64
}

impl<C> CursorStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn put(&self, put: Put<'_>) -> StoreFuture<Result<(), StoreError>> {
        let keys = [self.cursor_key(put.owner, put.handle), self.generation_key(put.owner)];
        let mut call = PUT.call(&keys);
        // A new generation is named after its first cursor.
        let generation = data_encoding::HEXLOWER.encode(&put.handle);
        call.arg(&*put.value).arg(milliseconds(put.expires_after)).arg(generation);
        let reply = self.run(&PUT, call);
        StoreFuture::new(async move { reply.await.map(drop).map_err(store_error) })
    }

    fn get(&self, get: Get<'_>) -> StoreFuture<Result<Option<Bytes>, StoreError>> {
        let keys = [self.cursor_key(get.owner, get.handle), self.generation_key(get.owner)];
        let reply = self.run(&GET, GET.call(&keys));
        StoreFuture::new(async move {
            match reply.await.map_err(store_error)? {
                Value::Nil => Ok(None),
                Value::BulkString(value) => Ok(Some(value.into())),
                _ => Err(StoreError::new(StoreErrorKind::Incompatible)),
            }
        })
    }

    fn revoke(&self, revoke: Revoke<'_>) -> StoreFuture<Result<(), StoreError>> {
        let reply = self.run(&REVOKE, REVOKE.call(&[self.generation_key(revoke.owner)]));
        StoreFuture::new(async move { reply.await.map(drop).map_err(store_error) })
    }
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
