//! The scripts do what a naive bucket does, to the part of a microsecond: the very scripts, on a
//! real server, told the time by the test.

// A helper of a test may panic as the test may.
#![allow(clippy::unwrap_used)]

#[path = "support/buckets.rs"]
#[allow(dead_code)]
mod buckets;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;

use std::time::Duration;

use buckets::{Client, Frozen, Record, acquire, get, levels, only_key};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis::aio::MultiplexedConnection;
use redis::cmd;
use redis_server::Server;
use stonework_ratelimit::store::redis1::RedisStore;
use stonework_ratelimit::store::{Acquired, AdjustId, Level};
use stonework_ratelimit::{Quota, Span};

const YEAR: u64 = 365 * 86_400 * 1_000_000;
/// Later than any server's clock, lest it forgets what the test has yet to read; early enough for
/// 140 years to be below 2^53.
const START: u64 = 70 * YEAR;
const END: u64 = 130 * YEAR;
/// In microseconds.
const LARGEST_DEBT: u128 = (1 << 62) / 1_000;

/// A bucket in units of `1 / rate` of a microsecond, counted without a limit.
#[derive(Clone, Copy, Debug, Default)]
struct Naive {
    /// When it is full.
    full: u128,
    rate: u32,
    /// The whole microseconds of its debt when it was written.
    written: u128,
}

impl Naive {
    /// The debt, by this quota and time. A clock that has gone back adds none.
    fn debt(&mut self, quota: &Quota, now: u64) -> u128 {
        let (own, rate) = (u128::from(self.rate.max(1)), u128::from(quota.rate()));
        let now = u128::from(now);
        let (whole, part) = (self.full / own, self.full % own);
        if whole < now {
            return 0;
        }
        let back = whole - now > self.written;
        let whole = if back { self.written } else { whole - now };
        let debt = match self.rate == quota.rate() {
            true => whole * rate + part,
            false => (whole + u128::from(part > 0)) * rate,
        };
        if back {
            self.keep(quota, now as u64, debt);
        }
        debt
    }

    fn keep(&mut self, quota: &Quota, now: u64, debt: u128) {
        let rate = u128::from(quota.rate());
        *self = if debt == 0 {
            Self::default()
        } else {
            Self { full: u128::from(now) * rate + debt, rate: quota.rate(), written: debt / rate }
        };
    }

    fn time_of(quota: &Quota, tokens: u64) -> u128 {
        u128::from(tokens) * quota.per().as_micros()
    }

    fn capacity(quota: &Quota) -> u128 {
        Self::time_of(quota, quota.burst().into())
    }

    fn adjust(&mut self, quota: &Quota, now: u64, tokens: i64) -> u128 {
        let debt = self.debt(quota, now);
        let time = Self::time_of(quota, tokens.unsigned_abs().min(u32::MAX.into()));
        let most = (2 * Self::capacity(quota)).min(LARGEST_DEBT * u128::from(quota.rate()));
        let after =
            if tokens > 0 { debt.max(most.min(debt + time)) } else { debt.saturating_sub(time) };
        self.keep(quota, now, after);
        after
    }

    fn lease(&mut self, quota: &Quota, now: u64, want: u32, least: u32) -> (u32, u128) {
        let debt = self.debt(quota, now);
        let free = Self::capacity(quota).saturating_sub(debt);
        let there = free / quota.per().as_micros();
        let tokens = there.min(want.into()) as u32;
        if tokens < least || tokens == 0 {
            return (0, debt);
        }
        let after = debt + Self::time_of(quota, tokens.into());
        self.keep(quota, now, after);
        (tokens, after)
    }
}

/// A debt in nanoseconds, from units of `1 / rate` of a microsecond.
fn span(quota: &Quota, debt: u128) -> Span {
    let (parts, rate) = (debt * 1_000, u128::from(quota.rate()));
    Span::new((parts / rate) as u64, (parts % rate) as u32, quota.rate())
}

#[derive(Clone, Copy, Debug)]
struct Want {
    bucket: usize,
    /// Which of the quotas.
    quota: usize,
    cost: Many,
    shadow: bool,
}

/// A number of tokens, told by the quota.
#[derive(Clone, Copy, Debug)]
enum Many {
    Few(u32),
    Of(u32),
    Burst(i8),
    Any(u32),
}

