use std::time::Duration;

use crate::store::{EndpointEffect, EndpointState, Health};
use crate::{Breaker, DisableReason};

/// Refusals without which an endpoint is not disabled, however long ago the first one was: an endpoint that gets two
/// messages in a week has not failed for a week.
const REFUSALS_TO_DISABLE: u32 = 5;

/// How much is borne of an endpoint: when it is left alone, and when it is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// How long it is left alone when it fails.
    pub breaker: Breaker,
    /// Since when it must have taken nothing to be disabled. `None`: it never is.
    pub disable_after: Option<Duration>,
    /// How often it must have been tried meanwhile. Default 5.
    pub disable_refusals: u32,
}

impl Patience {
    /// This much.
    pub const fn new(breaker: Breaker, disable_after: Option<Duration>) -> Self {
        Self { breaker, disable_after, disable_refusals: REFUSALS_TO_DISABLE }
    }

    fn is_over(&self, health: Health) -> bool {
        self.disable_after.is_some_and(|time| health.failing_for >= time)
            && health.refusals >= self.disable_refusals
    }
}

/// What becomes of an endpoint when one of its records is settled. Each store does this in the step that settles.
impl EndpointState {
    /// A record was delivered: what it has failed before is over, and so is its pause, if it was being
    /// [tried](Health::is_probing).
    #[must_use]
    pub fn succeeded(self) -> Self {
        let paused_for = self.paused_for.filter(|_| !self.health.is_probing);
        Self { paused_for, health: Health::new(), ..self }
    }

    /// This was felt.
    ///
    /// - [`Failed`](EndpointEffect::Failed) and [`Throttled`](EndpointEffect::Throttled) are one refusal more. If there
    ///   are as many as the patience says, and the first is as long ago, the endpoint is disabled as
    ///   [`Failing`](DisableReason::Failing), and nothing else follows.
    /// - `Failed` is also one failure more, unless the endpoint is being tried and left alone: the attempt was begun
    ///   before that, and tells nothing new. If the breaker has a pause for so many failures, or the effect has one, it is
    ///   left alone for the longer one, and then [tried](Health::is_probing).
    /// - Of two pauses the one that ends later counts. Of two reasons to be disabled the first.
    #[must_use]
    pub fn felt(self, effect: EndpointEffect) -> Self {
        match effect {
            EndpointEffect::None => self,
            EndpointEffect::Paused { pause } => self.paused(pause),
            EndpointEffect::Disabled(reason) => self.disabled(reason),
            EndpointEffect::Throttled { patience, pause } => {
                self.refused(patience, |state| state.paused(pause))
            }
            EndpointEffect::Failed { patience, pause } => {
                self.refused(patience, |state| state.failed(patience.breaker, pause))
            }
        }
    }

    fn refused(mut self, patience: Patience, and: impl FnOnce(Self) -> Self) -> Self {
        self.health.refusals = self.health.refusals.saturating_add(1);
        if patience.is_over(self.health) {
            return self.disabled(DisableReason::Failing);
        }
        and(self)
    }

    fn failed(mut self, breaker: Breaker, pause: Option<Duration>) -> Self {
        let is_resting = self.health.is_probing && self.paused_for.is_some();
        let mut longest = pause;
        if !is_resting {
            self.health.failures = self.health.failures.saturating_add(1);
            longest = pause.max(breaker.pause(self.health.failures));
        }
        let Some(pause) = longest else { return self };
        self.health.is_probing = true;
        self.paused(pause)
    }

    fn paused(self, pause: Duration) -> Self {
        let pause = Some(pause).filter(|pause| !pause.is_zero());
        Self { paused_for: self.paused_for.max(pause), ..self }
    }

