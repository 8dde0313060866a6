use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::span::Span;

const MICRO: u64 = 1_000;

/// An empty bucket may take this long to fill, in nanoseconds: 140 years. In microseconds since
/// 1970 all sums of such times are below 2^53, up to which Redis' scripts count exactly.
const LONGEST: u64 = 140 * 365 * 24 * 60 * 60 * 1_000_000_000;

/// No debt is larger than this many nanoseconds (146 years), for the same reason.
const LARGEST_DEBT: u64 = 1 << 62;

/// How much a client may ask for: `rate` tokens per `per` in the long run, and `burst` at once.
///
/// A bucket holds `burst` tokens, and tokens flow into it evenly, one every `per / rate`. A
/// request takes as many as it costs, or none and is denied. All of it is exact: no rate drifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    rate: u32,
    burst: u32,
    /// In nanoseconds.
    per: u64,
    /// What one token takes.
    emission: Span,
    /// What `burst` tokens take.
    capacity: Span,
}

impl Quota {
    /// A quota.
    ///
    /// # Errors
    ///
    /// When `rate` or `burst` is zero, when `per` is not a whole number of microseconds, or when an
    /// empty bucket would take more than 140 years to fill.
    pub const fn new(rate: u32, per: Duration, burst: u32) -> Result<Self, QuotaError> {
        if rate == 0 {
            return Err(QuotaError::NoRate);
        }
        if burst == 0 {
            return Err(QuotaError::NoBurst);
        }
        let nanos = per.as_nanos();
        if nanos == 0 || !nanos.is_multiple_of(MICRO as u128) {
            return Err(QuotaError::OddPeriod);
        }
        if nanos > LONGEST as u128 {
            return Err(QuotaError::TooSlow);
        }
        let per = nanos as u64;
        let capacity = Span::of(burst as u64, per, rate);
        if capacity.whole > LONGEST {
            return Err(QuotaError::TooSlow);
        }
        Ok(Self { rate, burst, per, emission: Span::of(1, per, rate), capacity })
    }

    /// Tokens that flow in per [`per`](Self::per).
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// The time in which [`rate`](Self::rate) tokens flow in.
    pub const fn per(&self) -> Duration {
        Duration::from_nanos(self.per)
    }

    /// Tokens in a full bucket.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// How long an empty bucket takes to fill.
    pub const fn refill(&self) -> Duration {
        self.capacity.duration()
    }

    /// How long this many tokens take to flow in.
    #[inline]
    pub const fn time_of(&self, tokens: u32) -> Span {
        if tokens == 1 {
            return self.emission;
        }
        Span::of(tokens as u64, self.per, self.rate)
    }

    /// The debt of an empty bucket.
    pub const fn capacity(&self) -> Span {
        self.capacity
    }

    /// The largest debt: charges after the fact may exceed an empty bucket by as much again.
    pub(crate) const fn largest_debt(&self) -> Span {
        let twice = self.capacity.plus(self.capacity, self.rate);
        if twice.whole >= LARGEST_DEBT { Span { whole: LARGEST_DEBT, part: 0 } } else { twice }
    }

    /// Tokens in a bucket with this debt.
    #[inline]
    pub const fn remaining(&self, debt: Span) -> u32 {
        let free = self.capacity.minus(debt, self.rate);
        // Below 2^64 in practice, where the division is many times faster.
        let tokens = match free.whole.checked_mul(self.rate as u64) {
            Some(parts) if parts <= u64::MAX - u32::MAX as u64 => {
                (parts + free.part as u64) / self.per
            }
            _ => {
                let parts = free.whole as u128 * self.rate as u128 + free.part as u128;
                (parts / self.per as u128) as u64
            }
        };
        // At most `burst`, which fits.
        tokens as u32
    }

    /// How long a bucket with this debt takes to hold this many tokens; zero if it does already.
    /// `None` if it never will: it has room for [`burst`](Self::burst).
    pub const fn wait(&self, debt: Span, tokens: u32) -> Option<Duration> {
        if tokens > self.burst {
            return None;
        }
        let needed = debt.plus(self.time_of(tokens), self.rate);
        Some(needed.minus(self.capacity, self.rate).duration())
    }

    /// The same quota counted in microseconds, for a store whose clock has no more.
    #[cfg_attr(not(feature = "redis-1"), allow(dead_code))]
    pub(crate) const fn micros_of(&self, tokens: u32) -> Span {
        Span::of(tokens as u64, self.per / MICRO, self.rate)
    }

