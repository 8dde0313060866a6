use std::fmt;
use std::time::Duration;

use stonework_core::ConfigError;

/// Something in a configuration that works and may surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// No outbox was named: messages are lost when the process ends.
    NoOutbox,
    /// The client is one of your own, which the egress guard does not stand before.
    OwnClient,
    /// A lease is shorter than this attempt: a worker that hangs for a moment loses it, and the message is sent twice.
    ShortLease(Duration),
    /// A message is known for so long after it was delivered; enqueued again later, it is sent again.
    ShortKeep(Duration),
}

impl Warning {
    /// The setting, its value, and what is the matter with it.
    fn parts(&self) -> (&'static str, String, &'static str) {
        match self {
            Self::NoOutbox => (
                "outbox",
                "none".to_owned(),
                "loses messages when the process ends; name an outbox",
            ),
            Self::OwnClient => (
                "client",
                "your own".to_owned(),
                "is not guarded; build it over a GuardedConnector, or have a proxy guard it",
            ),
            Self::ShortLease(lease) => (
                "lease",
                format!("{lease:?}"),
                "is shorter than an attempt may take; use twice the attempt's timeout",
            ),
            Self::ShortKeep(keep) => (
                "keep_delivered",
                format!("{keep:?}"),
                "is shorter than whoever enqueues may come back; use an hour at least",
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