    fn disabled(self, reason: DisableReason) -> Self {
        Self { disabled: self.disabled.or(Some(reason)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 60 * 60;
    const BREAKER: Breaker = Breaker::new(3, secs(30), secs(600));
    const PATIENCE: Patience = Patience::new(BREAKER, Some(secs(120 * HOUR)));
    const FAILED: EndpointEffect = EndpointEffect::Failed { patience: PATIENCE, pause: None };
    const THROTTLED: EndpointEffect =
        EndpointEffect::Throttled { patience: PATIENCE, pause: secs(60) };

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn new() -> EndpointState {
        EndpointState::default()
    }

    fn times(effect: EndpointEffect, times: u32) -> EndpointState {
        (0..times).fold(new(), |state, _| state.felt(effect))
    }

    /// One that has refused so often, for so long.
    fn refusing(refusals: u32, hours: u64) -> EndpointState {
        let health = Health { refusals, failing_for: secs(hours * HOUR), ..Health::new() };
        EndpointState { health, ..new() }
    }

    #[test]
    fn failures_in_a_row_make_it_rest_and_then_be_tried() {
        let two = times(FAILED, 2);
        assert_eq!((two.health.failures, two.health.refusals), (2, 2));
        assert_eq!((two.paused_for, two.health.is_probing), (None, false));
        let three = two.felt(FAILED);
        assert_eq!((three.paused_for, three.health.is_probing), (Some(secs(30)), true));
        let over = EndpointState { paused_for: None, ..three };
        assert_eq!(over.felt(FAILED).paused_for, Some(secs(60)), "twice as long");
    }

    #[test]
    fn what_was_begun_before_a_rest_makes_it_no_longer() {
        let resting = times(FAILED, 3);
        let later = resting.felt(FAILED);
        assert_eq!((later.health.failures, later.paused_for), (3, Some(secs(30))));
        assert_eq!(later.health.refusals, 4, "it has taken nothing all the same");
        let hint = EndpointEffect::Failed { patience: PATIENCE, pause: Some(secs(90)) };
        assert_eq!(later.felt(hint).paused_for, Some(secs(90)), "it asked for that");
        // One that rests for another reason has still to be judged.
        let paused = times(FAILED, 2).felt(EndpointEffect::Paused { pause: secs(5) });
        assert_eq!(paused.felt(FAILED).paused_for, Some(secs(30)));
    }

    #[test]
    fn a_success_ends_it() {
        let back = times(FAILED, 3).succeeded();
        assert_eq!(back, new());
        assert_eq!(back.felt(FAILED).paused_for, None, "counted from the beginning");
        let throttled = new().felt(THROTTLED).succeeded();
        assert_eq!(throttled.paused_for, Some(secs(60)), "it still has too much to do");
        let disabled = new().felt(EndpointEffect::Disabled(DisableReason::Gone)).succeeded();
        assert_eq!(disabled.disabled, Some(DisableReason::Gone));
    }

    #[test]
    fn it_is_disabled_when_it_has_taken_nothing_long_and_often() {
        let disabled = Some(DisableReason::Failing);
        for effect in [FAILED, THROTTLED] {
            assert_eq!(refusing(4, 120).felt(effect).disabled, disabled);
            assert_eq!(refusing(3, 500).felt(effect).disabled, None, "not often");
            assert_eq!(refusing(99, 119).felt(effect).disabled, None, "not long");
        }
        let never = Patience { disable_after: None, ..PATIENCE };
        let effect = EndpointEffect::Failed { patience: never, pause: None };
        assert_eq!(refusing(99, 9_999).felt(effect).disabled, None);
        let asked = refusing(4, 120).felt(EndpointEffect::Disabled(DisableReason::Asked));
        assert_eq!(asked.felt(FAILED).disabled, Some(DisableReason::Asked), "the first counts");
    }

    #[test]
    fn throttling_is_no_failure_and_a_pause_is_no_refusal() {
        let throttled = times(THROTTLED, 20);
        assert_eq!((throttled.health.failures, throttled.health.refusals), (0, 20));
        assert_eq!((throttled.paused_for, throttled.health.is_probing), (Some(secs(60)), false));
        let paused = times(EndpointEffect::Paused { pause: secs(1) }, 20);
        assert_eq!((paused.health, paused.paused_for), (Health::new(), Some(secs(1))));
        assert_eq!(new().felt(EndpointEffect::Paused { pause: Duration::ZERO }), new());
    }
}
