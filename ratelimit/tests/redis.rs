//! The store over Redis: what it does in one step, how often it asks, and what it leaves behind.

// A helper of a test may panic as the test may.
#![allow(clippy::unwrap_used)]

#[path = "support/buckets.rs"]
#[allow(dead_code)]
mod buckets;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;

use std::time::Duration;

use buckets::{
    Client, Frozen, HOUR, PREFIX, Record, acquire, bucket_keys, changes, fits, get, hourly, hours,
    levels, only_key, record,
};
use redis::cmd;
use redis_server::{Counting, Server, Twice};
use stonework_core::StoreErrorKind;
use stonework_ratelimit::store::redis1::RedisStore;
use stonework_ratelimit::store::{Acquired, AdjustId, Bucket, Demand};
use stonework_ratelimit::{Quota, Span};

const SECOND: Duration = Duration::from_secs(1);
const DAY: u64 = 24 * 3_600 * 1_000_000;

#[tokio::test]
async fn every_operation_is_one_round_trip() {
    let server = Server::start().await;
    let connection = Counting::new(server.connection().await);
    let store = RedisStore::new(connection.clone());
    let clients = ["a", "b", "c"].map(|key| Client::new(&store, key, hourly(9)));
    let three = [0, 1, 2].map(|n| clients[n].demand(1));
    let all = async || {
        let mut trips = Vec::new();
        assert!(clients[0].take(1).await);
        trips.push(connection.take());
        assert!(matches!(acquire(&store, &three).await, Acquired::Granted(_)));
        trips.push(connection.take());
        clients[0].adjust(-1).await;
        trips.push(connection.take());
        assert_eq!(clients[0].lease(5, 1).await, 5);
        trips.push(connection.take());
        clients[0].reset().await;
        trips.push(connection.take());
        trips
    };
    assert_eq!(all().await, [2, 2, 2, 2, 1], "scripts that the server does not know");
    assert_eq!(all().await, [1; 5]);
    server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
    assert_eq!(all().await, [2, 2, 2, 2, 1], "scripts that it was told to forget");
    assert_eq!(clients[1].left().await, 6, "and each was run once");
    connection.take();
    assert!(matches!(acquire(&store, &[]).await, Acquired::Granted(levels) if levels.is_empty()));
    assert_eq!(connection.take(), 0, "nothing is asked for nothing");
}

#[tokio::test]
async fn all_demands_are_charged_or_none() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let clients =
        [("a", 9), ("b", 2), ("c", 9)].map(|(key, burst)| Client::new(&store, key, hourly(burst)));
    let demands = [0, 1, 2].map(|n| clients[n].demand(1));
    for taken in [1, 2] {
        let acquired = acquire(&store, &demands).await;
        assert!(matches!(acquired, Acquired::Granted(_)));
        assert_eq!(fits(&acquired), [true; 3]);
        for level in levels(&acquired) {
            let debt = level.debt.duration();
            assert!(debt <= HOUR * taken && debt > HOUR * (taken - 1));
        }
    }
    let before = changes(&server).await;
    let acquired = acquire(&store, &demands).await;
    assert!(matches!(acquired, Acquired::Denied(_)));
    assert_eq!(fits(&acquired), [true, false, true]);
    assert_eq!(changes(&server).await, before);
    for (client, left) in clients.iter().zip([7, 0, 7]) {
        assert_eq!(client.left().await, left);
    }
}

#[tokio::test]
async fn a_denial_writes_nothing() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let client = Client::new(&store, "k", hourly(2));
    assert!(client.take(2).await);
    let (key, before) = (only_key(&server).await, changes(&server).await);
    let bytes: Vec<u8> = get(&server, &key).await;
    assert!(!client.take(1).await);
    assert_eq!(client.lease(5, 1).await, 0);
    assert_eq!(client.lease(0, 0).await, 0);
    assert_eq!(get::<Vec<u8>>(&server, &key).await, bytes);
    assert_eq!(changes(&server).await, before);
}

#[tokio::test]
async fn asking_for_nothing_writes_nothing_and_too_much_never_fits() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let client = Client::new(&store, "k", hourly(5));
    assert_eq!(client.level().await.debt, Span::ZERO);
    assert!(!client.take(6).await);
    assert!(!client.take(u32::MAX).await);
    assert_eq!(changes(&server).await, 0);
    assert!(client.take(5).await);
    client.adjust(3).await;
    let level = client.level().await;
    assert!(level.fits && level.debt > hours(7), "even of a bucket that owes");
}

