//! The outbox in memory under the suite that any outbox must pass, and the suite under outboxes that must not pass.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/broken.rs"]
mod broken;

use std::sync::Arc;
use std::time::Duration;

use broken::{Broken, Fault};
use stonework_webhook_delivery::store::{MemoryOutbox, Outbox};
use stonework_webhook_delivery::testing::{LostReply, outbox_conformance};

async fn advance(by: Duration) {
    tokio::time::advance(by).await;
}

#[tokio::test(start_paused = true)]
async fn in_memory() {
    outbox_conformance(MemoryOutbox::new(), advance).await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_pointer() {
    let outbox: Arc<dyn Outbox> = Arc::new(MemoryOutbox::new());
    outbox_conformance(outbox, advance).await;
}

#[tokio::test(start_paused = true)]
async fn with_lost_replies() {
    outbox_conformance(LostReply::new(MemoryOutbox::new()), advance).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_in_real_time() {
    outbox_conformance(MemoryOutbox::new(), tokio::time::sleep).await;
}

#[tokio::test]
async fn the_suite_finds_each_fault() {
    for fault in Fault::ALL {
        let suite = tokio::task::spawn_blocking(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_time().start_paused(true).build().unwrap();
            runtime.block_on(outbox_conformance(Broken::new(fault), advance));
        });
        assert!(suite.await.is_err(), "{fault:?} was not found");
    }
}
