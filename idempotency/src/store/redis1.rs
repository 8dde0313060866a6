//! The store for more than one process: Redis 7.0 or later, or Valkey.
//!
//! *Feature `redis-1`, named after the major version of the `redis` crate.*
//!
//! # What it needs
//!
//! - A connection that reconnects by itself and follows the primary, such as
//!   `redis::aio::ConnectionManager` or an async cluster connection. Clones of it share one socket.
//!   Set the manager up for it: over RESP3 it notices a lost connection by itself, and over RESP2
//!   by the first request that fails; by default it gives up after six tries, so raise its
//!   `number_of_retries`; and keep its delays and timeouts below the layer's `store_timeout`.
//! - `maxmemory-policy noeviction`, or no `maxmemory`: a record that is evicted is a request that
//!   may run twice. [`RedisStore::preflight`] looks.
//! - A user who may run `SET`, `GET`, `GETRANGE`, `SETRANGE`, `EXISTS`, `DEL`, `PTTL`, `EVAL` and
//!   `EVALSHA` on the keys below the prefix, and `INFO` for the preflight.
//!
//! # What it does
//!
//! A record is one string under one key, so that every operation is on one hash slot of a cluster.
//! A claim and a replay are one `SET … NX GET PX`: one round trip. What has to look before it
//! writes is a script, sent by its hash, and in full when the server does not know it.
//!
//! Time is the server's: the age of a lease is the recorded retention less the key's PTTL. Times
//! count in milliseconds, rounded up, and are a hundred years at most. Every operation carries its
//! caller's token, so it makes no difference if a client library sends it twice.
//!
//! A server at its `maxmemory` takes no new claims ([`Claimed::Full`]), but goes on telling the
//! records that it has, and takes the answers of the runs that were claimed before. It then holds
//! more than `maxmemory` by what those runs store.
//!
//! # What it does not promise
//!
//! - **Failover.** Replication is asynchronous: a replica that is promoted may lack the last
//!   claims, and their requests run again if they are retried. `WAIT` makes this rarer and does not
//!   rule it out; a database in the same transaction as the effect does.
//! - **Restart.** With `appendfsync everysec` a crash of the machine loses about a second of
//!   claims, without an append-only file more; `appendfsync always` loses none.
//! - **Clocks.** A server whose clock jumps moves the end of leases and retentions by as much, and
//!   so does a promotion between servers whose clocks differ.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Cmd, Value};
#[doc(no_inline)]
pub use stonework_core::redis1::Warning;
use stonework_core::redis1::{self, Script, is_full, store_error};
use stonework_core::{StoreError, StoreErrorKind, StoreFuture};
use uuid::Uuid;

use super::record::{Payload, Stored, millis};
use super::{
    Claim, Claimed, Complete, Completed, Held, IdempotencyStore, Record, Release, Renew, Watch,
};
use crate::lookup::{Hex, Lookup, Token};

static INSPECT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("inspect.lua")));
static TAKE_OVER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take_over.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("renew.lua")));
static COMPLETE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("complete.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

const PREFIX: &str = "stonework:idempotency:";

/// How often a claim starts anew when the record that stood in its way is gone a moment later.
const ROUNDS: usize = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Keeps records in Redis or Valkey.
///
/// Cloning is as cheap as cloning the connection.
///
/// ```no_run
/// # async fn example<C>(connection: C)
/// # where
/// #     C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
/// # {
/// use stonework_idempotency::store::redis1::RedisStore;
///
/// let store = RedisStore::new(connection).key_prefix("payments:idempotency:");
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
    /// A store over this connection, with keys below `stonework:idempotency:`.
    pub fn new(connection: C) -> Self {
        Self { connection, prefix: PREFIX.into() }
    }

    /// Puts the keys below this prefix instead: each key is the prefix and 64 hexadecimal digits.
    ///
    /// Services that share a server need different prefixes. Braces in it would put all keys of a
    /// cluster on one node.
    #[must_use]
    pub fn key_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into().into(), ..self }
    }

    fn key(&self, lookup: &Lookup) -> String {
        format!("{}{}", self.prefix, Hex(lookup.id()))
    }
}

