//! The outbox for more than one process: Redis 7.0 or later, or Valkey.
//!
//! *Feature `redis-1`, named after the major version of the `redis` crate.*
//!
//! # What it needs
//!
//! - A connection that reconnects by itself and follows the primary, such as `redis::aio::ConnectionManager` or an async
//!   cluster connection. Clones of it share one socket. Keep its delays and timeouts below the
//!   [store's timeout](crate::DeliveryBuilder::store_timeout).
//! - Persistence, if messages are to outlive the server: `appendonly yes`, and `appendfsync always` if the last second
//!   counts.
//! - `maxmemory-policy noeviction`, or no `maxmemory`: an outbox that is evicted is messages that are lost.
//!   [`RedisOutbox::preflight`] looks.
//! - A user who may run `GET`, `SET`, `TIME`, `EVAL` and `EVALSHA`, and the commands on hashes and sorted sets that the
//!   scripts use, on the keys below the prefix, and `INFO` for the preflight.
//!
//! # What it does
//!
//! An outbox is seven keys on one hash slot, and for each claim a key of a few seconds. Every operation is one script and
//! one round trip, sent by its hash, and in full when the server does not know it. Time is the server's. A claim costs a
//! few commands for each record that it leases, and none for those that it passes by: endpoints stand in one sorted set by
//! when each can be served, and the records of each in another.
//!
//! A server at its `maxmemory` takes no new messages ([`Enqueued::Full`]), but goes on with those that it has.
//!
//! A record that cannot be read, because something else has written there or its payload is gone, holds nobody up: whoever
//! comes upon it makes a dead letter of it, [`Unreadable`](crate::DeadReason::Unreadable). Queued again, it is sent with the
//! body that it has, and without one it is a dead letter again. An endpoint of which the state cannot be read waits until it
//! is [enabled](crate::Delivery::enable); claims that find nothing else tell of it.
//!
//! # What it does not promise
//!
//! - **Failover.** Replication is asynchronous: a replica that is promoted may lack the last messages, and those are lost;
//!   or the last acknowledgements, and those messages are sent again, with the same id.
//! - **Restart.** With `appendfsync everysec` a crash of the machine loses about a second of both, without an append-only
//!   file all of it.
//! - **Clocks.** A server whose clock jumps moves what is due, and the ends of leases, by as much.

mod wire;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use data_encoding::HEXLOWER;
use redis::aio::ConnectionLike;
use redis::{Cmd, Value};
#[doc(no_inline)]
pub use stonework_core::redis1::Warning;
use stonework_core::redis1::{self, Script, is_full, store_error};
use stonework_core::{StoreError, StoreFuture};

use super::{
    Ack, Change, Claim, Claimed, Dead, EndpointChange, EndpointState, Enqueue, Enqueued, Extend,
    Held, Lease, List, Outbox, Page, Purge, Purged, Requeue, Requeued, Retry, Settled,
};
use crate::EndpointId;
use wire::Settle;

macro_rules! script {
    ($name:ident, $flags:literal, $file:literal) => {
        static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(
                "#!lua",
                $flags,
                "\n",
                include_str!("../common.lua"),
                include_str!($file)
            ))
        });
    };
}

// A server without memory takes no new messages; what makes room, it goes on to do.
script!(ENQUEUE, "", "../enqueue.lua");
script!(CLAIM, " flags=allow-oom", "../claim.lua");
script!(SETTLE, " flags=allow-oom", "../settle.lua");
script!(EXTEND, " flags=allow-oom", "../extend.lua");
script!(REQUEUE, " flags=allow-oom", "../requeue.lua");
script!(LIST, " flags=allow-oom", "../list.lua");
script!(ENDPOINT, " flags=allow-oom", "../endpoint.lua");
script!(CHANGE, " flags=allow-oom", "../change.lua");
script!(PURGE, " flags=allow-oom", "../purge.lua");

const PREFIX: &str = "stonework:webhook-delivery";

/// How long a claim that is sent again is answered as the first time.
const CLAIM_KNOWN_FOR: Duration = Duration::from_secs(10);

/// The most that one claim leases: a script that runs keeps everybody else waiting.
const MAX_CLAIM: usize = 256;

const NAMES: [&str; 7] = ["records", "payloads", "index", "timers", "ready", "endpoints", "lanes"];

