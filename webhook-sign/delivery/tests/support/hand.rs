//! A clock that stands still, unless it is turned.
#![allow(unreachable_pub)] // Each test target uses a part of this.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stonework_webhook_delivery::Clock;

/// Clones are one clock, in seconds.
#[derive(Clone, Debug, Default)]
pub struct Hand(Arc<AtomicU64>);

impl Hand {
    pub fn turn(&self, by: u64) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn unix(&self) -> Duration {
        self.monotonic()
    }
}