impl Many {
    fn of(self, quota: &Quota) -> u32 {
        match self {
            Self::Few(few) => few,
            Self::Of(part) => quota.burst() / part.max(1),
            Self::Burst(more) => quota.burst().saturating_add_signed(more.into()),
            Self::Any(any) => any,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Pause {
    None,
    Micros(u32),
    /// That of so many tokens.
    Tokens(u8),
    /// As long as the last denial said, or this many microseconds less.
    Wait(u8),
    Back(u64),
}

#[derive(Clone, Debug)]
enum Act {
    Acquire(Vec<Want>),
    Adjust(Want, bool, bool),
    Lease(Want, Many),
    Reset(usize),
}

fn quotas() -> impl Strategy<Value = Quota> {
    let small = (1_u32..20, 1_u64..50_000, 1_u32..20);
    let any = (1_u32.., 1..YEAR, 1_u32..);
    let extremes = prop::sample::select(vec![
        (u32::MAX, 1, u32::MAX),
        (u32::MAX, 1, 1),
        (u32::MAX, 140 * YEAR, u32::MAX),
        (u32::MAX - 1, 140 * YEAR, u32::MAX - 2),
        (1, 140 * YEAR, 1),
        (1, 1, u32::MAX),
        (3, 140 * YEAR, 3),
        (3, 1_000_000, 9),
        (7, 1_000_000, u32::MAX),
    ]);
    prop_oneof![3 => small, 1 => any, 2 => extremes]
        .prop_map(|(rate, micros, burst)| Quota::new(rate, Duration::from_micros(micros), burst))
        .prop_filter_map("too slow", Result::ok)
}

fn many() -> impl Strategy<Value = Many> {
    prop_oneof![
        4 => (0_u32..4).prop_map(Many::Few),
        3 => (1_u32..4).prop_map(Many::Of),
        2 => (-1_i8..=1).prop_map(Many::Burst),
        1 => any::<u32>().prop_map(Many::Any),
    ]
}

prop_compose! {
    fn wants()(
        bucket in 0_usize..3,
        quota in prop_oneof![4 => Just(0_usize), 1 => Just(1)],
        cost in many(),
        shadow in prop::bool::weighted(0.2),
    ) -> Want {
        Want { bucket, quota, cost, shadow }
    }
}

fn acts() -> impl Strategy<Value = Act> {
    let several = prop::collection::vec(wants(), 1..4).prop_map(|mut wants| {
        // No two may name one bucket.
        wants.sort_by_key(|want| want.bucket);
        wants.dedup_by_key(|want| want.bucket);
        Act::Acquire(wants)
    });
    prop_oneof![
        4 => wants().prop_map(|want| Act::Acquire(vec![want])),
        3 => several,
        3 => (wants(), any::<bool>(), any::<bool>())
            .prop_map(|(want, gives, twice)| Act::Adjust(want, gives, twice)),
        3 => (wants(), many()).prop_map(|(want, least)| Act::Lease(want, least)),
        1 => (0_usize..3).prop_map(Act::Reset),
    ]
}

fn pauses() -> impl Strategy<Value = Pause> {
    prop_oneof![
        2 => Just(Pause::None),
        2 => (0_u32..3_000_000).prop_map(Pause::Micros),
        2 => (0_u8..3).prop_map(Pause::Tokens),
        4 => (0_u8..2).prop_map(Pause::Wait),
        1 => (0..YEAR).prop_map(Pause::Back),
    ]
}

/// The store and the naive buckets, side by side.
struct Pair<'a> {
    server: &'a Server,
    store: RedisStore<Frozen<MultiplexedConnection>>,
    clock: Frozen<MultiplexedConnection>,
    quotas: [Quota; 2],
    naive: [Naive; 3],
    /// What the last denial said, in microseconds.
    wait: u64,
}

const KEYS: [&str; 3] = ["a", "b", "c"];

impl Pair<'_> {
    fn now(&self) -> u64 {
        self.clock.now()
    }

    fn client(
        &self,
        bucket: usize,
        quota: usize,
    ) -> Client<'_, RedisStore<Frozen<MultiplexedConnection>>> {
        Client::new(&self.store, KEYS[bucket], self.quotas[quota])
    }

    fn pass(&self, pause: Pause) {
        let emission = self.quotas[0].time_of(1).duration().as_micros() as u64;
        let now = match pause {
            Pause::None => self.now(),
            Pause::Micros(micros) => self.now() + u64::from(micros),
            Pause::Tokens(many) => self.now().saturating_add(emission.saturating_mul(many.into())),
            Pause::Wait(less) => self.now() + self.wait.saturating_sub(less.into()),
            Pause::Back(micros) => self.now() - micros,
        };
        self.clock.turn_to(now.clamp(START, END));
    }

    async fn run(&mut self, act: &Act) {
        match act {
            Act::Acquire(wants) => self.acquire(wants).await,
            Act::Adjust(want, gives, twice) => self.adjust(*want, *gives, *twice).await,
            Act::Lease(want, least) => self.lease(*want, *least).await,
            Act::Reset(bucket) => {
                self.client(*bucket, 0).reset().await;
                self.naive[*bucket] = Naive::default();
            }
        }
    }

