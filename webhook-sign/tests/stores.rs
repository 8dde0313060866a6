//! The store in memory under the suite that any store must pass, and the suite under stores that must not pass.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/broken.rs"]
mod broken;

use std::sync::Arc;
use std::time::Duration;

use broken::{Broken, Fault};
use stonework_webhook_sign::store::{MemoryStore, ReplayStore};
use stonework_webhook_sign::testing::{LostReply, store_conformance};

async fn advance(by: Duration) {
    tokio::time::advance(by).await;
}

#[tokio::test(start_paused = true)]
async fn in_memory() {
    store_conformance(MemoryStore::new(), advance).await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_pointer() {
    let store: Arc<dyn ReplayStore> = Arc::new(MemoryStore::new());
    store_conformance(store, advance).await;
}

#[tokio::test(start_paused = true)]
async fn with_lost_replies() {
    store_conformance(LostReply::new(MemoryStore::new()), advance).await;
}

/// With no more room than the suite says that it needs.
#[tokio::test(start_paused = true)]
async fn in_little_room() {
    let store = MemoryStore::builder().max_events(100).build().unwrap();
    store_conformance(store, advance).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_in_real_time() {
    store_conformance(MemoryStore::new(), tokio::time::sleep).await;
}

#[tokio::test]
async fn the_suite_finds_each_fault() {
    for fault in Fault::ALL {
        let suite = tokio::task::spawn_blocking(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_time().start_paused(true).build().unwrap();
            runtime.block_on(store_conformance(Broken::new(fault), advance));
        });
        assert!(suite.await.is_err(), "{fault:?} was not found");
    }
}