/// Keeps messages in Redis or Valkey.
///
/// Cloning is as cheap as cloning the connection.
///
/// ```no_run
/// # async fn example<C>(connection: C)
/// # where
/// #     C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
/// # {
/// use stonework_webhook_delivery::store::redis1::RedisOutbox;
///
/// let outbox = RedisOutbox::new(connection).key_prefix("payments:webhooks");
/// for warning in outbox.preflight().await {
///     eprintln!("{warning}");
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct RedisOutbox<C> {
    connection: C,
    prefix: Arc<str>,
    keys: Arc<[String]>,
}

impl<C> RedisOutbox<C> {
    /// An outbox over this connection, with keys below `{stonework:webhook-delivery}:`.
    pub fn new(connection: C) -> Self {
        Self { connection, prefix: "".into(), keys: Arc::new([]) }.key_prefix(PREFIX)
    }

    /// Puts the keys below this prefix instead, in braces, which keep them on one hash slot. Services that share a server
    /// need different prefixes; so do outboxes that are to be on different nodes of a cluster. Braces in it are written as
    /// in a URL, `%7B` and `%7D`, and `%` is `%25`; an empty one is the default.
    #[must_use]
    pub fn key_prefix(self, prefix: impl AsRef<str>) -> Self {
        // Without a name between the braces, each key would have a slot of its own.
        let prefix = if prefix.as_ref().is_empty() { PREFIX } else { prefix.as_ref() };
        // Braces within would end the slot's name early; without them, two prefixes could be one.
        let prefix = prefix.replace('%', "%25").replace('{', "%7B").replace('}', "%7D");
        let keys = NAMES.map(|name| format!("{{{prefix}}}:{name}"));
        Self { connection: self.connection, prefix: prefix.into(), keys: Arc::new(keys) }
    }
}

impl<C: ConnectionLike + Clone> RedisOutbox<C> {
    /// Asks the server, or every primary of a cluster, whether it is safe to keep messages there. What cannot be asked is a
    /// warning too. Meant for the start of a service.
    pub async fn preflight(&self) -> Vec<Warning> {
        redis1::preflight(&mut self.connection.clone()).await
    }
}

impl<C> RedisOutbox<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn ask<T: Send + 'static>(
        &self,
        script: &'static Script,
        call: Cmd,
        read: impl FnOnce(Value) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<Result<T, StoreError>> {
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            let reply = script.run(&mut connection, &call).await.map_err(store_error)?;
            read(reply)
        })
    }

    fn settle(&self, lease: &Lease, settle: &Settle) -> StoreFuture<Result<Settled, StoreError>> {
        let mut call = SETTLE.call(&self.keys);
        identify(&mut call, lease);
        settle.write(&mut call);
        self.ask(&SETTLE, call, |reply| wire::settled(&reply))
    }
}

fn identify(call: &mut Cmd, lease: &Lease) {
    call.arg(lease.id.endpoint().as_str()).arg(lease.id.message().as_str());
    call.arg(&lease.token.as_bytes()[..]);
}

