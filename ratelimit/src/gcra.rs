//! The token bucket, kept as one time: when it will be full again.
//!
//! GCRA (ITU-T I.371) calls that time the theoretical arrival time. What lies between now and it
//! is the bucket's *debt*: the time that the missing tokens take to flow in. A full bucket has
//! none and need not be kept.

use crate::quota::Quota;
use crate::span::Span;

/// The debt with `cost` more tokens taken, if the bucket has them. Costs nothing, if that is all
/// that is asked, even where charges after the fact have taken more than there was.
#[inline]
pub(crate) const fn take(quota: &Quota, debt: Span, cost: u32) -> Option<Span> {
    if cost == 0 {
        return Some(debt);
    }
    if cost > quota.burst() {
        return None;
    }
    let after = debt.plus(quota.time_of(cost), quota.rate());
    if is_longer(after, quota.capacity()) { None } else { Some(after) }
}

/// The debt after a correction: positive takes tokens, negative gives them back. No bucket holds
/// more than its burst, and none owes more than [`Quota::largest_debt`].
pub(crate) const fn adjust(quota: &Quota, debt: Span, tokens: i64) -> Span {
    let magnitude = tokens.unsigned_abs();
    let many = if magnitude > u32::MAX as u64 { u32::MAX } else { magnitude as u32 };
    let time = quota.time_of(many);
    if tokens <= 0 {
        return debt.minus(time, quota.rate());
    }
    let after = debt.plus(time, quota.rate());
    let most = quota.largest_debt();
    if is_longer(after, most) {
        // A debt that a larger quota left is not forgiven by a charge.
        if is_longer(debt, most) { debt } else { most }
    } else {
        after
    }
}

/// How many tokens can be taken: as many as wanted, and none if there are fewer than `least`.
pub(crate) const fn available(quota: &Quota, debt: Span, want: u32, least: u32) -> u32 {
    let there = quota.remaining(debt);
    let granted = if there < want { there } else { want };
    if granted < least { 0 } else { granted }
}

