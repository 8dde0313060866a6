use std::time::Duration;

/// How long an endpoint that fails is left alone. While it fails, one attempt at a time is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    threshold: u32,
    first: Duration,
    longest: Duration,
}

impl Breaker {
    /// After `threshold` failures in a row, at least 1, pause for `first`, and twice as long after each that follows, up
    /// to `longest`.
    pub const fn new(threshold: u32, first: Duration, longest: Duration) -> Self {
        let threshold = if threshold == 0 { 1 } else { threshold };
        Self { threshold, first, longest }
    }

    /// How many failures in a row it takes.
    pub const fn threshold(&self) -> u32 {
        self.threshold
    }

    /// The first pause.
    pub const fn first(&self) -> Duration {
        self.first
    }

    /// The longest pause.
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// The pause after so many failures in a row.
    pub fn pause(&self, failures: u32) -> Option<Duration> {
        let beyond = failures.checked_sub(self.threshold)?;
        // 2^20 seconds are twelve days.
        let times = 1_u32 << beyond.min(20);
        Some(self.first.saturating_mul(times).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let secs = Duration::from_secs;
        let breaker = Breaker::new(3, secs(10), secs(60));
        let pauses: Vec<_> = (0..8).map(|failures| breaker.pause(failures)).collect();
        let [ten, twenty, forty, sixty] = [10, 20, 40, 60].map(|s| Some(secs(s)));
        assert_eq!(pauses, [None, None, None, ten, twenty, forty, sixty, sixty]);
        assert_eq!(breaker.pause(u32::MAX), sixty);
        assert_eq!(Breaker::new(0, secs(1), secs(9)).pause(0), None);
    }
}