    async fn acquire(&mut self, wants: &[Want]) {
        let now = self.now();
        let mut found = Vec::new();
        for want in wants {
            let quota = self.quotas[want.quota];
            let cost = want.cost.of(&quota);
            let debt = self.naive[want.bucket].debt(&quota, now);
            let after = debt + Naive::time_of(&quota, cost.into());
            found.push((quota, cost, debt, after, cost == 0 || after <= Naive::capacity(&quota)));
        }
        let granted = wants.iter().zip(&found).all(|(want, found)| want.shadow || found.4);
        let mut expected = Vec::new();
        for (want, (quota, cost, debt, after, fits)) in wants.iter().zip(found) {
            let takes = granted && fits && cost > 0;
            if takes {
                self.naive[want.bucket].keep(&quota, now, after);
            }
            if !fits {
                let wait = quota.wait(span(&quota, debt), cost).unwrap_or_default();
                self.wait = wait.as_nanos().div_ceil(1_000) as u64;
            }
            expected.push(Level::new(span(&quota, if takes { after } else { debt }), fits));
        }
        let demands: Vec<_> = wants
            .iter()
            .map(|want| {
                let client = self.client(want.bucket, want.quota);
                client.demand(want.cost.of(&client.quota)).shadow(want.shadow)
            })
            .collect();
        let acquired = acquire(&self.store, &demands).await;
        assert_eq!(levels(&acquired), expected);
        assert_eq!(matches!(acquired, Acquired::Granted(_)), granted);
    }

    async fn adjust(&mut self, want: Want, gives: bool, twice: bool) {
        let quota = self.quotas[want.quota];
        let tokens = i64::from(want.cost.of(&quota)) * if gives { -1 } else { 1 };
        let debt = self.naive[want.bucket].adjust(&quota, self.now(), tokens);
        let id = AdjustId::random();
        for _ in 0..=u8::from(twice) {
            let client = self.client(want.bucket, want.quota);
            assert_eq!(client.try_adjust(tokens, id).await, Ok(span(&quota, debt)));
        }
    }

    async fn lease(&mut self, want: Want, least: Many) {
        let quota = self.quotas[want.quota];
        let (want, least, bucket, at) =
            (want.cost.of(&quota), least.of(&quota), want.bucket, want.quota);
        let (tokens, debt) = self.naive[bucket].lease(&quota, self.now(), want, least);
        let leased = self.client(bucket, at).try_lease(want, least).await.unwrap();
        assert_eq!((leased.tokens, leased.debt), (tokens, span(&quota, debt)));
    }

    async fn check_records(&self) {
        let mut kept = Vec::new();
        for key in buckets::bucket_keys(self.server).await {
            let bytes: Vec<u8> = get(self.server, &key).await;
            kept.push(Record::parse(&bytes));
        }
        let naive = self.naive.iter().filter(|naive| naive.full > 0).map(|naive| {
            let rate = u128::from(naive.rate);
            let (full, part) = ((naive.full / rate) as u64, (naive.full % rate) as u32);
            Record { full, part, rate: naive.rate, written: naive.written as u64 }
        });
        let mut naive: Vec<_> = naive.collect();
        kept.sort_by_key(Record::bytes);
        naive.sort_by_key(Record::bytes);
        assert_eq!(kept, naive);
    }
}

#[test]
fn the_scripts_are_a_naive_bucket() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, connection) = runtime.block_on(async {
        let server = Server::start().await;
        let connection = server.connection().await;
        (server, connection)
    });
    let steps = prop::collection::vec((pauses(), acts()), 1..40);
    let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
    let run = |(quotas, steps): ([Quota; 2], Vec<(Pause, Act)>)| {
        runtime.block_on(async {
            server.ask::<()>(&cmd("FLUSHALL")).await;
            let clock = Frozen::at(connection.clone(), START + YEAR);
            let store = RedisStore::new(clock.clone());
            let naive = Default::default();
            let mut pair = Pair { server: &server, store, clock, quotas, naive, wait: 0 };
            for (pause, act) in steps {
                pair.pass(pause);
                pair.run(&act).await;
            }
            pair.check_records().await;
        });
        Ok(())
    };
    TestRunner::new(config).run(&([quotas(), quotas()], steps), run).unwrap();
}

#[tokio::test]
async fn the_largest_debts_are_exact_to_the_last_part() {
    let server = Server::start().await;
    let frozen = Frozen::at(server.connection().await, END);
    let store = RedisStore::new(frozen);
    let quota = Quota::new(u32::MAX, Duration::from_micros(140 * YEAR), u32::MAX).unwrap();
    let client = Client::new(&store, "k", quota);
    assert!(client.take(u32::MAX - 1).await);
    assert_eq!(client.level().await.debt, quota.time_of(u32::MAX - 1));
    assert_eq!(client.left().await, 1);
    let record = Record::parse(&get::<Vec<u8>>(&server, &only_key(&server).await).await);
    let parts = u128::from(record.full - END) * u128::from(u32::MAX) + u128::from(record.part);
    assert_eq!(parts, u128::from(140 * YEAR) * u128::from(u32::MAX - 1));
    assert!(client.take(1).await);
    assert!(!client.take(1).await);
    assert_eq!(client.adjust(-1).await, quota.time_of(u32::MAX - 1));
}
