// The one place that reads time; everything else asks a `Clock`.
#![allow(clippy::disallowed_methods)]

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Where time comes from. Stonework reads it nowhere else, so that a test can turn it.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Time since an origin of the clock's own choosing. Never goes back.
    fn monotonic(&self) -> Duration;

    /// Time since the Unix epoch. May jump both ways; zero before 1970.
    fn unix(&self) -> Duration;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }

    fn unix(&self) -> Duration {
        (**self).unix()
    }
}

fn unix_now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The operating system's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn unix(&self) -> Duration {
        unix_now()
    }
}

/// tokio's clock: the operating system's, unless the runtime's time is paused.
///
/// A layer that sleeps and a store that measures must agree; under `tokio::time::pause` both
/// stand still and move together. Outside a runtime it reads the operating system's clock.
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    origin: tokio::time::Instant,
    unix_at_origin: Option<Duration>,
}

#[cfg(feature = "tokio")]
impl TokioClock {
    /// A clock whose monotonic time starts now.
    pub fn new() -> Self {
        Self { origin: tokio::time::Instant::now(), unix_at_origin: None }
    }

    /// A clock whose Unix time starts at `unix` now and then follows the monotonic time. For
    /// tests.
    pub fn starting_at(unix: Duration) -> Self {
        Self { unix_at_origin: Some(unix), ..Self::new() }
    }
}

#[cfg(feature = "tokio")]
impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "tokio")]
impl Clock for TokioClock {
    fn monotonic(&self) -> Duration {
        tokio::time::Instant::now().saturating_duration_since(self.origin)
    }

    fn unix(&self) -> Duration {
        match self.unix_at_origin {
            Some(unix) => unix.saturating_add(self.monotonic()),
            None => unix_now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_time_is_after_2020_and_monotonic_does_not_go_back() {
        let clock = SystemClock::new();
        assert!(clock.unix() > Duration::from_secs(1_577_836_800));
        let before = clock.monotonic();
        assert!(clock.monotonic() >= before);
    }

    #[cfg(feature = "tokio")]
    #[tokio::test(start_paused = true)]
    async fn paused_time_moves_both_clocks() {
        let clock = TokioClock::starting_at(Duration::from_secs(1_000));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.monotonic(), Duration::from_secs(5));
        assert_eq!(clock.unix(), Duration::from_secs(1_005));
    }
}
