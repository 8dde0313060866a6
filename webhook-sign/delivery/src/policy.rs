//! What follows from an attempt: a function of the policy, the attempt and what is known of the endpoint.

use std::time::Duration;

use crate::judge::{Verdict, Verdicts};
use crate::schedule::{Schedule, jittered};
use crate::store::EndpointEffect;
use crate::{Breaker, DeadReason, Patience};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const HOUR: u64 = 60 * 60;

/// How often, how patiently, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(crate) schedule: Schedule,
    pub(crate) jitter: u32,
    pub(crate) attempt_timeout: Duration,
    pub(crate) longest_hint: Duration,
    pub(crate) throttle_pause: Duration,
    pub(crate) disable_after: Option<Duration>,
    pub(crate) breaker: Breaker,
}

impl Policy {
    /// As Standard Webhooks advises: [`Schedule::standard`], 15 s for an attempt, up to a tenth of jitter.
    pub fn standard() -> Self {
        Self {
            schedule: Schedule::standard(),
            jitter: 100,
            attempt_timeout: secs(15),
            longest_hint: secs(24 * HOUR),
            throttle_pause: secs(60),
            disable_after: Some(secs(120 * HOUR)),
            breaker: Breaker::new(10, secs(30), secs(10 * 60)),
        }
    }

    /// As Svix does: [`Schedule::svix`], a fifth of jitter.
    pub fn svix() -> Self {
        Self { schedule: Schedule::svix(), jitter: 200, ..Self::standard() }
    }

    /// For receivers nearby: after 1 s, 2 s and 4 s, without jitter, and 5 s for an attempt.
    pub fn brief() -> Self {
        Self {
            schedule: Schedule::exponential(secs(1), 3),
            jitter: 0,
            attempt_timeout: secs(5),
            throttle_pause: secs(1),
            breaker: Breaker::new(10, secs(1), secs(30)),
            ..Self::standard()
        }
    }

    /// When a message is tried again.
    #[must_use]
    pub fn schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// By how many thousandths a pause is made longer, at most, so that messages which failed together do not come back
    /// together. 0 to 1,000.
    #[must_use]
    pub fn jitter(self, permille: u32) -> Self {
        Self { jitter: permille.min(1_000), ..self }
    }

    /// How long an attempt may take, from the look-up of the name to the end of the answer's body.
    #[must_use]
    pub fn attempt_timeout(self, attempt_timeout: Duration) -> Self {
        Self { attempt_timeout, ..self }
    }

    /// The longest time that `Retry-After` can ask for. Default 24 h.
    #[must_use]
    pub fn longest_hint(self, longest_hint: Duration) -> Self {
        Self { longest_hint, ..self }
    }

    /// How long an endpoint is left alone at least after 429, 502 and 504.
    #[must_use]
    pub fn throttle_pause(self, throttle_pause: Duration) -> Self {
        Self { throttle_pause, ..self }
    }

    /// Disables an endpoint that has taken nothing for so long, at least five times: it failed, or said 429. Default 120 h.
    #[must_use]
    pub fn disable_after(self, time: impl Into<Option<Duration>>) -> Self {
        Self { disable_after: time.into(), ..self }
    }

    /// How long an endpoint that fails is left alone.
    #[must_use]
    pub fn breaker(self, breaker: Breaker) -> Self {
        Self { breaker, ..self }
    }

    /// What to do after attempt number `tries`. `random` is one of 0 to 1,000.
    pub(crate) fn decide(&self, verdict: Verdict, tries: u32, random: u32) -> Decision {
        let patience = Patience::new(self.breaker, self.disable_after);
        let disabled = verdict.disable.map(EndpointEffect::Disabled);
        let failed = |hint| self.again(tries, hint, random, DeadReason::Exhausted);
        let (settlement, effect) = match verdict.result {
            Verdicts::Delivered => (Settlement::Ack, EndpointEffect::None),
            Verdicts::Aborted => (Settlement::Dead(DeadReason::Aborted), EndpointEffect::None),
            Verdicts::Hopeless(reason) => (Settlement::Dead(reason), EndpointEffect::None),
            Verdicts::Unusable => {
                (self.again(tries, None, random, DeadReason::BadEndpoint), EndpointEffect::None)
            }
            Verdicts::Throttled { hint } => {
                let pause = hint.unwrap_or_default().max(self.throttle_pause);
                (failed(hint), EndpointEffect::Throttled { patience, pause })
            }
            Verdicts::Overloaded { hint } => {
                let pause = hint.unwrap_or_default().max(self.throttle_pause);
                (failed(hint), EndpointEffect::Failed { patience, pause: Some(pause) })
            }
            Verdicts::Failed { hint } => {
                (failed(hint), EndpointEffect::Failed { patience, pause: None })
            }
        };
        Decision { settlement, effect: disabled.unwrap_or(effect) }
    }

