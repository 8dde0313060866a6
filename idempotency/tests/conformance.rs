//! The store in memory under the suite that any store must pass.
#![cfg(all(feature = "memory", feature = "testing"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stonework_core::Clock;
use stonework_idempotency::store::{IdempotencyStore, MemoryStore};
use stonework_idempotency::testing::{LostReply, store_conformance};

async fn advance(by: Duration) {
    tokio::time::advance(by).await;
}

#[tokio::test(start_paused = true)]
async fn in_memory() {
    store_conformance(MemoryStore::new(), advance).await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_pointer() {
    let store: Arc<dyn IdempotencyStore> = Arc::new(MemoryStore::new());
    store_conformance(store, advance).await;
}

#[tokio::test(start_paused = true)]
async fn with_lost_replies() {
    store_conformance(LostReply::new(MemoryStore::new()), advance).await;
}

/// With no more room than the suite says that it needs.
#[tokio::test(start_paused = true)]
async fn in_little_room() {
    let builder = MemoryStore::builder().max_keys(200).max_bytes(8 << 20).scope_share_percent(25);
    store_conformance(builder.build().unwrap(), advance).await;
}

#[derive(Debug, Default)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn unix(&self) -> Duration {
        unreachable!("a store does not need the date")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads() {
    let clock = Arc::new(HandClock::default());
    let store = MemoryStore::builder().clock(Arc::clone(&clock) as _).build().unwrap();
    let turn = async |by: Duration| {
        clock.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    };
    for _ in 0..20 {
        store_conformance(store.clone(), turn).await;
    }
}
