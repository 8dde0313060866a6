use std::time::Duration;

use stonework_core::ConfigError;

/// How long a stream is quiet before something is sent that is no event: proxies end connections that are quiet.
///
/// The first time comes after between one half of it and the whole, so that streams which begin together do not go on
/// together.
///
/// ```
/// use std::time::Duration;
///
/// use stonework_sse::KeepAlive;
///
/// let keep_alive = KeepAlive::every(Duration::from_secs(30))?;
/// assert_ne!(keep_alive, KeepAlive::default(), "which is 15 seconds");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive(Option<Duration>);

impl KeepAlive {
    /// After so long without an event.
    ///
    /// # Errors
    ///
    /// When it is no time: the stream would never be quiet.
    pub fn every(time: Duration) -> Result<Self, ConfigError> {
        if time.is_zero() {
            let reason = "would send without end; use a time such as 15 seconds, or never()";
            return Err(ConfigError::new("KeepAlive::every", time, reason));
        }
        Ok(Self(Some(time)))
    }

    /// Nothing but events.
    pub const fn never() -> Self {
        Self(None)
    }

    pub(crate) const fn time(self) -> Option<Duration> {
        self.0
    }
}

impl Default for KeepAlive {
    /// 15 seconds.
    fn default() -> Self {
        Self(Some(Duration::from_secs(15)))
    }
}
