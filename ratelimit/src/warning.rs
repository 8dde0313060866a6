use std::fmt;
use std::time::Duration;

use stonework_core::ConfigError;

/// Something in a configuration that works and may surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The store in memory gives up buckets when it is full, and this policy's buckets take long to
    /// fill: a flood of new keys makes it forget whom it denies.
    #[non_exhaustive]
    ForgetfulStore {
        /// The policy.
        policy: String,
        /// How long an empty bucket of it takes to fill.
        refill: Duration,
    },
    /// While the store is away, nobody is limited.
    OutageOpen,
}

impl Warning {
    /// The setting, its value, and what is the matter with it.
    fn parts(&self) -> (&'static str, String, &'static str) {
        match self {
            Self::ForgetfulStore { policy, refill } => (
                "overflow",
                format!("EvictNearestFull, with {policy:?} taking {refill:?} to refill"),
                "a flood of new keys resets this limit; use Overflow::DenyNew, Redis, or more \
                 max_keys than a client can make",
            ),
            Self::OutageOpen => (
                "on_outage",
                "Open".to_owned(),
                "while the store is away, nobody is limited; LocalFallback limits all the same",
            ),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ConfigError::from(self).fmt(f)
    }
}

impl From<&Warning> for ConfigError {
    fn from(warning: &Warning) -> Self {
        let (setting, value, reason) = warning.parts();
        Self::shown(setting, value, reason)
    }
}
