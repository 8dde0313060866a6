use std::sync::Arc;

use stonework_core::{Clock, ConfigError, ConfigErrors, TokioClock};

use super::MemoryStore;
use super::ledger::{Limit, Limits, RESERVED};

/// Sets the limits of a [`MemoryStore`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryStoreBuilder {
    max_keys: usize,
    max_bytes: usize,
    scope_share_percent: u8,
    clock: Option<Arc<dyn Clock>>,
}

impl MemoryStoreBuilder {
    pub(super) const fn new() -> Self {
        Self {
            max_keys: 100_000,
            max_bytes: 64 * 1024 * 1024,
            scope_share_percent: 10,
            clock: None,
        }
    }

    /// How many records may be held, pending and completed together. 100,000 by default.
    ///
    /// A record stays for its whole retention, so this is the number of new keys that can be
    /// served within one retention.
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// How many bytes may be held. 64 MiB by default.
    ///
    /// A record counts 640 bytes, and those of its checkpoint, its head and its body.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How much of both one scope may hold, in percent, 1 to 100. 10 by default.
    ///
    /// A share is never less than one record. It does not apply to keys without a scope.
    pub const fn scope_share_percent(mut self, percent: u8) -> Self {
        self.scope_share_percent = percent;
        self
    }

    /// The clock that measures leases and retentions. [`TokioClock`] by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The store.
    ///
    /// # Errors
    ///
    /// All that is wrong with the settings: no key, not even one record's bytes, a share outside
    /// 1 to 100.
    pub fn build(self) -> Result<MemoryStore, ConfigErrors<ConfigError>> {
        ConfigErrors::check(self.errors(), Ok(()))?;
        Ok(self.build_unchecked())
    }

    pub(super) fn build_unchecked(self) -> MemoryStore {
        let limits = self.limits();
        let clock = self.clock.unwrap_or_else(|| Arc::new(TokioClock::new()));
        MemoryStore::with(limits, clock)
    }

    fn errors(&self) -> Vec<ConfigError> {
        let no_key = (self.max_keys == 0).then(|| {
            ConfigError::new("max_keys", self.max_keys, "holds no record; allow at least 1")
        });
        let no_bytes = (self.max_bytes < RESERVED).then(|| {
            let reason = "holds no record; allow at least 640 bytes for each";
            ConfigError::new("max_bytes", self.max_bytes, reason)
        });
        let no_share = (!(1..=100).contains(&self.scope_share_percent)).then(|| {
            let reason = "is no share; give 1 to 100 percent";
            ConfigError::new("scope_share_percent", self.scope_share_percent, reason)
        });
        [no_key, no_bytes, no_share].into_iter().flatten().collect()
    }

    fn limits(&self) -> Limits {
        let share = |of| percent(of, self.scope_share_percent);
        Limits {
            total: Limit { keys: self.max_keys, bytes: self.max_bytes },
            scope: Limit {
                keys: share(self.max_keys).max(1),
                bytes: share(self.max_bytes).max(RESERVED),
            },
        }
    }
}

/// In two parts, so that it cannot overflow.
fn percent(of: usize, percent: u8) -> usize {
    let percent = usize::from(percent);
    of / 100 * percent + of % 100 * percent / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_told_at_once() {
        let errors = MemoryStore::builder()
            .max_keys(0)
            .max_bytes(RESERVED - 1)
            .scope_share_percent(101)
            .build()
            .unwrap_err();
        let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
        assert_eq!(settings, ["max_keys", "max_bytes", "scope_share_percent"]);
        assert!(MemoryStore::builder().scope_share_percent(0).build().is_err());
        assert_eq!(MemoryStoreBuilder::new().errors(), []);
    }

    #[test]
    fn a_share_is_exact_and_at_least_one_record() {
        assert_eq!(percent(usize::MAX, 100), usize::MAX);
        assert_eq!(percent(199, 10), 19);
        let limits = MemoryStore::builder().max_keys(3).max_bytes(600).limits();
        assert_eq!(limits.scope, Limit { keys: 1, bytes: RESERVED });
    }
}
