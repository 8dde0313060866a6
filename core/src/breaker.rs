use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Decides who may call a store that has stopped answering: nobody, but one probe at a time.
///
/// After [`THRESHOLD`](Breaker::THRESHOLD) failures in a row the breaker opens. While it is open,
/// one caller per cool-down is let through; its success closes the breaker for all. A probe of which
/// nothing is heard counts as failed once `patience` has passed, so that a request that nobody polls
/// cannot keep the breaker open.
///
/// It is pure: the caller brings the time, as [`Clock::monotonic`](crate::Clock::monotonic) gives
/// it.
#[derive(Debug)]
pub struct Breaker {
    failures: AtomicU32,
    /// When the next probe may go, in nanoseconds; zero while closed.
    next_probe: AtomicU64,
    cool_down: Duration,
    patience: Duration,
}

/// What a [`Breaker`] says to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// The store is believed to be well: call it.
    Call,
    /// The store is believed to be away: call it, you are the only one who does.
    Probe,
    /// The store is believed to be away: do not call it.
    Refused,
}

fn nanos(time: Duration) -> u64 {
    // Zero means closed, hence the one.
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1)
}

impl Breaker {
    /// Failures in a row that open the breaker. One lost reply is no outage.
    pub const THRESHOLD: u32 = 3;

    /// A closed breaker. `cool_down` is the pause between probes, `patience` how long an
    /// unanswered probe keeps others from probing.
    pub const fn new(cool_down: Duration, patience: Duration) -> Self {
        Self { failures: AtomicU32::new(0), next_probe: AtomicU64::new(0), cool_down, patience }
    }

    /// Is the store believed to be well? Then [`admit`](Self::admit) would say
    /// [`Admission::Call`] at any time.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.next_probe.load(Ordering::Acquire) == 0
    }

    /// May the store be called now?
    pub fn admit(&self, now: Duration) -> Admission {
        let next = self.next_probe.load(Ordering::Acquire);
        if next == 0 {
            return Admission::Call;
        }
        if nanos(now) < next {
            return Admission::Refused;
        }
        let later = nanos(now.saturating_add(self.patience));
        match self.next_probe.compare_exchange(next, later, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Admission::Probe,
            Err(_) => Admission::Refused,
        }
    }

    /// The store answered.
    #[inline]
    pub fn succeeded(&self) {
        // A load first: the line stays shared between cores while all is well.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        if self.next_probe.load(Ordering::Relaxed) != 0 {
            self.next_probe.store(0, Ordering::Release);
        }
    }

    /// The store did not answer, or not in time.
    pub fn failed(&self, now: Duration) {
        let before = self.failures.load(Ordering::Relaxed);
        self.failures.store(before.saturating_add(1), Ordering::Relaxed);
        if before.saturating_add(1) >= Self::THRESHOLD {
            let next = nanos(now.saturating_add(self.cool_down));
            self.next_probe.store(next, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn open() -> Breaker {
        let breaker = Breaker::new(ms(100), ms(500));
        for _ in 0..Breaker::THRESHOLD {
            assert_eq!(breaker.admit(ms(0)), Admission::Call);
            breaker.failed(ms(0));
        }
        breaker
    }

    #[test]
    fn one_probe_per_cool_down() {
        let breaker = open();
        assert_eq!(breaker.admit(ms(99)), Admission::Refused);
        assert_eq!(breaker.admit(ms(100)), Admission::Probe);
        assert_eq!(breaker.admit(ms(101)), Admission::Refused);
        breaker.failed(ms(110));
        assert_eq!(breaker.admit(ms(209)), Admission::Refused);
        assert_eq!(breaker.admit(ms(210)), Admission::Probe);
    }

    #[test]
    fn a_probe_that_succeeds_closes() {
        let breaker = open();
        assert_eq!(breaker.admit(ms(100)), Admission::Probe);
        breaker.succeeded();
        assert_eq!(breaker.admit(ms(101)), Admission::Call);
        breaker.failed(ms(102));
        assert_eq!(breaker.admit(ms(103)), Admission::Call, "one failure is no outage");
    }

    #[test]
    fn a_probe_without_a_word_is_replaced() {
        let breaker = open();
        assert_eq!(breaker.admit(ms(100)), Admission::Probe);
        assert_eq!(breaker.admit(ms(599)), Admission::Refused);
        assert_eq!(breaker.admit(ms(600)), Admission::Probe);
    }
}
