//! Buckets on a real server: asking for them, and what is kept of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Arg, Cmd, FromRedisValue, Pipeline, RedisFuture, Value, cmd, parse_redis_value};
use stonework_core::{StoreError, StoreErrorKind};
use stonework_ratelimit::store::{
    Acquire, Acquired, Adjust, AdjustId, Bucket, Demand, Lease, LeaseStore, Leased, Level,
    RateLimitStore, Reset,
};
use stonework_ratelimit::{Quota, Span};

use super::redis_server::Server;

pub(crate) const PREFIX: &str = "stonework:ratelimit:";
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// So many an hour and at once: no token flows in while a test runs.
pub(crate) fn hourly(burst: u32) -> Quota {
    Quota::new(1, HOUR, burst).unwrap()
}

/// The time of so many tokens of [`hourly`].
pub(crate) fn hours(tokens: u32) -> Span {
    hourly(1).time_of(tokens)
}

/// One bucket, asked as the layer would ask.
pub(crate) struct Client<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) bucket: Bucket<'a>,
    pub(crate) quota: Quota,
}

impl<'a, S: LeaseStore> Client<'a, S> {
    pub(crate) fn new(store: &'a S, key: &'a str, quota: Quota) -> Self {
        Self { store, bucket: Bucket::new("policy", key.as_bytes()), quota }
    }

    pub(crate) fn demand(&self, cost: u32) -> Demand<'a> {
        Demand::new(self.bucket, self.quota, cost)
    }

    pub(crate) async fn try_take(&self, cost: u32) -> Result<Acquired, StoreErrorKind> {
        kind(self.store.acquire(Acquire::new(&[self.demand(cost)])).await)
    }

    /// Whether so many were granted.
    pub(crate) async fn take(&self, cost: u32) -> bool {
        match self.try_take(cost).await.unwrap() {
            Acquired::Granted(_) => true,
            Acquired::Denied(_) => false,
            other => panic!("{other:?}"),
        }
    }

    /// Where the bucket stands.
    pub(crate) async fn level(&self) -> Level {
        let acquired = self.try_take(0).await.unwrap();
        assert!(matches!(acquired, Acquired::Granted(_)), "asking costs nothing");
        levels(&acquired)[0]
    }

    /// Tokens that are left.
    pub(crate) async fn left(&self) -> u32 {
        self.quota.remaining(self.level().await.debt)
    }

    pub(crate) async fn try_adjust(
        &self,
        tokens: i64,
        id: AdjustId,
    ) -> Result<Span, StoreErrorKind> {
        let adjust = Adjust::new(self.bucket, self.quota, tokens, id);
        kind(self.store.adjust(adjust).await.map(|adjusted| adjusted.debt))
    }

    /// The debt after a correction.
    pub(crate) async fn adjust(&self, tokens: i64) -> Span {
        self.try_adjust(tokens, AdjustId::random()).await.unwrap()
    }

    pub(crate) async fn try_lease(&self, want: u32, least: u32) -> Result<Leased, StoreErrorKind> {
        kind(self.store.lease(Lease::new(self.bucket, self.quota, want, least)).await)
    }

    /// How many tokens were leased.
    pub(crate) async fn lease(&self, want: u32, least: u32) -> u32 {
        self.try_lease(want, least).await.unwrap().tokens
    }

    pub(crate) async fn reset(&self) {
        self.store.reset(Reset::new(self.bucket)).await.unwrap();
    }
}

fn kind<T>(result: Result<T, StoreError>) -> Result<T, StoreErrorKind> {
    result.map_err(|error| error.kind())
}

pub(crate) async fn acquire(store: &impl RateLimitStore, demands: &[Demand<'_>]) -> Acquired {
    store.acquire(Acquire::new(demands)).await.unwrap()
}

pub(crate) fn levels(acquired: &Acquired) -> &[Level] {
    match acquired {
        Acquired::Granted(levels) | Acquired::Denied(levels) => levels,
        other => panic!("{other:?}"),
    }
}

/// Which of the demands fit.
pub(crate) fn fits(acquired: &Acquired) -> Vec<bool> {
    levels(acquired).iter().map(|level| level.fits).collect()
}

/// What is kept of a bucket, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) full: u64,
    pub(crate) part: u32,
    pub(crate) rate: u32,
    pub(crate) written: u64,
}