const fn is_longer(a: Span, b: Span) -> bool {
    a.whole > b.whole || (a.whole == b.whole && a.part > b.part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use governor::{Quota as Peers, RateLimiter};
    use proptest::prelude::*;
    use std::num::NonZeroU32;
    use std::time::Duration;

    /// A bucket as one would write it down: a number of tokens, in units of `1 / per`.
    struct Naive {
        rate: u128,
        per: u128,
        burst: u128,
        level: u128,
        at: u128,
    }

    impl Naive {
        fn new(quota: &Quota) -> Self {
            let (per, burst) = (quota.per().as_nanos(), u128::from(quota.burst()));
            Self { rate: quota.rate().into(), per, burst, level: burst * per, at: 0 }
        }

        fn flow(&mut self, now: u64) {
            let passed = u128::from(now) - self.at;
            self.level = (self.level + passed * self.rate).min(self.burst * self.per);
            self.at = now.into();
        }

        fn take(&mut self, now: u64, cost: u32) -> bool {
            self.flow(now);
            let cost = u128::from(cost) * self.per;
            let fits = cost <= self.level;
            self.level -= if fits { cost } else { 0 };
            fits
        }
    }

    /// Ours, with the time kept as a store keeps it.
    struct Kept {
        quota: Quota,
        full_at: Span,
    }

    impl Kept {
        fn debt(&self, now: u64) -> Span {
            self.full_at.after(now)
        }

        fn take(&mut self, now: u64, cost: u32) -> bool {
            let Some(after) = take(&self.quota, self.debt(now), cost) else { return false };
            self.full_at = Span { whole: after.whole + now, part: after.part };
            true
        }
    }

    fn quotas() -> impl Strategy<Value = Quota> {
        let small = (1_u32..20, 1_u64..50_000, 1_u32..20);
        let any = (1_u32.., 1_u64..(1 << 45), 1_u32..);
        prop_oneof![3 => small, 1 => any]
            .prop_map(|(rate, micros, burst)| {
                Quota::new(rate, Duration::from_micros(micros), burst)
            })
            .prop_filter_map("too slow", Result::ok)
    }

    /// Pauses near the time that one token takes, and costs near the burst.
    fn steps() -> impl Strategy<Value = Vec<(u32, u32, bool)>> {
        prop::collection::vec((0_u32..3_000_000, any::<u32>(), any::<bool>()), 1..60)
    }

    proptest! {
        #[test]
        fn a_bucket_is_a_naive_bucket(quota in quotas(), steps in steps()) {
            let mut naive = Naive::new(&quota);
            let mut kept = Kept { quota, full_at: Span::ZERO };
            let mut now = 0_u64;
            for (pause, cost, small) in steps {
                let emission = quota.time_of(1).ceil();
                now += if small { u64::from(pause) } else { emission * u64::from(pause % 3) };
                let cost = if small { cost % 3 } else { cost % quota.burst().saturating_add(2) };
                prop_assert_eq!(kept.take(now, cost), naive.take(now, cost));
                let left = naive.level / naive.per;
                prop_assert_eq!(u128::from(quota.remaining(kept.debt(now))), left);
            }
        }

        /// Where a token takes a whole number of nanoseconds, which is all that the peer can count.
        #[test]
        fn a_bucket_is_governors(
            emission in 1_u64..2_000_000,
            burst in 1_u32..50,
            steps in prop::collection::vec((0_u64..3_000_000, 1_u32..4), 1..100),
        ) {
            let emission = Duration::from_micros(emission);
            let clock = FakeRelativeClock::default();
            let peers = Peers::with_period(emission).unwrap();
            let peers = peers.allow_burst(NonZeroU32::new(burst).unwrap());
            let peer = RateLimiter::direct_with_clock(peers, clock.clone());
            let mut kept = Kept { quota: Quota::new(1, emission, burst).unwrap(), full_at: Span::ZERO };
            let mut now = 0;
            for (pause, cost) in steps {
                now += pause;
                clock.advance(Duration::from_nanos(pause));
                let granted = matches!(peer.check_n(NonZeroU32::new(cost).unwrap()), Ok(Ok(())));
                prop_assert_eq!(kept.take(now, cost), granted);
            }
        }

        /// Whatever is asked and when: never more than the burst and what flowed in.
        #[test]
        fn no_interval_admits_more_than_burst_and_flow(
            quota in quotas(),
            steps in steps(),
        ) {
            let mut kept = Kept { quota, full_at: Span::ZERO };
            let (mut now, mut admitted) = (0_u64, 0_u128);
            for (pause, cost, _) in steps {
                now += u64::from(pause);
                let cost = cost % quota.burst().saturating_add(1);
                admitted += if kept.take(now, cost) { u128::from(cost) } else { 0 };
                let flowed = u128::from(now) * u128::from(quota.rate());
                let most = u128::from(quota.burst()) * quota.per().as_nanos() + flowed;
                prop_assert!(admitted * quota.per().as_nanos() <= most);
            }
        }

        #[test]
        fn a_denied_request_fits_after_its_wait_and_not_before(
            quota in quotas(),
            taken in any::<u32>(),
            cost in 1_u32..,
        ) {
            let full = taken % quota.burst() + 1;
            let debt = take(&quota, Span::ZERO, full).unwrap();
            let cost = cost % quota.burst() + 1;
            let wait = quota.wait(debt, cost).unwrap().as_nanos() as u64;
            prop_assert!(take(&quota, debt.after(wait), cost).is_some());
            if wait > 0 {
                prop_assert!(take(&quota, debt.after(wait - 1), cost).is_none());
            }
        }

        #[test]
        fn what_is_given_back_is_what_was_taken(quota in quotas(), a: u32, b: u32) {
            let (a, b) = (a % quota.burst(), b % quota.burst());
            let debt = take(&quota, Span::ZERO, a).unwrap();
            if let Some(more) = take(&quota, debt, b) {
                prop_assert_eq!(adjust(&quota, more, -i64::from(b)), debt);
            }
        }
    }

    #[test]
    fn corrections_are_clamped_on_both_sides() {
        let quota = Quota::new(1, Duration::from_secs(1), 5).unwrap();
        let debt = take(&quota, Span::ZERO, 2).unwrap();
        assert_eq!(adjust(&quota, debt, i64::MIN), Span::ZERO);
        assert_eq!(adjust(&quota, debt, i64::MAX), quota.largest_debt());
        assert_eq!(quota.largest_debt(), quota.time_of(10));
        assert_eq!(take(&quota, quota.largest_debt(), 1), None);
        assert!(take(&quota, quota.largest_debt(), 0).is_some(), "asking costs nothing");
        let larger = quota.time_of(50);
        assert_eq!(adjust(&quota, larger, 1), larger);
    }

    #[test]
    fn a_lease_is_what_is_there() {
        let quota = Quota::new(1, Duration::from_secs(1), 5).unwrap();
        let debt = quota.time_of(3);
        assert_eq!(available(&quota, debt, 9, 1), 2);
        assert_eq!(available(&quota, debt, 1, 1), 1);
        assert_eq!(available(&quota, debt, 9, 3), 0);
        assert_eq!(available(&quota, quota.largest_debt(), 9, 0), 0);
    }
}
