use std::cmp::Ordering;
use std::time::Duration;

/// A length of time that is exact for one rate: whole nanoseconds, and a part of one in units of
/// `1 / rate`.
///
/// Three tokens a second are 333,333,333 ⅓ ns apart. A limiter that drops the third drifts; with
/// it, a second has exactly three tokens. The part says nothing without the [`Quota`](crate::Quota)
/// that it was counted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Nanoseconds in the public API; microseconds in what is sent to Redis.
    pub(crate) whole: u64,
    /// Below the rate.
    pub(crate) part: u32,
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self { whole: 0, part: 0 };

    /// This many nanoseconds and `part` of one, in units of `1 / rate`. A part that is not below
    /// the rate is rounded up to a nanosecond.
    pub const fn new(nanos: u64, part: u32, rate: u32) -> Self {
        Self { whole: nanos, part }.at(rate)
    }

    /// The same span counted by another rate: a part of a foreign rate is rounded up.
    pub(crate) const fn at(self, rate: u32) -> Self {
        if self.part < rate {
            return self;
        }
        Self { whole: self.whole.saturating_add(1), part: 0 }
    }

    /// The time that `tokens` take to flow at `rate` per `per` ticks, in the same ticks. Exact.
    pub(crate) const fn of(tokens: u64, per: u64, rate: u32) -> Self {
        let parts = tokens as u128 * per as u128;
        let rate = rate as u128;
        let whole = parts / rate;
        if whole > u64::MAX as u128 {
            return Self { whole: u64::MAX, part: 0 };
        }
        Self { whole: whole as u64, part: (parts % rate) as u32 }
    }

    #[inline]
    pub(crate) const fn plus(self, other: Self, rate: u32) -> Self {
        let whole = self.whole.saturating_add(other.whole);
        let part = self.part as u64 + other.part as u64;
        if part < rate as u64 {
            return Self { whole, part: part as u32 };
        }
        Self { whole: whole.saturating_add(1), part: (part - rate as u64) as u32 }
    }

    /// Zero where `other` is longer.
    #[inline]
    pub(crate) const fn minus(self, other: Self, rate: u32) -> Self {
        let Some(whole) = self.whole.checked_sub(other.whole) else {
            return Self::ZERO;
        };
        if self.part >= other.part {
            return Self { whole, part: self.part - other.part };
        }
        match whole.checked_sub(1) {
            Some(whole) => Self { whole, part: self.part + (rate - other.part) },
            None => Self::ZERO,
        }
    }

    /// What of this span lies after `now` ticks.
    #[inline]
    pub(crate) const fn after(self, now: u64) -> Self {
        match self.whole.checked_sub(now) {
            Some(whole) => Self { whole, part: self.part },
            None => Self::ZERO,
        }
    }

    /// In whole ticks, rounded up.
    pub(crate) const fn ceil(self) -> u64 {
        self.whole.saturating_add((self.part > 0) as u64)
    }

    /// Rounded up to a nanosecond.
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.ceil())
    }
}

impl PartialOrd for Span {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Right for spans of one rate.
impl Ord for Span {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.whole, self.part).cmp(&(other.whole, other.part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// In units of `1 / rate` of a tick.
    fn parts(span: Span, rate: u32) -> u128 {
        u128::from(span.whole) * u128::from(rate) + u128::from(span.part)
    }

    prop_compose! {
        fn spans()(rate in 1_u32.., a in any::<(u32, u32)>(), b in any::<(u32, u32)>())
            -> (u32, Span, Span)
        {
            let span = |(whole, part): (u32, u32)| {
                Span { whole: u64::from(whole), part: part % rate }
            };
            (rate, span(a), span(b))
        }
    }

    proptest! {
        #[test]
        fn sums_and_differences_are_exact((rate, a, b) in spans()) {
            prop_assert_eq!(parts(a.plus(b, rate), rate), parts(a, rate) + parts(b, rate));
            let difference = parts(a, rate).saturating_sub(parts(b, rate));
            prop_assert_eq!(parts(a.minus(b, rate), rate), difference);
            prop_assert_eq!(a.cmp(&b), parts(a, rate).cmp(&parts(b, rate)));
        }

        #[test]
        fn tokens_take_their_time(tokens: u32, per: u32, rate in 1_u32..) {
            let span = Span::of(u64::from(tokens), u64::from(per), rate);
            prop_assert!(span.part < rate);
            prop_assert_eq!(parts(span, rate), u128::from(tokens) * u128::from(per));
        }
    }

    #[test]
    fn nothing_overflows() {
        let most = Span { whole: u64::MAX, part: u32::MAX - 1 };
        assert_eq!(most.plus(most, u32::MAX).whole, u64::MAX);
        assert_eq!(most.ceil(), u64::MAX);
        assert_eq!(Span::of(u64::MAX, u64::MAX, 1).whole, u64::MAX);
        assert_eq!(Span::new(7, 3, 3), Span { whole: 8, part: 0 });
    }
}
