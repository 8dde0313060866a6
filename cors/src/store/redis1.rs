//! The store for more than one process: Redis 7.0 or later, or Valkey.
//!
//! *Feature `redis-1`, named after the major version of the `redis` crate.*
//!
//! # What it needs
//!
//! - A connection that reconnects by itself and follows the primary, such as
//!   `redis::aio::ConnectionManager` or an async cluster connection. Clones of it share one socket. Keep
//!   its delays and timeouts below the cache's `store_timeout`.
//! - `maxmemory-policy noeviction`, or no `maxmemory`: a tenant that is evicted is unknown.
//!   [`RedisStore::preflight`] looks.
//! - A user who may run `SMEMBERS`, `DEL`, `EVAL` and `EVALSHA` on the keys below the prefix (and what
//!   the scripts call: `EXISTS`, `SADD`, `SCARD`, `SISMEMBER`, `SREM`), and `INFO` for the preflight.
//!
//! # What it does
//!
//! The origins of a tenant are one set, whose key is the prefix and the tenant as it is. So it can be
//! looked at and changed by hand: `SADD stonework:cors:acme https://app.acme.example`. An empty member
//! says that the tenant is known, also when there is no other. An operation is one command or one script
//! on one key: one round trip, on a cluster too.
//!
//! Nothing tells the caches of other processes of a change. They ask again when what they have is as old
//! as `keep_for`.
//!
//! # What it does not promise
//!
//! Replication is asynchronous: a replica that is promoted may lack the last changes, and a restart
//! without an append-only file loses all. Check what was allowed, and make the change again.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use redis::aio::ConnectionLike;
use redis::{Cmd, Value};
#[doc(no_inline)]
pub use stonework_core::redis1::Warning;
use stonework_core::redis1::{Script, preflight, store_error};
use stonework_core::{Key, StoreError, StoreErrorKind, StoreFuture};

use super::{
    Changed, Edit, Lookup, MOST_ORIGINS, OriginRegistry, OriginStore, Replace, TenantOrigins,
};

const PREFIX: &str = "stonework:cors:";

/// Says that the tenant is known. No origin is empty.
const KNOWN: &str = "";

static ALLOW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("allow.lua")));
static DISALLOW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("disallow.lua")));
static REPLACE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("replace.lua")));

/// Keeps the origins of tenants in Redis or Valkey.
///
/// Cloning is as cheap as cloning the connection.
///
/// ```no_run
/// # async fn example<C>(connection: C)
/// # where
/// #     C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
/// # {
/// use stonework_cors::store::redis1::RedisStore;
///
/// let store = RedisStore::new(connection).key_prefix("shop:cors:");
/// for warning in store.preflight().await {
///     eprintln!("{warning}");
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore<C> {
    connection: C,
    prefix: Arc<str>,
}

impl<C> RedisStore<C> {
    /// A store on one server or on a cluster, with keys below `stonework:cors:`.
    pub fn new(connection: C) -> Self {
        Self { connection, prefix: PREFIX.into() }
    }

    /// Puts the keys below this prefix instead. Services that share a server need different ones.
    #[must_use]
    pub fn key_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into().into(), ..self }
    }

    fn key(&self, tenant: &Key) -> Vec<u8> {
        [self.prefix.as_bytes(), tenant.as_bytes()].concat()
    }
}

impl<C: ConnectionLike + Clone> RedisStore<C> {
    /// Asks the server, or every primary of a cluster, whether it is safe to keep origins there. What
    /// cannot be asked is a warning too. Meant for the start of a service.
    pub async fn preflight(&self) -> Vec<Warning> {
        preflight(&mut self.connection.clone()).await
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisStore<C> {
    fn change(
        &self,
        script: &'static Script,
        call: Cmd,
    ) -> StoreFuture<Result<Changed, StoreError>> {
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            let reply = script.run(&mut connection, &call).await.map_err(store_error)?;
            changed(&reply)
        })
    }
}

fn changed(reply: &Value) -> Result<Changed, StoreError> {
    match reply {
        Value::Int(0) => Ok(Changed::No),
        Value::Int(-1) => Ok(Changed::Full),
        Value::Int(_) => Ok(Changed::Yes),
        _ => Err(StoreError::new(StoreErrorKind::Incompatible)),
    }
}

impl<C> OriginStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn origins(&self, lookup: Lookup<'_>) -> StoreFuture<Result<TenantOrigins, StoreError>> {
        let mut members = redis::cmd("SMEMBERS");
        members.arg(self.key(lookup.tenant));
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            let members: Vec<Vec<u8>> =
                members.query_async(&mut connection).await.map_err(store_error)?;
            Ok(read(members))
        })
    }
}

/// What is no text is no origin, and is told as such when it is checked.
fn read(members: Vec<Vec<u8>>) -> TenantOrigins {
    if members.is_empty() {
        return TenantOrigins::Unknown;
    }
    let texts = members.into_iter().map(|member| String::from_utf8_lossy(&member).into_owned());
    TenantOrigins::Listed(texts.filter(|text| text != KNOWN).collect())
}

impl<C> OriginRegistry for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn allow(&self, edit: Edit<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        let mut call = ALLOW.call(&[self.key(edit.tenant)]);
        call.arg(edit.origin.to_string()).arg(MOST_ORIGINS);
        self.change(&ALLOW, call)
    }

    fn disallow(&self, edit: Edit<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        let mut call = DISALLOW.call(&[self.key(edit.tenant)]);
        call.arg(edit.origin.to_string());
        self.change(&DISALLOW, call)
    }

    fn replace(&self, replace: Replace<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        // Each once: the script compares how many there are.
        let origins: BTreeSet<_> = replace.origins.iter().map(ToString::to_string).collect();
        if origins.len() > MOST_ORIGINS {
            return StoreFuture::ready(Ok(Changed::Full));
        }
        let mut call = REPLACE.call(&[self.key(replace.tenant)]);
        call.arg(KNOWN).arg(origins);
        self.change(&REPLACE, call)
    }

    fn remove(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        let mut del = redis::cmd("DEL");
        del.arg(self.key(lookup.tenant));
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            changed(&del.query_async(&mut connection).await.map_err(store_error)?)
        })
    }
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
