use std::sync::Arc;

use stonework_core::{Clock, ConfigError, ConfigErrors};

use super::MemoryStore;
use super::engine::Engine;
use super::shard::Overflow;
use super::time::Time;

/// Sets the limits of a [`MemoryStore`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryStoreBuilder {
    max_keys: usize,
    overflow: Overflow,
    clock: Option<Arc<dyn Clock>>,
}

impl MemoryStoreBuilder {
    pub(super) const fn new() -> Self {
        // As many as 128 tables of 8192 places hold.
        Self { max_keys: 900_000, overflow: Overflow::EvictNearestFull, clock: None }
    }

    /// How many buckets may be held. 900,000 by default: 27 MB when they are all there, and 53 MB
    /// after evictions, which leave holes in the tables.
    ///
    /// They are spread over shards by their hashes, and a shard has an equal part of the room, so
    /// that the first is full when a few in a hundred places are still free in others.
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// What to do when they are. [`Overflow::EvictNearestFull`] by default.
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// The clock. By default the processor's counter, which does not stand still under
    /// `tokio::time::pause`: a test that turns time gives a
    /// [`TokioClock`](stonework_core::TokioClock).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The store.
    ///
    /// # Errors
    ///
    /// When there is room for no bucket at all.
    pub fn build(self) -> Result<MemoryStore, ConfigErrors<ConfigError>> {
        let no_key = (self.max_keys == 0).then(|| {
            ConfigError::new("max_keys", self.max_keys, "holds no bucket; allow at least 1")
        });
        ConfigErrors::check(no_key.into_iter().collect(), Ok(()))?;
        Ok(self.build_unchecked())
    }

    pub(super) fn build_unchecked(self) -> MemoryStore {
        let time = self.clock.map_or_else(Time::counter, Time::Given);
        let engine = Engine::new(self.max_keys, self.overflow, time);
        MemoryStore { engine: Arc::new(engine), overflow: self.overflow }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_room_is_an_error() {
        let errors = MemoryStore::builder().max_keys(0).build().unwrap_err();
        assert_eq!(errors.as_slice()[0].setting, "max_keys");
        assert!(MemoryStore::builder().max_keys(1).build().is_ok());
    }
}
