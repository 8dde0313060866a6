//! The log for more than one process: Redis 7.0 or later, or Valkey.
//!
//! *Feature `redis-1`, named after the major version of the `redis` crate.*
//!
//! # What it needs
//!
//! - A connection that reconnects by itself and follows the primary, such as `redis::aio::ConnectionManager` or an
//!   async cluster connection. Clones of it share one socket. Keep its delays and timeouts below
//!   [`store_timeout`](crate::HubBuilder::store_timeout).
//! - A `redis::Client` of the same server for what listens, or of any node of a cluster. It is connected to anew
//!   whenever it is lost, so it should have an address that leads to a server which is there: the name of a service
//!   or of a proxy that follows the primary, rather than of one machine.
//! - A user who may run `EVAL` and `EVALSHA` on the keys below the prefix, and what the scripts call: `HMGET`, `HSET`,
//!   `XADD`, `XRANGE`, `DEL`, `GET`, `SET`, `PEXPIRE`, `PTTL`, `PUBLISH`. One who may `SUBSCRIBE` to the channels below
//!   the prefix (and `UNSUBSCRIBE` and `PING`); and `INFO` for [`RedisLog::preflight`].
//! - A prefix that no other service has on this server, in whichever of its databases: channels are those of all.
//!
//! # What it does
//!
//! All keys of a log begin with the prefix and, in braces, a hash of its name. So a log is on one slot of a cluster,
//! and logs are on all of its nodes.
//!
//! | key | what it is | how long it stays |
//! |---|---|---|
//! | `…:events` | a stream of the newest events, whose ids are the offsets | [`max_age`](RedisLog::max_age) after the last append |
//! | `…:log` | a hash: the epoch of the log, and its last offset and tag | a day longer, or as long as it is read |
//! | `…:id:` and the id of an event | where it was appended | [`repeats_for`](RedisLog::repeats_for) |
//!
//! A key of an id takes some 230 bytes: for 1,000 events a second, which are known for 5 minutes, 70 MB.
//!
//! An operation is one script: one round trip. Whoever finds no hash begins a new log, with a random epoch, and
//! whatever is left of another is deleted: so all who were there are told of a gap.
//!
//! An append is published, with the event itself, on the channel that is named after the stream. On a cluster all
//! nodes hear of it. There is one connection that listens for each [`RedisLog`] and its clones, however many logs are
//! listened to, and none when nobody listens. It belongs to a task in the runtime of whoever listened first. When it
//! breaks, or does not answer a `PING` that is sent every 3 seconds, it is made anew, after 100 ms at first and a
//! second at most; then all who listen are told to read what they may have missed. Meanwhile they are given what is new
//! when the hub [looks](crate::HubBuilder::looks_every).
//!
//! # What it does not promise
//!
//! - **Failover.** Replication is asynchronous: a replica that is promoted may lack the last events, although they were
//!   said to be appended. Who was given one of these is told of a gap as soon as there is another event in its place,
//!   or when it comes back. Who was not is told nothing: for it, that event never was. What must not be lost is kept in
//!   a database, and published from there again: an event that is there is not appended twice.
//! - **Restarts and evictions.** A server that loses its data, or evicts the hash of a log, loses the log: all are told
//!   of a gap. If it evicts the stream, those who come back are. If it evicts the key of an id, an event that is
//!   appended again is another one. [`RedisLog::preflight`] looks for a server that may evict.
//! - **Announcements** are lost unnoticed when the nodes of a cluster do not hear each other, or when the client leads to
//!   a server that does not replicate from the primary any more: until the hub looks.
//! - **What is kept.** The stream is cut where Redis finds it cheap, so that some 100 events more than
//!   [`max_events`](RedisLog::max_events) may be there. Events have no age of their own.
//! - **Who may write to the server** may write events.

mod listeners;
mod subscriber;
mod wire;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Client, Cmd, RedisError, Value};
use sha2::{Digest, Sha256};
#[doc(no_inline)]
pub use stonework_core::redis1::Warning;
use stonework_core::redis1::{Script, preflight, store_error};
use stonework_core::{Key, StoreError, StoreErrorKind, StoreFuture};

use super::{Announcements, Append, EventLog, Head, Listen, Read, ReadAfter};
use crate::Position;
use crate::position::tag;
use subscriber::Subscriber;

const PREFIX: &str = "stonework:sse:";

const HOUR: Duration = Duration::from_secs(3_600);

/// How much longer a log is known than its events are kept.
const A_DAY: Duration = Duration::from_secs(24 * 3_600);

static APPEND: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("log.lua"), include_str!("append.lua"))));
static READ: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("log.lua"), include_str!("read.lua"))));

/// Logs in Redis or Valkey. Clones share the connection that listens.
///
/// ```no_run
/// # async fn example<C>(connection: C) -> Result<(), Box<dyn std::error::Error>>
/// # where
/// #     C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
/// # {
/// use stonework_sse::Hub;
/// use stonework_sse::store::redis1::RedisLog;
///
/// let client = redis::Client::open("redis://redis.internal/")?;
/// let log = RedisLog::new(connection, client).key_prefix("shop:events:").max_events(10_000);
/// for warning in log.preflight().await {
///     eprintln!("{warning}");
/// }
/// let hub = Hub::builder(log).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisLog<C> {
    connection: C,
    subscriber: Arc<Subscriber>,
    prefix: Arc<str>,
    max_events: usize,
    max_age: Duration,
    repeats_for: Duration,
}