    fn again(
        &self,
        tries: u32,
        hint: Option<Duration>,
        random: u32,
        at_last: DeadReason,
    ) -> Settlement {
        match self.schedule.after(tries) {
            None => Settlement::Dead(at_last),
            Some(pause) => {
                let pause = pause.max(hint.unwrap_or_default());
                Settlement::Retry { after: jittered(pause, self.jitter, random) }
            }
        }
    }
}

/// What to do with a message, and with its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) settlement: Settlement,
    pub(crate) effect: EndpointEffect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Ack,
    Retry { after: Duration },
    Dead(DeadReason),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DisableReason;
    use proptest::prelude::*;

    fn failed(hint: Option<Duration>) -> Verdict {
        Verdict::of(Verdicts::Failed { hint })
    }

    #[test]
    fn a_failure_follows_the_schedule_or_the_hint_whichever_is_later() {
        let policy = Policy::brief();
        let after = |tries, hint| policy.decide(failed(hint), tries, 0).settlement;
        assert_eq!(after(1, None), Settlement::Retry { after: secs(1) });
        assert_eq!(after(2, Some(secs(1))), Settlement::Retry { after: secs(2) });
        assert_eq!(after(3, Some(secs(90))), Settlement::Retry { after: secs(90) });
        assert_eq!(after(4, Some(secs(90))), Settlement::Dead(DeadReason::Exhausted));
    }

    #[test]
    fn an_endpoint_that_cannot_be_used_has_failed_nothing() {
        let unusable = |tries| Policy::brief().decide(Verdict::of(Verdicts::Unusable), tries, 0);
        assert_eq!(unusable(1).settlement, Settlement::Retry { after: secs(1) });
        assert_eq!(unusable(4).settlement, Settlement::Dead(DeadReason::BadEndpoint));
        for tries in [1, 4] {
            assert_eq!(unusable(tries).effect, EndpointEffect::None);
        }
    }

    #[test]
    fn who_is_overwhelmed_is_left_alone_for_as_long_as_it_says() {
        let policy = Policy::standard().disable_after(secs(7));
        let patience = Patience::new(policy.breaker, Some(secs(7)));
        let effect = |result| policy.decide(Verdict::of(result), 1, 0).effect;
        for (hint, secs) in [(None, 60), (Some(5), 60), (Some(500), 500)] {
            let (hint, pause) = (hint.map(super::secs), super::secs(secs));
            let throttled = EndpointEffect::Throttled { patience, pause };
            assert_eq!(effect(Verdicts::Throttled { hint }), throttled);
            let overloaded = EndpointEffect::Failed { patience, pause: Some(pause) };
            assert_eq!(effect(Verdicts::Overloaded { hint }), overloaded);
            let failed = EndpointEffect::Failed { patience, pause: None };
            assert_eq!(
                effect(Verdicts::Failed { hint }),
                failed,
                "the message waits, others do not"
            );
        }
    }

    #[test]
    fn who_wants_no_more_is_disabled_whatever_became_of_the_message() {
        let policy = Policy::standard();
        for result in [Verdicts::Delivered, Verdicts::Hopeless(DeadReason::Unwanted)] {
            let verdict = Verdict { result, disable: Some(DisableReason::Asked) };
            let decision = policy.decide(verdict, 1, 0);
            assert_eq!(decision.effect, EndpointEffect::Disabled(DisableReason::Asked));
        }
    }

    proptest! {
        /// Whatever fails however, it comes to an end, and never sooner than it was asked to.
        #[test]
        fn every_message_ends(
            hints in prop::collection::vec(prop::option::of(0..86_400_u64), 12),
            random in any::<u32>(),
        ) {
            let policy = Policy::standard();
            for (tries, hint) in (1..).zip(hints) {
                let hint = hint.map(secs);
                match policy.decide(failed(hint), tries, random).settlement {
                    Settlement::Retry { after } => {
                        prop_assert!(tries < 10);
                        prop_assert!(after >= hint.unwrap_or_default());
                        prop_assert!(after <= secs(24 * HOUR) * 11 / 10);
                    }
                    settlement => {
                        prop_assert_eq!(settlement, Settlement::Dead(DeadReason::Exhausted));
                        prop_assert!(tries >= 10);
                    }
                }
            }
        }
    }
}
