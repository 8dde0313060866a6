use std::time::Duration;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const HOUR: u64 = 60 * 60;

/// The longest pause between two attempts. What is longer is cut to it.
pub(crate) const LONGEST: Duration = secs(30 * 24 * HOUR);

/// The most retries: whatever a schedule says, there is an end.
const MAX_RETRIES: usize = 1_000;

/// When a message is tried again: how long after each attempt that failed.
///
/// The first attempt is made at once; a schedule of three pauses makes four attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Schedule {
    /// These pauses.
    pub fn new(pauses: impl IntoIterator<Item = Duration>) -> Self {
        Self(pauses.into_iter().take(MAX_RETRIES).map(|pause| pause.min(LONGEST)).collect())
    }

    /// Standard Webhooks': at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h. Ten attempts in
    /// about 76 hours.
    pub fn standard() -> Self {
        let hours = [2, 5, 10, 14, 20, 24].map(|hours| secs(hours * HOUR));
        Self::new([secs(5), secs(5 * 60), secs(30 * 60)].into_iter().chain(hours))
    }

    /// Svix's: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h. Eight attempts in about 28 hours.
    pub fn svix() -> Self {
        Self::new([5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map(secs))
    }

    /// At once, then after `first`, twice that, four times that, and so on.
    pub fn exponential(first: Duration, retries: usize) -> Self {
        let pauses = std::iter::successors(Some(first), |pause| Some(pause.saturating_mul(2)));
        Self::new(pauses.take(retries))
    }

    /// How long to wait after this attempt, of which the first is 1. `None` if it was the last.
    pub fn after(&self, attempt: u32) -> Option<Duration> {
        let at = usize::try_from(attempt).ok()?.checked_sub(1)?;
        self.0.get(at).copied()
    }

    /// How many attempts there are.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// From the first attempt to the last, if each fails at once.
    pub fn span(&self) -> Duration {
        self.0.iter().fold(Duration::ZERO, |span, pause| span.saturating_add(*pause))
    }
}

/// A time made longer by up to `permille` thousandths: which share of that, `random` says, of 0 to 1,000. Never shorter,
/// since a receiver that names a time means it.
pub(crate) fn jittered(time: Duration, permille: u32, random: u32) -> Duration {
    let share = u128::from(permille.min(1_000)) * u128::from(random.min(1_000));
    let extra = time.min(LONGEST).as_nanos() * share / 1_000_000;
    time.saturating_add(Duration::from_nanos(u64::try_from(extra).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn presets_are_those_of_the_documents() {
        let standard = Schedule::standard();
        assert_eq!((standard.attempts(), standard.span()), (10, secs(5 + 300 + 1_800 + 75 * HOUR)));
        assert_eq!((Schedule::svix().attempts(), Schedule::svix().span().as_secs()), (8, 99_305));
        let brief = Schedule::exponential(secs(1), 3);
        let pauses: Vec<_> = (0..6).map(|attempt| brief.after(attempt)).collect();
        assert_eq!(pauses, [None, Some(secs(1)), Some(secs(2)), Some(secs(4)), None, None]);
    }

    #[test]
    fn a_schedule_has_an_end() {
        let endless = Schedule::exponential(secs(1), usize::MAX);
        assert_eq!(endless.attempts(), 1_001);
        assert_eq!(endless.after(1_000), Some(LONGEST));
    }

    proptest! {
        #[test]
        fn jitter_is_never_early_and_never_more_than_its_share(
            nanos in any::<u64>(), permille in 0..=2_000_u32, random in any::<u32>(),
        ) {
            let time = Duration::from_nanos(nanos);
            let jittered = jittered(time, permille, random);
            prop_assert!(jittered >= time);
            let most = time.as_nanos() + time.as_nanos() * u128::from(permille.min(1_000)) / 1_000;
            prop_assert!(jittered.as_nanos() <= most);
        }
    }
}
