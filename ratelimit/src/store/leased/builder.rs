use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stonework_core::{Clock, ConfigError, ConfigErrors, TokioClock};

use super::LeasedStore;
use crate::quota::Quota;
use crate::store::LeaseStore;

/// Sets how a [`LeasedStore`] leases.
#[must_use = "a builder does nothing until `build` is called"]
pub struct LeasedStoreBuilder<S> {
    inner: S,
    settings: Settings,
    clock: Option<Arc<dyn Clock>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) nodes: u32,
    pub(super) max_lease: u32,
    pub(super) horizon: Duration,
    pub(super) idle: Duration,
    pub(super) timeout: Duration,
    pub(super) max_keys: usize,
    pub(super) cache_denials: bool,
}

impl Settings {
    const DEFAULT: Self = Self {
        nodes: 8,
        max_lease: u32::MAX,
        horizon: Duration::from_millis(50),
        idle: Duration::from_secs(1),
        timeout: Duration::from_millis(500),
        max_keys: 10_000,
        cache_denials: true,
    };

    /// The most that a pool holds beyond what is being waited for: `L` in the bound.
    pub(super) fn most(&self, quota: &Quota) -> u32 {
        let share = u64::from(quota.burst()) / (2 * u64::from(self.nodes.max(1)));
        // At most half of the burst, which fits.
        (share as u32).max(1).min(self.max_lease)
    }
}

impl<S: LeaseStore> LeasedStoreBuilder<S> {
    pub(super) const fn new(inner: S) -> Self {
        Self { inner, settings: Settings::DEFAULT, clock: None }
    }

    /// How many processes share the inner store. 8 by default.
    ///
    /// All of them together hold at most half a burst in reserve if there are as many as this. If
    /// there are more, they may hold more; if there are fewer, fewer calls are saved.
    pub const fn nodes(mut self, nodes: u32) -> Self {
        self.settings.nodes = nodes;
        self
    }

    /// The most tokens that one bucket's pool holds in reserve. No limit of its own by default:
    /// what counts is then the share of the burst.
    pub const fn max_lease(mut self, tokens: u32) -> Self {
        self.settings.max_lease = tokens;
        self
    }

    /// For how long a lease should last at the rate at which tokens were spent lately. 50 ms by
    /// default: a bucket that is always in use costs some twenty calls a second.
    pub const fn horizon(mut self, horizon: Duration) -> Self {
        self.settings.horizon = horizon;
        self
    }

    /// How long tokens may lie unused before they go back. 1 s by default.
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.settings.idle = idle;
        self
    }

    /// How long a lease may be under way before it counts as lost. 500 ms by default.
    ///
    /// While one is under way no other is asked for, so this also bounds how long a store that is
    /// back goes unnoticed.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How many buckets may have a pool, about. 10,000 by default.
    ///
    /// Beyond that, those that were not used for longest give their tokens back. Those that are
    /// being waited for stay.
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.settings.max_keys = keys;
        self
    }

    /// Whether a bucket that is known to be empty is denied without asking, for 1 s at most, where
    /// the demand promises that [only time refills it](crate::store::Demand::only_time_refills).
    /// On by default.
    pub const fn cache_denials(mut self, cache: bool) -> Self {
        self.settings.cache_denials = cache;
        self
    }

    /// The clock that measures how fast tokens are spent, and how old an answer is. [`TokioClock`]
    /// by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The store.
    ///
    /// # Errors
    ///
    /// All that is wrong with the settings: no node, no lease, no key, or no time.
    pub fn build(self) -> Result<LeasedStore<S>, ConfigErrors<ConfigError>> {
        ConfigErrors::check(self.settings.errors(), Ok(()))?;
        Ok(self.build_unchecked())
    }

    pub(super) fn build_unchecked(self) -> LeasedStore<S> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(TokioClock::new()));
        LeasedStore::with(self.inner, self.settings, clock)
    }
}

impl Settings {
    fn errors(&self) -> Vec<ConfigError> {
        let zeros = [
            ("nodes", self.nodes == 0, "is nobody; count this process too"),
            (
                "max_lease",
                self.max_lease == 0,
                "leases nothing; use at least 1, or the inner store",
            ),
            ("max_keys", self.max_keys == 0, "has no room for a pool; allow at least 1"),
        ];
        let times = [
            ("horizon", self.horizon, "leases nothing ahead; use 50 ms, or the inner store"),
            ("idle", self.idle, "gives every token back at once; use 1 s"),
            ("timeout", self.timeout, "leaves no time for an answer; use 500 ms"),
        ];
        let zeros = zeros
            .into_iter()
            .filter(|(_, wrong, _)| *wrong)
            .map(|(setting, _, reason)| ConfigError::new(setting, 0, reason));
        let times = times
            .into_iter()
            .filter(|(_, time, _)| time.is_zero())
            .map(|(setting, time, reason)| ConfigError::new(setting, time, reason));
        zeros.chain(times).collect()
    }
}

impl<S> fmt::Debug for LeasedStoreBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeasedStoreBuilder")
            .field("settings", &self.settings)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Settings = Settings::DEFAULT;

    #[test]
    fn all_errors_are_told_at_once() {
        let zero = Duration::ZERO;
        let wrong = Settings { nodes: 0, max_lease: 0, max_keys: 0, ..DEFAULT };
        let errors = Settings { horizon: zero, idle: zero, timeout: zero, ..wrong }.errors();
        let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
        assert_eq!(settings, ["nodes", "max_lease", "max_keys", "horizon", "idle", "timeout"]);
        assert_eq!(DEFAULT.errors(), []);
    }

    #[test]
    fn all_nodes_hold_half_a_burst_and_each_at_least_a_token() {
        let most = |settings: Settings, burst| {
            settings.most(&Quota::new(1, Duration::from_secs(1), burst).unwrap())
        };
        assert_eq!(most(DEFAULT, 160), 10);
        assert_eq!(most(DEFAULT, 15), 1);
        assert_eq!(most(Settings { max_lease: 3, ..DEFAULT }, 160), 3);
        assert_eq!(most(Settings { nodes: u32::MAX, ..DEFAULT }, u32::MAX), 1);
    }
}