#[tokio::test]
async fn a_shadow_has_no_say_and_pays_if_it_can() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let counts = Client::new(&store, "counts", hourly(2));
    let watches = Client::new(&store, "watches", hourly(1));
    let demands = [watches.demand(1).shadow(true), counts.demand(1)];
    for (granted, fitting, left) in [
        (true, [true, true], [0, 1]),
        (true, [false, true], [0, 0]),
        (false, [false, false], [0, 0]),
    ] {
        let acquired = acquire(&store, &demands).await;
        assert_eq!(matches!(acquired, Acquired::Granted(_)), granted);
        assert_eq!(fits(&acquired), fitting);
        assert_eq!([watches.left().await, counts.left().await], left);
    }
    watches.reset().await;
    let acquired = acquire(&store, &demands).await;
    assert!(matches!(acquired, Acquired::Denied(_)));
    assert_eq!(fits(&acquired), [true, false]);
    assert_eq!(watches.left().await, 1, "it does not pay for what is denied");
    let alone = acquire(&store, &[counts.demand(1).shadow(true)]).await;
    assert!(matches!(alone, Acquired::Granted(_)));
    assert_eq!(fits(&alone), [false]);
}

#[tokio::test]
async fn every_key_expires_once_its_bucket_is_full_and_not_before() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let expires = async |key: &str| -> u64 { server.ask(cmd("PEXPIRETIME").arg(key)).await };
    for (rate, per, burst) in
        [(3, SECOND * 100, 7), (1, HOUR, 7), (u32::MAX, HOUR * 9_000, u32::MAX)]
    {
        let client = Client::new(&store, "k", Quota::new(rate, per, burst).unwrap());
        for write in 0..4 {
            match write {
                0 => assert!(client.take(burst / 7).await),
                1 => drop(client.adjust(i64::from(burst / 2)).await),
                2 => drop(client.adjust(-i64::from(burst / 3)).await),
                _ => assert!(client.lease(burst, 0).await > 0),
            }
            let key = only_key(&server).await;
            let full = record(&server).await.full;
            assert_eq!(expires(&key).await, full / 1_000 + 1, "in milliseconds");
        }
        client.reset().await;
    }
    let keys: Vec<String> = server.ask(cmd("KEYS").arg("*")).await;
    assert_eq!(keys.len(), 6, "the corrections are remembered");
    for key in keys {
        let left: u64 = server.ask(cmd("PTTL").arg(&key)).await;
        assert!(key.contains("}:a:") && left > 500_000 && left <= 600_000, "{key}: {left}");
    }
}

#[tokio::test]
async fn a_bucket_that_becomes_full_is_not_kept() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let client = Client::new(&store, "k", hourly(5));
    client.take(3).await;
    assert!(client.adjust(-2).await > Span::ZERO);
    assert_eq!(bucket_keys(&server).await.len(), 1);
    assert_eq!(client.adjust(-1).await, Span::ZERO);
    assert_eq!(client.adjust(i64::MIN).await, Span::ZERO, "no more than full");
    assert_eq!(bucket_keys(&server).await, [""; 0]);
    client.take(3).await;
    client.reset().await;
    client.reset().await;
    assert_eq!(bucket_keys(&server).await, [""; 0]);
    assert_eq!(client.left().await, 5);
}

#[tokio::test]
async fn three_a_second_are_three_a_second() {
    let server = Server::start().await;
    let start = 4_000_000_000_000_000;
    let clock = Frozen::at(server.connection().await, start);
    let store = RedisStore::new(clock.clone());
    let client = Client::new(&store, "k", Quota::new(3, SECOND, 3).unwrap());
    assert!(client.take(3).await);
    let mut granted = 0;
    for step in 0..=9_000 {
        clock.turn_to(start + step * 333);
        granted += u32::from(client.take(1).await);
    }
    // 2.997 seconds.
    assert_eq!(granted, 8);
    clock.turn_to(start + 2_999_999);
    assert!(!client.take(1).await);
    clock.turn_to(start + 3_000_000);
    assert!(client.take(1).await, "not a microsecond late");
    assert_eq!(client.level().await.debt, Span::new(1_000_000_000, 0, 3), "no part was lost");
}

