//! The store for more than one process: Redis 7.0 or later, or Valkey.
//!
//! *Feature `redis-1`, named after the major version of the `redis` crate.*
//!
//! # What it needs
//!
//! - A connection that reconnects by itself and follows the primary, such as `redis::aio::ConnectionManager` or an async
//!   cluster connection. Clones of it share one socket. Keep its delays and timeouts below the layer's `store_timeout`.
//! - `maxmemory-policy noeviction`, or no `maxmemory`: an event that is evicted may be handled again.
//!   [`RedisStore::preflight`] looks.
//! - A user who may run `GET`, `SET`, `DEL`, `PTTL`, `EVAL` and `EVALSHA` on the keys below the prefix, and `INFO` for the
//!   preflight.
//!
//! # What it does
//!
//! An event is one string of 17 bytes under one key, so that every operation is on one hash slot of a cluster: one round
//! trip to claim, and one to commit or release. Each is a script, sent by its hash, and in full when the server does not
//! know it. Time is the server's. Every operation carries its caller's fence, so it makes no difference if a client library
//! sends it twice.
//!
//! A server at its `maxmemory` takes no new claims ([`Claimed::Full`]), but goes on telling the events that it has, and
//! takes the commits of what was claimed before.
//!
//! # What it does not promise
//!
//! - **Failover.** Replication is asynchronous: a replica that is promoted may lack the last events, and they are handled
//!   again if they are delivered again.
//! - **Restart.** With `appendfsync everysec` a crash of the machine loses about a second of events, without an append-only
//!   file more.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Cmd, Value};
#[doc(no_inline)]
pub use stonework_core::redis1::Warning;
use stonework_core::redis1::{self, Script, store_error};
use stonework_core::{StoreError, StoreErrorKind, StoreFuture};

use super::{Claim, Claimed, Commit, Committed, EventKey, Release, ReplayStore};

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim.lua")));
static COMMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("commit.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

const PREFIX: &str = "stonework:webhook-sign:";

/// A hundred years: Redis takes no much longer time to live.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Keeps events in Redis or Valkey.
///
/// Cloning is as cheap as cloning the connection.
///
/// ```no_run
/// # async fn example<C>(connection: C)
/// # where
/// #     C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
/// # {
/// use stonework_webhook_sign::store::redis1::RedisStore;
///
/// let store = RedisStore::new(connection).key_prefix("payments:webhooks:");
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
    /// A store over this connection, with keys below `stonework:webhook-sign:`.
    pub fn new(connection: C) -> Self {
        Self { connection, prefix: PREFIX.into() }
    }

    /// Puts the keys below this prefix instead: each key is the prefix and 64 hexadecimal digits.
    ///
    /// Services that share a server need different prefixes. Braces in it would put all keys of a cluster on one node.
    #[must_use]
    pub fn key_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into().into(), ..self }
    }

    fn key(&self, event: &EventKey) -> String {
        let mut key = String::with_capacity(self.prefix.len() + 64);
        key.push_str(&self.prefix);
        data_encoding::HEXLOWER.encode_append(event.as_bytes(), &mut key);
        key
    }
}

impl<C: ConnectionLike + Clone> RedisStore<C> {
    /// Asks the server, or every primary of a cluster, whether it is safe to keep events there. What cannot be asked is a
    /// warning too. Meant for the start of a service.
    pub async fn preflight(&self) -> Vec<Warning> {
        redis1::preflight(&mut self.connection.clone()).await
    }
}

impl<C> RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn ask<T: Send + 'static>(
        &self,
        script: &'static Script,
        call: Cmd,
        read: fn(&Value) -> Option<T>,
    ) -> StoreFuture<Result<T, StoreError>> {
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            let reply = script.run(&mut connection, &call).await.map_err(store_error)?;
            read(&reply).ok_or_else(unexpected)
        })
    }
}

fn unexpected() -> StoreError {
    StoreError::new(StoreErrorKind::Refused).with_source("the server gave an unexpected reply")
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// In milliseconds, rounded up: Redis refuses a time to live of zero.
fn millis(time: Duration) -> u64 {
    let millis = time.min(LONGEST).as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX).max(1)
}

impl<C> ReplayStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        let mut call = CLAIM.call(&[self.key(&claim.event)]);
        call.arg(&claim.fence.to_bytes()[..]).arg(millis(claim.lease));
        self.ask(&CLAIM, call, claimed)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<Result<Committed, StoreError>> {
        let mut call = COMMIT.call(&[self.key(&commit.event)]);
        call.arg(&commit.fence.to_bytes()[..]).arg(millis(commit.keep));
        self.ask(&COMMIT, call, committed)
    }

    fn release(&self, release: Release) -> StoreFuture<Result<(), StoreError>> {
        let mut call = RELEASE.call(&[self.key(&release.event)]);
        call.arg(&release.fence.to_bytes()[..]);
        self.ask(&RELEASE, call, |reply| matches!(reply, Value::Int(_)).then_some(()))
    }
}

fn claimed(reply: &Value) -> Option<Claimed> {
    match reply {
        Value::Int(1) => Some(Claimed::Won),
        Value::Int(2) => Some(Claimed::Done),
        Value::Int(3) => Some(Claimed::Full),
        Value::Array(parts) => match parts[..] {
            [Value::Int(left)] => {
                let lease_left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
                Some(Claimed::InFlight { lease_left })
            }
            _ => None,
        },
        _ => None,
    }
}

fn committed(reply: &Value) -> Option<Committed> {
    match reply {
        Value::Int(1) => Some(Committed::Stored),
        Value::Int(0) => Some(Committed::Lost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_and_bounded() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_micros(1_001)), 2);
        assert_eq!(millis(Duration::MAX), 100 * 365 * 24 * 60 * 60 * 1_000);
    }

    #[test]
    fn replies_that_make_no_sense_are_refused() {
        for reply in [Value::Okay, Value::Int(7), Value::Nil, Value::Array(vec![])] {
            assert!(claimed(&reply).is_none(), "{reply:?}");
            assert!(committed(&reply).is_none(), "{reply:?}");
        }
    }

    #[test]
    fn keys_are_the_prefix_and_the_hash() {
        let key = RedisStore::new(()).key_prefix("p:").key(&EventKey::of(&[b"secret"]));
        assert!(key.starts_with("p:") && key.len() == 2 + 64, "{key}");
    }
}