impl<C> RedisLog<C> {
    /// Logs on one server or on a cluster, with keys below `stonework:sse:`. The client is for what listens; nothing
    /// is connected to before anybody does.
    pub fn new(connection: C, client: Client) -> Self {
        Self {
            connection,
            subscriber: Arc::new(Subscriber::new(client)),
            prefix: PREFIX.into(),
            max_events: 1_000,
            max_age: HOUR,
            repeats_for: Duration::from_secs(300),
        }
    }

    /// Puts the keys and channels below this prefix instead. Services that share a server need different ones.
    #[must_use]
    pub fn key_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into().into(), ..self }
    }

    /// How many events are kept of a log, at least. Default 1,000; not less than one. There may be some 100 more.
    #[must_use]
    pub fn max_events(self, events: usize) -> Self {
        Self { max_events: events, ..self }
    }

    /// After which time without an append the events of a log are forgotten. Default one hour. The log itself is known
    /// for a day longer, or as long as it is read: who had all of its events by then misses none.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: age, ..self }
    }

    /// For how long it is known that an event was appended, so that it is not appended twice. Default 5 minutes. It
    /// must be longer than anybody goes on trying.
    #[must_use]
    pub fn repeats_for(self, time: Duration) -> Self {
        Self { repeats_for: time, ..self }
    }

    /// Where the keys of a log are. Any bytes may be in its name, and those of a cluster's slot stand in braces.
    fn keys(&self, log: &Key) -> Keys {
        let hash = Sha256::digest(log.as_bytes());
        Keys(format!("{}{{{}}}:", self.prefix, data_encoding::HEXLOWER.encode(&hash[..16])))
    }

    /// The arguments of a script that both have.
    fn begun(&self, call: &mut Cmd) {
        let known_for = self.max_age.saturating_add(A_DAY);
        call.arg(wire::hex(fastrand::u32(..))).arg(milliseconds(known_for));
    }
}

struct Keys(String);

impl Keys {
    fn events(&self) -> String {
        format!("{}events", self.0)
    }

    fn log(&self) -> String {
        format!("{}log", self.0)
    }

    fn id(&self, id: [u8; 16]) -> String {
        format!("{}id:{}", self.0, data_encoding::HEXLOWER.encode(&id))
    }
}

impl<C: ConnectionLike + Clone> RedisLog<C> {
    /// Asks the server, or every primary of a cluster, whether it is safe to keep events there.
    pub async fn preflight(&self) -> Vec<Warning> {
        preflight(&mut self.connection.clone()).await
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

    /// Where the log ends, and so many events at most that come after a position.
    fn read(
        &self,
        log: &Key,
        position: Position,
        limit: u64,
    ) -> impl Future<Output = Result<wire::Found, StoreError>> + use<C> {
        let keys = self.keys(log);
        let mut call = READ.call(&[keys.events(), keys.log()]);
        self.begun(&mut call);
        call.arg(limit).arg(wire::hex(position.epoch)).arg(position.offset);
        let reply = self.run(&READ, call);
        async move { wire::found(&reply.await.map_err(store_error)?).ok_or_else(incompatible) }
    }
}

/// At least one, which is the least that there is.
fn milliseconds(time: Duration) -> u64 {
    // 70,000 years, to which the server can add the time that it is.
    time.as_millis().clamp(1, 1 << 51) as u64
}

/// At least one, and what the server takes for a number.
fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX).clamp(1, 1 << 51)
}

fn incompatible() -> StoreError {
    StoreError::new(StoreErrorKind::Incompatible)
}

impl<C> EventLog for RedisLog<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>> {
        let keys = self.keys(append.log);
        let mut call = APPEND.call(&[keys.events(), keys.log(), keys.id(append.id)]);
        self.begun(&mut call);
        call.arg(wire::hex(tag(append.id)))
            .arg(append.topic.as_bytes())
            .arg(&*append.body)
            .arg(count(self.max_events))
            .arg(milliseconds(self.max_age))
            .arg(milliseconds(self.repeats_for));
        let reply = self.run(&APPEND, call);
        StoreFuture::new(async move {
            wire::position(&reply.await.map_err(store_error)?).ok_or_else(incompatible)
        })
    }

    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>> {
        let position = read.position;
        let found = self.read(read.log, position, count(read.limit));
        StoreFuture::new(async move {
            let found = found.await?;
            Ok(Read::judge(position, found.head, found.events))
        })
    }

    fn head(&self, head: Head<'_>) -> StoreFuture<Result<Position, StoreError>> {
        let found = self.read(head.log, Position::start(0), 0);
        StoreFuture::new(async move { Ok(found.await?.head) })
    }

    fn announcements(&self, listen: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>> {
        let channel = self.keys(listen.log).events();
        StoreFuture::new(Arc::clone(&self.subscriber).listen(channel))
    }
}

impl<C> fmt::Debug for RedisLog<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLog")
            .field("prefix", &self.prefix)
            .field("max_events", &self.max_events)
            .field("max_age", &self.max_age)
            .field("repeats_for", &self.repeats_for)
            .finish_non_exhaustive()
    }
}
