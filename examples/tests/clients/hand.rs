//! A clock that the test turns by hand, and a store that goes by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stonework_core::Clock;
use stonework_ratelimit::store::MemoryStore;

/// Stands still until it is turned. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hand(Arc<AtomicU64>);

impl Hand {
    pub(crate) fn turn(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_nanos()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn store(&self) -> MemoryStore {
        MemoryStore::builder().clock(Arc::new(self.clone())).build().unwrap()
    }
}

impl Clock for Hand {
    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }

    fn unix(&self) -> Duration {
        self.monotonic()
    }
}