    /// A span that was counted in microseconds, in nanoseconds. Exact.
    #[cfg_attr(not(feature = "redis-1"), allow(dead_code))]
    pub(crate) const fn nanos_of(&self, micros: Span) -> Span {
        let parts = Span::of(micros.part as u64, MICRO, self.rate);
        Span { whole: micros.whole.saturating_mul(MICRO).saturating_add(parts.whole), ..parts }
    }
}

/// What is wrong with a [`Quota`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QuotaError {
    /// The rate is zero: nothing would ever flow in.
    NoRate,
    /// The burst is zero: nothing would ever be granted.
    NoBurst,
    /// The period is not a whole number of microseconds, or zero.
    OddPeriod,
    /// An empty bucket would take more than 140 years to fill.
    TooSlow,
}

impl QuotaError {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::NoRate => "has a rate of 0, at which nothing flows in; use at least 1",
            Self::NoBurst => "has a burst of 0, which grants nothing; use at least 1",
            Self::OddPeriod => {
                "has a period that is no whole number of microseconds; use at least 1 µs"
            }
            Self::TooSlow => {
                "takes more than 140 years to refill; raise the rate, or lower burst or period"
            }
        }
    }
}

impl fmt::Display for QuotaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the quota {}", self.reason())
    }
}

impl Error for QuotaError {}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

    fn quota(rate: u32, per: Duration, burst: u32) -> Quota {
        Quota::new(rate, per, burst).unwrap()
    }

    #[test]
    fn three_a_second_are_three_in_every_second() {
        let quota = quota(3, SECOND, 3);
        let mut debt = Span::ZERO;
        for left in [2, 1, 0] {
            debt = debt.plus(quota.time_of(1), 3);
            assert_eq!(quota.remaining(debt), left);
        }
        assert_eq!(debt, Span::new(1_000_000_000, 0, 3), "no nanosecond is lost");
        assert_eq!(quota.wait(debt, 1), Some(Duration::from_nanos(333_333_334)));
    }

    #[test]
    fn what_can_never_be_met_has_no_wait() {
        let quota = quota(1, SECOND, 5);
        assert_eq!(quota.wait(Span::ZERO, 5), Some(Duration::ZERO));
        assert_eq!(quota.wait(Span::ZERO, 6), None);
        assert_eq!(quota.wait(quota.capacity(), 5), Some(5 * SECOND));
    }

    #[test]
    fn the_largest_numbers_hold() {
        let fastest = quota(u32::MAX, SECOND, u32::MAX);
        assert_eq!(fastest.refill(), SECOND);
        assert_eq!(fastest.remaining(Span::ZERO), u32::MAX);
        assert_eq!(fastest.remaining(fastest.time_of(1)), u32::MAX - 1);

        let slowest = quota(1, SECOND, u32::MAX);
        assert_eq!(slowest.refill(), SECOND * u32::MAX);
        assert_eq!(slowest.remaining(slowest.time_of(u32::MAX - 1)), 1);
        assert!(slowest.largest_debt() >= slowest.capacity());

        let yearly = quota(u32::MAX, YEAR, u32::MAX);
        assert_eq!(yearly.refill(), YEAR);
        assert_eq!(yearly.remaining(yearly.time_of(7)), u32::MAX - 7);
        assert_eq!(quota(1, 140 * YEAR, 1).time_of(u32::MAX).whole, u64::MAX, "saturates");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(Quota::new(0, SECOND, 1), Err(QuotaError::NoRate));
        assert_eq!(Quota::new(1, SECOND, 0), Err(QuotaError::NoBurst));
        for odd in [Duration::ZERO, Duration::from_nanos(999), Duration::from_nanos(1_001)] {
            assert_eq!(Quota::new(1, odd, 1), Err(QuotaError::OddPeriod));
        }
        assert_eq!(Quota::new(1, YEAR, 141), Err(QuotaError::TooSlow));
        assert_eq!(Quota::new(1, Duration::MAX, 1), Err(QuotaError::OddPeriod));
        assert_eq!(Quota::new(1, Duration::from_secs(u64::MAX), 1), Err(QuotaError::TooSlow));
    }

    #[test]
    fn microseconds_become_nanoseconds_exactly() {
        let quota = quota(3, SECOND, 3);
        for tokens in 0..=3 {
            assert_eq!(quota.nanos_of(quota.micros_of(tokens)), quota.time_of(tokens));
        }
    }
}
