//! The store in memory under a model checker, which runs threads in the orders that it chooses.
//!
//! `./test.sh model` builds the crate with the checker's locks (`--cfg shuttle`); without that there
//! is nothing here. A deadlock is a failure of its own: the checker finds that nobody can go on.
#![cfg(shuttle)]
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::sync::Arc;
use std::time::Duration;

use shuttle::{check_pct, check_random, thread};
use stonework_core::Clock;
use stonework_ratelimit::Quota;
use stonework_ratelimit::store::{
    Acquire, Acquired, Adjust, AdjustId, Bucket, Demand, Lease, LeaseStore, MemoryStore, Overflow,
    RateLimitStore, Reset,
};

const RUNS: usize = 5_000;

/// How many changes of mind of the scheduler a bug may need.
const DEPTH: usize = 4;

/// In random orders, and in those in which few threads are held up for long.
fn check(run: impl Fn() + Send + Sync + Copy + 'static) {
    check_random(run, RUNS);
    check_pct(run, RUNS, DEPTH);
}

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn monotonic(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn unix(&self) -> Duration {
        unreachable!("a store does not need the date")
    }
}

/// With shards, so that several demands take several locks.
fn store() -> MemoryStore {
    MemoryStore::builder().max_keys(100_000).clock(Arc::new(Still)).build().unwrap()
}

fn quota(burst: u32) -> Quota {
    Quota::new(1, Duration::from_secs(3600), burst).unwrap()
}

fn bucket(key: &[u8]) -> Bucket<'_> {
    Bucket::new("model", key)
}

/// Is it granted? Memory answers at once.
fn take(store: &MemoryStore, keys: &[&[u8]], burst: u32) -> bool {
    let demands: Vec<_> =
        keys.iter().map(|key| Demand::new(bucket(key), quota(burst), 1)).collect();
    let answer = store.acquire(Acquire::new(&demands)).try_ready().unwrap();
    matches!(answer.unwrap(), Acquired::Granted(_))
}

fn adjust(store: &MemoryStore, key: &[u8], tokens: i64, id: u8) {
    let adjust = Adjust::new(bucket(key), quota(9), tokens, AdjustId::from_bytes([id; 16]));
    store.adjust(adjust).try_ready().unwrap().unwrap();
}

/// Tokens that are left, found by taking them.
fn left(store: &MemoryStore, key: &[u8], burst: u32) -> u32 {
    (0..).take_while(|_| take(store, &[key], burst)).count() as u32
}

/// Runs these at once, and adds up what they tell.
fn at_once(jobs: Vec<Box<dyn FnOnce() -> u32 + Send>>) -> u32 {
    let threads: Vec<_> = jobs.into_iter().map(thread::spawn).collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).sum()
}

fn job(
    store: &MemoryStore,
    run: impl FnOnce(&MemoryStore) -> u32 + Send + 'static,
) -> Box<dyn FnOnce() -> u32 + Send> {
    let store = store.clone();
    Box::new(move || run(&store))
}

#[test]
fn of_those_who_race_for_a_bucket_the_burst_is_granted() {
    check(|| {
        let store = store();
        let two = |store: &MemoryStore| (0..2).map(|_| u32::from(take(store, &[b"k"], 3))).sum();
        let granted = at_once((0..3).map(|_| job(&store, two)).collect());
        assert_eq!((granted, left(&store, b"k", 3)), (3, 0));
    });
}

#[test]
fn opposite_orders_neither_block_nor_overcharge() {
    check(|| {
        let store = store();
        let granted = at_once(vec![
            job(&store, |store| u32::from(take(store, &[b"a", b"b", b"c"], 2))),
            job(&store, |store| u32::from(take(store, &[b"c", b"a"], 2))),
            job(&store, |store| u32::from(take(store, &[b"b", b"a"], 2))),
        ]);
        assert_eq!(granted, 2, "all want one of the two in a");
        let taken = 6 - left(&store, b"a", 2) - left(&store, b"b", 2) - left(&store, b"c", 2);
        assert!((4..=5).contains(&taken), "{taken} are gone: a grant takes from all or from none");
    });
}

#[test]
fn a_correction_that_is_sent_twice_at_once_counts_once() {
    check(|| {
        let store = store();
        assert!(take(&store, &[b"k"], 9) && take(&store, &[b"k"], 9) && take(&store, &[b"k"], 9));
        let back = |store: &MemoryStore| {
            adjust(store, b"k", -2, 7);
            0
        };
        at_once(vec![
            job(&store, back),
            job(&store, back),
            job(&store, |store| u32::from(take(store, &[b"k"], 9))),
        ]);
        assert_eq!(left(&store, b"k", 9), 9 - 3 + 2 - 1);
    });
}

#[test]
fn leases_and_acquires_share_what_there_is() {
    check(|| {
        let store = store();
        let lease = |store: &MemoryStore| {
            let leased = store.lease(Lease::new(bucket(b"k"), quota(5), 3, 1));
            leased.try_ready().unwrap().unwrap().tokens
        };
        let granted = at_once(vec![
            job(&store, lease),
            job(&store, lease),
            job(&store, |store| u32::from(take(store, &[b"k"], 5))),
        ]);
        assert_eq!(granted + left(&store, b"k", 5), 5);
    });
}

#[test]
fn a_full_store_never_holds_more_and_denies_nobody_that_is_there() {
    check(|| {
        let builder = MemoryStore::builder().max_keys(2).overflow(Overflow::DenyNew);
        let store = builder.clock(Arc::new(Still)).build().unwrap();
        assert!(take(&store, &[b"old"], 9));
        let new = |key: &'static [u8]| move |store: &MemoryStore| u32::from(take(store, &[key], 9));
        let granted = at_once(vec![
            job(&store, new(b"x")),
            job(&store, new(b"y")),
            job(&store, |store| {
                assert!(take(store, &[b"old"], 9));
                0
            }),
        ]);
        assert_eq!(granted, 1, "there is room for one more");
        assert_eq!((store.stats().keys, store.stats().refused), (2, 1));
    });
}

#[test]
fn a_reset_between_two_acquires_loses_neither() {
    check(|| {
        let store = store();
        let one = |store: &MemoryStore| u32::from(take(store, &[b"k"], 1));
        let granted = at_once(vec![
            job(&store, one),
            job(&store, one),
            job(&store, |store| {
                store.reset(Reset::new(bucket(b"k"))).try_ready().unwrap().unwrap();
                0
            }),
        ]);
        let after = left(&store, b"k", 1);
        assert!((1..=2).contains(&granted) && after <= 1, "{granted} and then {after}");
    });
}
