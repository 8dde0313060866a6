use std::time::Duration;

/// How many tokens were spent lately, of which the next lease makes its guess.
///
/// Two windows as long as the horizon: the one that runs, and the one before it, which counts as
/// far as the horizon reaches back into it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spending {
    since: Duration,
    running: u64,
    before: u64,
}

impl Spending {
    pub(super) fn add(&mut self, tokens: u32, now: Duration, horizon: Duration) {
        self.turn(now, horizon);
        self.running = self.running.saturating_add(tokens.into());
    }

    /// Tokens spent within the last horizon.
    pub(super) fn within(&mut self, now: Duration, horizon: Duration) -> u64 {
        self.turn(now, horizon);
        let into = now.saturating_sub(self.since).as_nanos();
        let whole = horizon.as_nanos().max(1);
        let part = u128::from(self.before) * whole.saturating_sub(into) / whole;
        // At most `before`, which fits.
        self.running.saturating_add(part as u64)
    }

    fn turn(&mut self, now: Duration, horizon: Duration) {
        let passed = now.saturating_sub(self.since);
        if passed < horizon {
            return;
        }
        let follows = passed < horizon.saturating_mul(2);
        self.before = if follows { self.running } else { 0 };
        self.since = if follows { self.since.saturating_add(horizon) } else { now };
        self.running = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HORIZON: Duration = Duration::from_millis(50);

    #[test]
    fn what_is_older_than_the_horizon_fades() {
        let mut spending = Spending::default();
        let at = Duration::from_millis;
        spending.add(100, at(1_000), HORIZON);
        assert_eq!(spending.within(at(1_049), HORIZON), 100);
        assert_eq!(spending.within(at(1_050), HORIZON), 100);
        assert_eq!(spending.within(at(1_075), HORIZON), 50);
        spending.add(7, at(1_075), HORIZON);
        assert_eq!(spending.within(at(1_099), HORIZON), 9);
        assert_eq!(spending.within(at(1_200), HORIZON), 0);
    }

    #[test]
    fn an_even_flow_is_seen_as_it_is() {
        let mut spending = Spending::default();
        for milli in 0..500 {
            spending.add(2, Duration::from_millis(milli), HORIZON);
        }
        let seen = spending.within(Duration::from_millis(499), HORIZON);
        assert!((95..=105).contains(&seen), "{seen} of 100");
    }

    #[test]
    fn nothing_overflows() {
        let mut spending = Spending::default();
        for _ in 0..3 {
            spending.add(u32::MAX, Duration::MAX, Duration::MAX);
            let spent = spending.within(Duration::ZERO, Duration::from_nanos(1));
            assert!(spent <= 3 * u64::from(u32::MAX), "{spent}");
        }
    }
}
