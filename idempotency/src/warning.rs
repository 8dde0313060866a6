use std::fmt;
use std::time::Duration;

use stonework_core::ConfigError;

/// Something in a configuration that works and may surprise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Keys are forgotten this soon; clients may retry later, and would run again.
    ShortRetention(Duration),
    /// The lease leaves no time for a second renewal when one is lost.
    ShortLease(Duration),
    /// While the store is away, retries run again.
    OutageOpen,
}

impl Warning {
    /// The setting, its value, and what is the matter with it.
    pub(crate) fn parts(&self) -> (&'static str, String, &'static str) {
        match self {
            Self::ShortRetention(time) => (
                "retention",
                format!("{time:?}"),
                "a retry after that runs again; use 24 h, as clients expect",
            ),
            Self::ShortLease(time) => (
                "lease",
                format!("{time:?}"),
                "one lost renewal makes a run look abandoned; use six times store_timeout or more",
            ),
            Self::OutageOpen => (
                "on_outage",
                "Open".to_owned(),
                "while the store is away, retries run again; use Closed where that costs money",
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