impl Record {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let number = |range: std::ops::Range<usize>| {
            bytes[range].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
        };
        assert_eq!((bytes.len(), bytes[0]), (23, 1));
        let (part, rate) = (number(8..12) as u32, number(12..16) as u32);
        Self { full: number(1..8), part, rate, written: number(16..23) }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [
            &[1][..],
            &self.full.to_be_bytes()[1..],
            &self.part.to_be_bytes(),
            &self.rate.to_be_bytes(),
            &self.written.to_be_bytes()[1..],
        ]
        .concat()
    }
}

/// The keys of all buckets, without the records of adjustments.
pub(crate) async fn bucket_keys(server: &Server) -> Vec<String> {
    let mut keys: Vec<String> = server.ask(cmd("KEYS").arg("*}")).await;
    keys.sort();
    keys
}

pub(crate) async fn only_key(server: &Server) -> String {
    let keys = bucket_keys(server).await;
    <[String; 1]>::try_from(keys).unwrap().into_iter().next().unwrap()
}

pub(crate) async fn get<T: FromRedisValue>(server: &Server, key: &str) -> T {
    server.ask(cmd("GET").arg(key)).await
}

/// What is kept of the only bucket.
pub(crate) async fn record(server: &Server) -> Record {
    let bytes: Vec<u8> = get(server, &only_key(server).await).await;
    Record::parse(&bytes)
}

/// How many keys have changed since the server started.
pub(crate) async fn changes(server: &Server) -> u64 {
    let info = server.info("persistence").await;
    let line = info.lines().find_map(|line| line.strip_prefix("rdb_changes_since_last_save:"));
    line.unwrap().parse().unwrap()
}

/// Tells the scripts another time, in microseconds since 1970, in place of the server's.
///
/// The scripts run as they are but for that: it says that it does not know them by their hash, and
/// is sent the whole.
#[derive(Clone, Debug)]
pub(crate) struct Frozen<C> {
    inner: C,
    micros: Arc<AtomicU64>,
}

impl<C> Frozen<C> {
    pub(crate) fn at(inner: C, micros: u64) -> Self {
        Self { inner, micros: Arc::new(micros.into()) }
    }

    pub(crate) fn turn_to(&self, micros: u64) {
        self.micros.store(micros, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> u64 {
        self.micros.load(Ordering::Relaxed)
    }

    fn with_time(&self, eval: &Cmd) -> Cmd {
        let mut changed = Cmd::new();
        for (at, arg) in eval.args_iter().enumerate() {
            let Arg::Simple(arg) = arg else { panic!("no cursor") };
            if at == 1 {
                let code = std::str::from_utf8(arg).unwrap();
                let frozen = code.replace("call('TIME')", "{ ARGV[#ARGV - 1], ARGV[#ARGV] }");
                assert_ne!(code, frozen, "the script asks for the time");
                changed.arg(frozen);
            } else {
                changed.arg(arg);
            }
        }
        let now = self.now();
        changed.arg(now / 1_000_000).arg(now % 1_000_000);
        changed
    }
}

impl<C: ConnectionLike + Send> ConnectionLike for Frozen<C> {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let name = cmd.args_iter().next();
        if name == Some(Arg::Simple(b"EVALSHA")) {
            let reply = parse_redis_value(b"-NOSCRIPT No matching script.\r\n").unwrap();
            return Box::pin(async { reply.extract_error() });
        }
        if name != Some(Arg::Simple(b"EVAL")) {
            return self.inner.req_packed_command(cmd);
        }
        let cmd = self.with_time(cmd);
        Box::pin(async move { self.inner.req_packed_command(&cmd).await })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a Pipeline,
        _: usize,
        _: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        unreachable!("the store sends no pipelines")
    }

    fn get_db(&self) -> i64 {
        self.inner.get_db()
    }
}
