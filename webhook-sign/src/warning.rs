use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stonework_core::ConfigError;

/// Something in a configuration that works and may surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A secret of this sender has fewer than 16 bytes: the name of the sender's scheme, and of the key.
    ShortSecret(&'static str, Arc<str>),
    /// A timestamp of this sender is good for this long, and a captured request with it.
    LongTolerance(&'static str, Duration),
    /// There is no replay store: a request that was captured is handled as often as it is sent, while its timestamp is
    /// good.
    NoReplayStore,
    /// There is no replay store, and this sender signs no time: a request that was captured fits for ever.
    NoReplayStoreNorTime(&'static str),
    /// Events are forgotten this soon; senders come back for days, and the events are handled again.
    ShortDedupe(Duration),
    /// While the replay store is away, retries and replays are handled again.
    OutageOpen,
}

impl Warning {
    /// The setting, its value, and what is the matter with it.
    pub(crate) fn parts(&self) -> (&'static str, String, &'static str) {
        match self {
            Self::ShortSecret(scheme, key) => (
                "secret",
                format!("{scheme}, key {key}"),
                "has fewer than 16 bytes and can be guessed; have a longer one made",
            ),
            Self::LongTolerance(scheme, time) => (
                "tolerance",
                format!("{scheme}, {time:?}"),
                "lets captured requests in for so long; use some minutes",
            ),
            Self::NoReplayStore => (
                "store",
                "none".to_owned(),
                "lets a captured request in while its timestamp is good; name a store",
            ),
            Self::NoReplayStoreNorTime(scheme) => (
                "store",
                format!("none, {scheme}"),
                "lets a captured request in for ever, since no time is signed; name a store",
            ),
            Self::ShortDedupe(time) => (
                "dedupe_for",
                format!("{time:?}"),
                "is shorter than senders come back for; use 4 days",
            ),
            Self::OutageOpen => (
                "on_outage",
                "Open".to_owned(),
                "while the store is away, retries are handled again; use Closed where that costs money",
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
