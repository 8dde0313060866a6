use std::time::Duration;

use arrayvec::ArrayVec;

use crate::{Field, Refusal};

/// Twelve digits of seconds last for 30,000 years, and sixteen hold milliseconds; all of them fit into 64 bits.
const MAX_DIGITS: usize = 16;

/// What a timestamp counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Seconds since the Unix epoch.
    Seconds,
    /// Milliseconds since the Unix epoch.
    Millis,
}

impl Unit {
    const fn max_digits(self) -> usize {
        match self {
            Self::Seconds => 12,
            Self::Millis => MAX_DIGITS,
        }
    }

    const fn time(self, value: u64) -> Duration {
        match self {
            Self::Seconds => Duration::from_secs(value),
            Self::Millis => Duration::from_millis(value),
        }
    }

    pub(crate) fn count(self, time: Duration) -> u64 {
        match self {
            Self::Seconds => time.as_secs(),
            Self::Millis => u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A time, and its very digits: those are what was signed.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    pub(crate) time: Duration,
    digits: ArrayVec<u8, MAX_DIGITS>,
}

impl Stamp {
    /// ASCII digits and nothing else: no sign, no space, no fraction. `"+5".parse::<u64>()` is 5, and two texts of
    /// one time are two messages under one signature.
    #[inline]
    pub(crate) fn parse(text: &[u8], unit: Unit) -> Result<Self, Refusal> {
        let malformed = Refusal::Malformed(Field::Timestamp);
        let mut digits = ArrayVec::new();
        if text.is_empty() || text.len() > unit.max_digits() {
            return Err(malformed);
        }
        digits.try_extend_from_slice(text).map_err(|_| malformed)?;
        let mut value = 0;
        for byte in text {
            if !byte.is_ascii_digit() {
                return Err(malformed);
            }
            value = value * 10 + u64::from(byte - b'0');
        }
        Ok(Self { time: unit.time(value), digits })
    }

    pub(crate) fn digits(&self) -> &[u8] {
        &self.digits
    }
}

/// Is the time within the tolerance, on both sides? One far in the future could be replayed until then.
#[inline]
pub(crate) fn check(time: Duration, now: Duration, tolerance: Duration) -> Result<(), Refusal> {
    if time.abs_diff(now) <= tolerance {
        return Ok(());
    }
    Err(if time < now { Refusal::TooOld } else { Refusal::TooNew })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_timestamp() {
        let parse = |text: &str| Stamp::parse(text.as_bytes(), Unit::Seconds);
        assert_eq!(parse("1614265330").unwrap().time, Duration::from_secs(1_614_265_330));
        assert_eq!(parse("007").unwrap().digits(), b"007", "as it was signed");
        for text in ["", "+5", "-5", " 5", "5 ", "5.0", "0x5", "5e3", "\u{664}", "1234567890123"] {
            assert_eq!(parse(text).unwrap_err(), Refusal::Malformed(Field::Timestamp), "{text}");
        }
        let longest = Stamp::parse(&[b'9'; MAX_DIGITS], Unit::Millis).unwrap();
        assert_eq!(longest.time, Duration::from_millis(9_999_999_999_999_999));
    }

    #[test]
    fn the_tolerance_holds_on_both_sides() {
        let (now, tolerance) = (Duration::from_secs(1_000), Duration::from_secs(300));
        let at = |seconds| check(Duration::from_secs(seconds), now, tolerance);
        assert_eq!(at(700), Ok(()));
        assert_eq!(at(699), Err(Refusal::TooOld));
        assert_eq!(at(1_300), Ok(()));
        assert_eq!(at(1_301), Err(Refusal::TooNew));
        assert_eq!(check(Duration::MAX, Duration::ZERO, tolerance), Err(Refusal::TooNew));
        assert_eq!(check(Duration::ZERO, Duration::MAX, tolerance), Err(Refusal::TooOld));
    }
}
