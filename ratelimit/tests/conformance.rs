//! The stores under the suite that any store must pass.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/remote.rs"]
mod remote;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use remote::Remote;
use stonework_core::Clock;
#[cfg(feature = "memory")]
use stonework_core::TokioClock;
use stonework_ratelimit::store::{LeasedStore, RateLimitStore};
#[cfg(feature = "memory")]
use stonework_ratelimit::store::{MemoryStore, Overflow};
use stonework_ratelimit::testing::{
    LostReply, ReferenceStore, lease_conformance, races, store_conformance,
};

async fn advance(by: Duration) {
    tokio::time::advance(by).await;
}

#[cfg(feature = "memory")]
fn memory(keys: usize, overflow: Overflow) -> MemoryStore {
    let builder = MemoryStore::builder().max_keys(keys).overflow(overflow);
    builder.clock(Arc::new(TokioClock::new())).build().unwrap()
}

/// Also with no more room than the suite says that it needs.
#[cfg(feature = "memory")]
#[tokio::test(start_paused = true)]
async fn in_memory() {
    for keys in [500, 900_000] {
        for overflow in [Overflow::EvictNearestFull, Overflow::DenyNew] {
            store_conformance(memory(keys, overflow), advance).await;
            lease_conformance(memory(keys, overflow), advance).await;
        }
    }
}

#[cfg(feature = "memory")]
#[tokio::test(start_paused = true)]
async fn in_memory_behind_a_pointer() {
    let store: Arc<dyn RateLimitStore> = Arc::new(memory(900_000, Overflow::DenyNew));
    store_conformance(store, advance).await;
}

/// More than the suite's demands are in one shard, and in many.
#[cfg(feature = "memory")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory_on_many_threads() {
    let clock = Arc::new(HandClock::default());
    let turn = async |by: Duration| {
        clock.0.fetch_add(u64::try_from(by.as_nanos()).unwrap(), Ordering::SeqCst);
    };
    for keys in [1_000, 900_000] {
        for _ in 0..5 {
            // A store of its own for each run: the buckets of one stay in debt for longer than it
            // lasts, and those of all five have no room among a thousand.
            let builder = MemoryStore::builder().max_keys(keys).clock(Arc::clone(&clock) as _);
            let store = builder.build().unwrap();
            store_conformance(store.clone(), turn).await;
            lease_conformance(store.clone(), turn).await;
            races::several_buckets_are_one_step(&(Arc::new(store.clone()) as _)).await;
            assert_eq!(store.stats().evicted, 0, "the suite has the room that it asks for");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_reference() {
    store_conformance(ReferenceStore::new(), advance).await;
    lease_conformance(ReferenceStore::new(), advance).await;
}

#[tokio::test(start_paused = true)]
async fn the_reference_behind_a_pointer() {
    let store: Arc<dyn RateLimitStore> = Arc::new(ReferenceStore::new());
    store_conformance(store, advance).await;
    lease_conformance(Arc::new(ReferenceStore::new()), advance).await;
}

#[tokio::test(start_paused = true)]
async fn the_reference_with_lost_replies() {
    let store = LostReply::of_corrections(Arc::new(ReferenceStore::new()));
    store_conformance(store, advance).await;
}

#[derive(Debug, Default)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }

    fn unix(&self) -> Duration {
        unreachable!("a store does not need the date")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_reference_on_many_threads() {
    let clock = Arc::new(HandClock::default());
    let store = ReferenceStore::with_clock(Arc::clone(&clock) as _);
    let turn = async |by: Duration| {
        // More than was asked, as a real clock would.
        let by = u64::try_from(by.as_nanos()).unwrap() + 1_234_567;
        clock.0.fetch_add(by, Ordering::SeqCst);
    };
    for _ in 0..5 {
        store_conformance(store.clone(), turn).await;
        lease_conformance(store.clone(), turn).await;
    }
}

/// One node is as exact as its store.
#[tokio::test(start_paused = true)]
async fn leases_of_one_node() {
    for way in [Duration::ZERO, Duration::from_millis(2)] {
        let remote = Remote::new(way);
        let builder = LeasedStore::builder(remote.clone()).nodes(1);
        let store = builder.clock(Arc::clone(&remote.clock) as _).build().unwrap();
        store_conformance(store, advance).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn leases_of_one_node_on_many_threads() {
    let clock = Arc::new(HandClock::default());
    let inner = ReferenceStore::with_clock(Arc::clone(&clock) as _);
    let builder = LeasedStore::builder(inner).nodes(1);
    let store = builder.clock(Arc::clone(&clock) as _).build().unwrap();
    let turn = async |by: Duration| {
        clock.0.fetch_add(u64::try_from(by.as_nanos()).unwrap(), Ordering::SeqCst);
    };
    for _ in 0..5 {
        store_conformance(store.clone(), turn).await;
    }
}