impl<C: ConnectionLike + Clone> RedisStore<C> {
    /// Asks the server, or every primary of a cluster, whether it is safe to keep records there.
    ///
    /// An evicting `maxmemory-policy` is a warning only if `maxmemory` is set: without a limit
    /// nothing is evicted. What cannot be asked is a warning too. Meant for the start of a service.
    pub async fn preflight(&self) -> Vec<Warning> {
        redis1::preflight(&mut self.connection.clone()).await
    }
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl<C> IdempotencyStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn claim(&self, claim: Claim<'_>) -> StoreFuture<Result<Claimed, StoreError>> {
        let key = self.key(claim.lookup);
        let claiming = Claiming {
            connection: self.connection.clone(),
            token: claim.token,
            take_over: claim.take_over.map(|seen| take_over(&key, &claim, seen)),
            set: set(&key, &claim),
            inspect: INSPECT.call(&[&key]),
        };
        StoreFuture::new(claiming.run())
    }

    fn renew(&self, renew: Renew<'_>) -> StoreFuture<Result<Held, StoreError>> {
        let mut call = RENEW.call(&[self.key(renew.lookup)]);
        call.arg(&renew.token.as_bytes()[..]).arg(millis(renew.lease));
        if let Some(checkpoint) = renew.checkpoint {
            call.arg(&checkpoint[..]);
        }
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            match ask(&mut connection, &RENEW, &call).await? {
                Value::Int(1) => Ok(Held::Held),
                Value::Int(_) => Ok(Held::Lost),
                _ => Err(unexpected()),
            }
        })
    }

    fn complete(&self, complete: Complete<'_>) -> StoreFuture<Result<Completed, StoreError>> {
        let retention = retention(complete.retention);
        let record = Stored {
            token: complete.token,
            attempt: complete.attempt,
            fingerprint: complete.fingerprint,
            retention,
            lease_end: 0,
            payload: Payload::Completed(complete.answer),
        };
        let mut call = COMPLETE.call(&[self.key(complete.lookup)]);
        call.arg(&complete.token.as_bytes()[..]).arg(record.encode()).arg(retention);
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            match ask(&mut connection, &COMPLETE, &call).await? {
                Value::Int(1) => Ok(Completed::Stored),
                reply => Ok(Completed::Lost(seen(reply)?.ok_or_else(unexpected)?.into_record())),
            }
        })
    }

    fn release(&self, release: Release<'_>) -> StoreFuture<Result<(), StoreError>> {
        let mut call = RELEASE.call(&[self.key(release.lookup)]);
        call.arg(&release.token.as_bytes()[..]);
        let mut connection = self.connection.clone();
        StoreFuture::new(async move { ask(&mut connection, &RELEASE, &call).await.map(drop) })
    }

    /// Pauses for 25 ms at first and 500 ms at last, less up to a half.
    ///
    /// A subscription would need a connection of its own for every process and a message for
    /// every completion, most of which nobody waits for, and would still need the pause for
    /// messages that are lost.
    fn watch(&self, watch: Watch<'_>) -> StoreFuture<()> {
        let pause = pause(watch.round, Uuid::new_v4().as_bytes()[0]);
        StoreFuture::new(async move { tokio::time::sleep(pause).await })
    }
}

/// A claim on its way: what may have to be sent for it.
struct Claiming<C> {
    connection: C,
    token: Token,
    take_over: Option<Cmd>,
    set: Cmd,
    inspect: Cmd,
}

impl<C: ConnectionLike> Claiming<C> {
    async fn run(mut self) -> Result<Claimed, StoreError> {
        if let Some(call) = self.take_over.take()
            && let Some(seen) = seen(ask(&mut self.connection, &TAKE_OVER, &call).await?)?
        {
            return Ok(seen.told_to(self.token));
        }
        for _ in 1..ROUNDS {
            if let Ok(claimed) = self.round().await? {
                return Ok(claimed);
            }
        }
        // The record that was there at the time of the last SET, as if just begun: it has gone
        // since, so the claimer does well to ask again.
        self.round().await.map(|round| round.unwrap_or_else(|gone| gone.told_to(self.token)))
    }

    /// One attempt. The inner error is a record of somebody else's that has gone since.
    async fn round(&mut self) -> Result<Result<Claimed, Seen>, StoreError> {
        let stored = match self.set.query_async(&mut self.connection).await {
            Ok(reply) => value(reply)?,
            Err(error) if is_full(&error) => return self.without_room().await.map(Ok),
            Err(error) => return Err(store_error(error)),
        };
        let Some(stored) = stored else {
            return Ok(Ok(Claimed::Owned { attempt: 1, checkpoint: None }));
        };
        let found = Seen { stored, left: None };
        if !found.is_pending() || found.stored.token == self.token {
            return Ok(Ok(found.told_to(self.token)));
        }
        // The age of a lease needs the PTTL of the very record, which SET does not tell.
        Ok(self.look().await?.map(|seen| seen.told_to(self.token)).ok_or(found))
    }