impl<C> fmt::Debug for RedisOutbox<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOutbox").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl<C> Outbox for RedisOutbox<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn enqueue(&self, enqueue: Enqueue) -> StoreFuture<Result<Enqueued, StoreError>> {
        let mut call = ENQUEUE.call(&self.keys);
        call.arg(enqueue.id.endpoint().as_str()).arg(enqueue.id.message().as_str());
        call.arg(wire::payload_bytes(&enqueue.payload)).arg(wire::micros(enqueue.after));
        call.arg(enqueue.order.as_ref().map(crate::OrderKey::as_str).unwrap_or_default());
        let mut connection = self.connection.clone();
        StoreFuture::new(async move {
            match ENQUEUE.run(&mut connection, &call).await {
                Ok(reply) => wire::enqueued(&reply),
                Err(error) if is_full(&error) => Ok(Enqueued::Full),
                Err(error) => Err(store_error(error)),
            }
        })
    }

    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        let mut keys = self.keys.to_vec();
        let token = HEXLOWER.encode(claim.token.as_bytes());
        keys.push(format!("{{{}}}:claim:{token}", self.prefix));
        let mut call = CLAIM.call(&keys);
        let max = claim.max.min(MAX_CLAIM);
        call.arg(&claim.token.as_bytes()[..]).arg(max).arg(wire::micros(claim.lease));
        let known_for = CLAIM_KNOWN_FOR.min(claim.lease).as_millis().max(1);
        call.arg(claim.per_endpoint).arg(u64::try_from(known_for).unwrap_or(u64::MAX));
        self.ask(&CLAIM, call, move |reply| wire::claimed(reply, claim.token))
    }

    fn ack(&self, ack: Ack) -> StoreFuture<Result<Settled, StoreError>> {
        self.settle(&ack.lease, &Settle::ack(&ack))
    }

    fn retry(&self, retry: Retry) -> StoreFuture<Result<Settled, StoreError>> {
        self.settle(&retry.lease, &Settle::retry(&retry))
    }

    fn dead(&self, dead: Dead) -> StoreFuture<Result<Settled, StoreError>> {
        self.settle(&dead.lease, &Settle::dead(&dead))
    }

    fn extend(&self, extend: Extend) -> StoreFuture<Result<Held, StoreError>> {
        let mut call = EXTEND.call(&self.keys);
        identify(&mut call, &extend.lease);
        call.arg(wire::micros(extend.by));
        self.ask(&EXTEND, call, |reply| wire::held(&reply))
    }

    fn requeue(&self, requeue: Requeue) -> StoreFuture<Result<Requeued, StoreError>> {
        let mut call = REQUEUE.call(&self.keys);
        call.arg(requeue.id.endpoint().as_str()).arg(requeue.id.message().as_str());
        self.ask(&REQUEUE, call, |reply| wire::requeued(&reply))
    }

    fn list(&self, list: List) -> StoreFuture<Result<Page, StoreError>> {
        let mut call = LIST.call(&self.keys);
        call.arg(list.endpoint.as_ref().map(EndpointId::as_str).unwrap_or_default());
        call.arg(list.state.map(wire::letter).unwrap_or_default());
        call.arg(list.after.as_ref().map(super::Cursor::as_bytes).unwrap_or_default());
        call.arg(list.limit.clamp(1, wire::MAX_PAGE));
        self.ask(&LIST, call, wire::page)
    }

    fn endpoint(&self, endpoint: EndpointId) -> StoreFuture<Result<EndpointState, StoreError>> {
        let mut call = ENDPOINT.call(&self.keys);
        call.arg(endpoint.as_str());
        self.ask(&ENDPOINT, call, wire::endpoint)
    }

    fn change(&self, change: Change) -> StoreFuture<Result<(), StoreError>> {
        let mut call = CHANGE.call(&self.keys);
        call.arg(change.endpoint.as_str());
        match change.to {
            EndpointChange::Disable(reason) => call.arg(1).arg(reason.code()),
            EndpointChange::Enable => call.arg(2).arg(0),
            EndpointChange::Pause(pause) => call.arg(3).arg(wire::micros(pause)),
        };
        self.ask(&CHANGE, call, |_| Ok(()))
    }

    fn purge(&self, purge: Purge) -> StoreFuture<Result<Purged, StoreError>> {
        let mut call = PURGE.call(&self.keys);
        call.arg(purge.endpoint.as_str()).arg(purge.limit.clamp(1, wire::MAX_PAGE));
        self.ask(&PURGE, call, wire::purged)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn first_key(prefix: &str) -> String {
        RedisOutbox::new(()).key_prefix(prefix).keys[0].clone()
    }

    #[test]
    fn all_keys_are_on_one_slot_whatever_the_prefix() {
        assert_eq!(first_key("a:b"), "{a:b}:records");
        assert_eq!(first_key("{a}}b"), "{%7Ba%7D%7Db}:records");
        assert_eq!(first_key(""), "{stonework:webhook-delivery}:records");
        for prefix in ["}", "{}", "{", "a}b{"] {
            let key = first_key(prefix);
            assert_eq!((key.find('{'), key.find('}')), (Some(0), Some(key.len() - 9)), "{key}");
        }
    }

    #[test]
    fn each_prefix_is_an_outbox_of_its_own() {
        let prefixes = ["a", "{a}", "a}", "{a", "%7Ba%7D", "%a", "%25a", "{}", "}{"];
        let keys: HashSet<_> = prefixes.into_iter().map(first_key).collect();
        assert_eq!(keys.len(), prefixes.len());
    }
}