#[tokio::test]
async fn another_quota_applies_at_once() {
    let server = Server::start().await;
    let clock = Frozen::at(server.connection().await, 4_000_000_000_000_000);
    let store = RedisStore::new(clock);
    let of = |rate, per, burst| Client::new(&store, "k", Quota::new(rate, per, burst).unwrap());
    let three = of(3, SECOND, 3);
    assert!(three.take(1).await);
    assert_eq!(three.level().await.debt, Span::new(333_333_333, 1, 3));
    let four = of(4, SECOND, 8);
    let rounded = Span::new(333_334_000, 0, 4);
    assert_eq!(four.level().await.debt, rounded, "the time stays, the part is rounded up");
    assert_eq!(record(&server).await.rate, 3, "and looking changes nothing");
    assert_eq!(four.left().await, 6);
    assert!(four.take(6).await);
    assert!(!three.take(1).await, "1.8 s are more than a second's worth");
    assert_eq!(three.left().await, 0);
    assert_eq!(three.adjust(1).await, three.quota.time_of(6), "twice the burst at most");
}

#[tokio::test]
async fn a_charge_forgives_nothing_of_what_a_larger_quota_left() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let large = Client::new(&store, "k", hourly(50));
    let small = Client::new(&store, "k", hourly(5));
    assert!(small.take(5).await);
    small.adjust(i64::MAX).await;
    assert_eq!(large.left().await, 40, "twice the burst, and no more");
    assert!(large.take(40).await);
    assert!(small.adjust(1).await > hours(49));
    assert!(small.level().await.debt > hours(49));
    assert!(large.adjust(-50).await < hours(1));
}

#[tokio::test]
async fn tokens_are_leased_as_far_as_they_go() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let client = Client::new(&store, "k", hourly(100));
    assert_eq!(client.lease(0, 0).await, 0);
    assert_eq!(client.lease(10, 1).await, 10);
    assert_eq!(client.lease(64, 64).await, 64);
    assert_eq!(client.lease(100, 27).await, 0, "too few");
    assert_eq!(client.left().await, 26);
    assert_eq!(client.lease(u32::MAX, 26).await, 26, "all that is left");
    assert_eq!(client.lease(1, 0).await, 0);
    assert_eq!(client.lease(1, 1).await, 0);
}

#[tokio::test]
async fn what_is_sent_twice_never_admits_more() {
    let server = Server::start().await;
    let store = RedisStore::new(Twice(server.connection().await));
    let client = Client::new(&store, "k", hourly(5));
    assert!(client.take(1).await, "taken twice");
    assert!(client.take(1).await);
    assert!(!client.take(1).await, "the first was granted, and its reply lost");
    let once = RedisStore::new(server.connection().await);
    let other = Client::new(&once, "k", hourly(5));
    assert_eq!(other.left().await, 0);
    client.adjust(-2).await;
    assert_eq!(other.left().await, 2, "given back once");
    client.adjust(1).await;
    assert_eq!(other.left().await, 1, "charged once");
    other.reset().await;
    assert_eq!(client.lease(2, 1).await, 2);
    assert_eq!(other.left().await, 1);
    client.reset().await;
    assert_eq!(other.left().await, 5);
}

#[tokio::test]
async fn a_correction_counts_once_even_where_it_changed_nothing() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let client = Client::new(&store, "k", hourly(5));
    let other = Client::new(&store, "other", hourly(5));
    let id = AdjustId::from_bytes([7; 16]);
    assert_eq!(client.try_adjust(-1, id).await, Ok(Span::ZERO));
    client.take(2).await;
    assert!(client.try_adjust(-1, id).await.unwrap() > hours(1));
    assert_eq!(client.left().await, 3);
    other.take(2).await;
    assert!(other.try_adjust(-1, id).await.unwrap() <= hours(1), "an id is the bucket's own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_of_two_processes_share_one_limit() {
    let server = Server::start().await;
    let stores =
        [RedisStore::new(server.connection().await), RedisStore::new(server.connection().await)];
    let requests: Vec<_> = (0..50)
        .map(|n| {
            let store = stores[n % 2].clone();
            tokio::spawn(async move { Client::new(&store, "k", hourly(5)).take(1).await })
        })
        .collect();
    let mut granted = 0;
    for request in requests {
        granted += u32::from(request.await.unwrap());
    }
    assert_eq!(granted, 5);
}