    /// A server without room refuses `SET` even where it would have told a record.
    async fn without_room(&mut self) -> Result<Claimed, StoreError> {
        Ok(self.look().await?.map_or(Claimed::Full, |seen| seen.told_to(self.token)))
    }

    async fn look(&mut self) -> Result<Option<Seen>, StoreError> {
        seen(ask(&mut self.connection, &INSPECT, &self.inspect).await?)
    }
}

/// A record, and how many milliseconds of its retention are left.
struct Seen {
    stored: Stored,
    left: Option<u64>,
}

impl Seen {
    const fn is_pending(&self) -> bool {
        matches!(self.stored.payload, Payload::Pending(_))
    }

    fn told_to(self, token: Token) -> Claimed {
        match self.stored {
            Stored { token: owner, attempt, payload: Payload::Pending(checkpoint), .. }
                if owner == token =>
            {
                Claimed::Owned { attempt, checkpoint }
            }
            stored => Claimed::Taken(stored.into_record(self.left)),
        }
    }

    fn into_record(self) -> Record {
        self.stored.into_record(self.left)
    }
}

fn set(key: &str, claim: &Claim<'_>) -> Cmd {
    let retention = retention(claim.retention);
    let record = Stored {
        token: claim.token,
        attempt: 1,
        fingerprint: claim.fingerprint,
        retention,
        lease_end: millis(claim.lease),
        payload: Payload::Pending(None),
    };
    let mut set = redis::cmd("SET");
    set.arg(key).arg(record.encode()).arg("NX").arg("GET").arg("PX").arg(retention);
    set
}

fn take_over(key: &str, claim: &Claim<'_>, seen: Token) -> Cmd {
    let mut call = TAKE_OVER.call(&[key]);
    call.arg(&seen.as_bytes()[..]).arg(&claim.token.as_bytes()[..]);
    call.arg(millis(claim.lease)).arg(retention(claim.retention));
    call
}

/// Redis refuses a time to live of zero.
fn retention(time: Duration) -> u64 {
    millis(time).max(1)
}

async fn ask(
    connection: &mut impl ConnectionLike,
    script: &Script,
    call: &Cmd,
) -> Result<Value, StoreError> {
    script.run(connection, call).await.map_err(store_error)
}

/// A reply that is a record or nothing.
fn value(reply: Value) -> Result<Option<Stored>, StoreError> {
    match reply {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Stored::decode(bytes.into()).map(Some),
        _ => Err(unexpected()),
    }
}

/// A reply that is a record with its PTTL, or nothing.
fn seen(reply: Value) -> Result<Option<Seen>, StoreError> {
    let Value::Array(parts) = reply else {
        return match reply {
            Value::Nil => Ok(None),
            _ => Err(unexpected()),
        };
    };
    let Ok([record, Value::Int(left)]) = <[Value; 2]>::try_from(parts) else {
        return Err(unexpected());
    };
    let stored = value(record)?.ok_or_else(unexpected)?;
    Ok(Some(Seen { stored, left: u64::try_from(left).ok() }))
}

fn unexpected() -> StoreError {
    StoreError::new(StoreErrorKind::Refused).with_source("the server gave an unexpected reply")
}

/// Doubles from round to round. The random part, in 256ths, keeps those who wait for one record
/// from asking all at once.
fn pause(round: u32, random: u8) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(round)).min(LONGEST_PAUSE);
    longest / 2 + longest * u32::from(random) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_spread() {
        assert_eq!(pause(0, 0), FIRST_PAUSE / 2);
        assert!(pause(0, 255) < FIRST_PAUSE);
        assert!(pause(2, 0) > pause(0, 255));
        assert_eq!(pause(u32::MAX, 0), LONGEST_PAUSE / 2);
        assert!(pause(u32::MAX, 255) < LONGEST_PAUSE);
    }

    #[test]
    fn keys_are_the_prefix_and_the_hash() {
        let lookup = Lookup::new(None, None, b"secret");
        let key = RedisStore::new(()).key_prefix("p:").key(&lookup);
        assert_eq!(key, format!("p:{}", Hex(lookup.id())));
        assert_eq!(key.len(), 2 + 64);
    }

    #[test]
    fn replies_that_make_no_sense_are_refused() {
        let left = || Value::Int(1);
        for reply in [
            Value::Okay,
            Value::BulkString(vec![1]),
            Value::Array(vec![]),
            Value::Array(vec![Value::Nil, left()]),
            Value::Array(vec![left(), left(), left()]),
        ] {
            assert!(seen(reply).is_err());
        }
        assert!(seen(Value::Nil).is_ok_and(|seen| seen.is_none()));
    }
}
