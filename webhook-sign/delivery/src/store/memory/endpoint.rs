use std::collections::BTreeSet;
use std::time::Duration;

use super::record::Place;
use crate::store::{Became, EndpointState, Health, StateKind};
use crate::{DisableReason, EndpointId};

#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) id: EndpointId,
    /// All its records, those that are queued first, by when they are due.
    pub(super) records: BTreeSet<Place>,
    pub(super) sending: u32,
    paused_until: Duration,
    is_probing: bool,
    failures: u32,
    refusals: u32,
    failing_since: Duration,
    pub(super) disabled: Option<DisableReason>,
    /// When it was served last, and which of all services that was.
    served: (Duration, u64),
    /// Where it stands among those that wait to be served.
    pub(super) ready: Option<(Duration, u64)>,
    /// When there will be nothing to remember, if it has no records.
    pub(super) timer: Option<Duration>,
}

impl Endpoint {
    pub(super) const fn new(id: EndpointId) -> Self {
        Self {
            id,
            records: BTreeSet::new(),
            sending: 0,
            paused_until: Duration::ZERO,
            is_probing: false,
            failures: 0,
            refusals: 0,
            failing_since: Duration::ZERO,
            disabled: None,
            served: (Duration::ZERO, 0),
            ready: None,
            timer: None,
        }
    }

    /// The record that is due first.
    pub(super) fn head(&self) -> Option<&Place> {
        self.records.first().filter(|place| place.0 == StateKind::Queued)
    }

    /// When it can be served next, and which of those that can be then it is. One that was served is behind those that
    /// were not.
    pub(super) fn next_turn(&self) -> Option<(Duration, u64)> {
        let head = self.head().filter(|_| self.disabled.is_none())?;
        let (served, turn) = self.served;
        Some((head.1.max(self.paused_until).max(served), turn))
    }

    pub(super) const fn is_saturated(&self, per_endpoint: u32) -> bool {
        let most = if self.is_probing { 1 } else { per_endpoint };
        self.sending >= most
    }

    pub(super) const fn serve(&mut self, now: Duration, turn: u64) {
        self.sending = self.sending.saturating_add(1);
        self.served = (now, turn);
    }

    /// What is known of it becomes this, and what that means.
    pub(super) fn turn_into(&mut self, after: EndpointState, now: Duration) -> Became {
        let became = Became::of(self.state(now), after);
        let Health { failures, refusals, failing_for, is_probing } = after.health;
        let until = |pause| now.saturating_add(pause);
        self.paused_until = after.paused_for.map(until).unwrap_or_default();
        (self.failures, self.refusals, self.is_probing) = (failures, refusals, is_probing);
        self.failing_since = now.saturating_sub(failing_for);
        self.disabled = after.disabled;
        became
    }

    pub(super) fn state(&self, now: Duration) -> EndpointState {
        let paused_for = self.paused_until.saturating_sub(now);
        let failing_for = now.saturating_sub(self.failing_since);
        EndpointState {
            sending: self.sending,
            paused_for: (!paused_for.is_zero()).then_some(paused_for),
            disabled: self.disabled,
            health: Health {
                failures: self.failures,
                refusals: self.refusals,
                failing_for: if self.refusals == 0 { Duration::ZERO } else { failing_for },
                is_probing: self.is_probing,
            },
        }
    }

    /// Has it records in this state?
    pub(super) fn has(&self, state: StateKind) -> bool {
        let first = self.records.range((state, Duration::ZERO, 0, 0)..).next();
        first.is_some_and(|place| place.0 == state)
    }

    /// When there is nothing to remember. `None` if somebody has to say so.
    pub(super) fn idle_from(&self) -> Option<Duration> {
        (self.records.is_empty() && self.disabled.is_none()).then_some(self.paused_until)
    }
}