#[tokio::test]
async fn a_clock_that_goes_back_adds_no_debt_and_denies_no_longer() {
    let server = Server::start().await;
    let start = 4_000_000_000_000_000;
    let clock = Frozen::at(server.connection().await, start);
    let store = RedisStore::new(clock.clone());
    let client = Client::new(&store, "k", Quota::new(1, SECOND, 5).unwrap());
    assert!(client.take(5).await);
    clock.turn_to(start - DAY);
    assert!(!client.take(1).await);
    assert_eq!(client.level().await.debt, client.quota.capacity());
    clock.turn_to(start - DAY + 1_000_000);
    assert!(client.take(1).await, "a second later, and not a day");

    let other = Client::new(&store, "other", client.quota);
    clock.turn_to(start);
    let demands = [client.demand(1), other.demand(5)];
    assert!(matches!(acquire(&store, &demands).await, Acquired::Granted(_)));
    clock.turn_to(start - DAY);
    let acquired = acquire(&store, &demands).await;
    assert_eq!(fits(&acquired), [true, false]);
    clock.turn_to(start - DAY + 5_000_000);
    assert!(other.take(5).await);
    assert_eq!(client.left().await, 5);
}

#[tokio::test]
async fn a_time_far_ahead_is_a_debt_of_what_was_written() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let client = Client::new(&store, "k", hourly(5));
    client.take(2).await;
    let key = only_key(&server).await;
    let ahead = |record: Record| Record { full: record.full + DAY, ..record };
    let ahead = ahead(record(&server).await);
    server.ask::<()>(cmd("SET").arg(&key).arg(ahead.bytes())).await;
    assert_eq!(client.level().await.debt, hours(2));
    assert_eq!(client.left().await, 3);
    assert!(record(&server).await.full < ahead.full, "it was put right");
    let left: i64 = server.ask(cmd("PTTL").arg(&key)).await;
    assert!(left > 0, "and expires again");
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_left_alone() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let client = Client::new(&store, "k", hourly(5));
    let other = Client::new(&store, "other", hourly(5));
    client.take(1).await;
    let key = only_key(&server).await;
    let good = record(&server).await.bytes();
    let newer = [&[2], &good[1..]].concat();
    for garbage in [&b""[..], b"1", &good[..22], &[&good[..], b"x"].concat(), &newer] {
        server.ask::<()>(cmd("SET").arg(&key).arg(garbage)).await;
        incompatible(&client, &other).await;
        assert_eq!(get::<Vec<u8>>(&server, &key).await, garbage);
    }
    server.ask::<()>(cmd("DEL").arg(&key)).await;
    server.ask::<()>(cmd("LPUSH").arg(&key).arg("x")).await;
    incompatible(&client, &other).await;
    assert_eq!(other.left().await, 5, "nothing was charged beside it");
    client.reset().await;
    assert_eq!(client.left().await, 5, "a reset mends it");

    let nonsense = Record { full: u64::MAX >> 8, part: u32::MAX, rate: 1, written: u64::MAX >> 8 };
    server.ask::<()>(cmd("SET").arg(&key).arg(nonsense.bytes())).await;
    assert!(!client.take(1).await, "no panic");
}

async fn incompatible<C>(client: &Client<'_, RedisStore<C>>, other: &Client<'_, RedisStore<C>>)
where
    C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
{
    let expected = StoreErrorKind::Incompatible;
    assert_eq!(client.try_take(1).await.unwrap_err(), expected);
    assert_eq!(client.try_lease(1, 1).await.unwrap_err(), expected);
    let id = AdjustId::random();
    assert_eq!(client.try_adjust(1, id).await.unwrap_err(), expected);
    let demands = [other.demand(1), client.demand(1)];
    let acquire = stonework_ratelimit::store::Acquire::new(&demands);
    let store = client.store;
    let refused = stonework_ratelimit::store::RateLimitStore::acquire(store, acquire).await;
    assert_eq!(refused.unwrap_err().kind(), expected);
}

#[tokio::test]
async fn policies_keys_and_prefixes_do_not_meet() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let elsewhere = store.clone().key_prefix("elsewhere:");
    let buckets = [("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", "")];
    for store in [&store, &elsewhere] {
        for (policy, key) in buckets {
            let demand = Demand::new(Bucket::new(policy, key.as_bytes()), hourly(1), 1);
            assert!(matches!(acquire(store, &[demand]).await, Acquired::Granted(_)));
        }
    }
    let keys = bucket_keys(&server).await;
    assert_eq!(keys.len(), 8);
    for key in keys {
        let hash = key.strip_prefix(PREFIX).or(key.strip_prefix("elsewhere:")).unwrap();
        assert_eq!(hash.len(), 34, "{key}");
    }
}

#[tokio::test]
async fn no_key_of_a_client_is_shown() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    Client::new(&store, "secret", hourly(1)).take(1).await;
    assert!(!only_key(&server).await.contains("secret"));
    let shown = format!("{store:?}");
    assert!(shown.contains(PREFIX) && !shown.contains("127.0.0.1"), "{shown}");
}
