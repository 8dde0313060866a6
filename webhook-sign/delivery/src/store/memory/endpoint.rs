use std::collections::BTreeSet;
use std::time::Duration;

use super::record::Place;
use crate::store::{EndpointEffect, EndpointState, Health, StateKind};
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
    failing_since: Option<Duration>,
    pub(super) disabled: Option<DisableReason>,
    /// When it was served last, and which of all services that was.
    served: (Duration, u64),
    /// Where it stands among those that wait to be served.
    pub(super) ready: Option<(Duration, u64)>,
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
            failing_since: None,
            disabled: None,
            served: (Duration::ZERO, 0),
            ready: None,
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

    /// One record was delivered. Was the endpoint being tried?
    pub(super) const fn succeed(&mut self) -> bool {
        let recovered = self.is_probing;
        if recovered {
            self.paused_until = Duration::ZERO;
        }
        self.is_probing = false;
        self.failures = 0;
        self.failing_since = None;
        recovered
    }

    pub(super) fn feel(&mut self, effect: EndpointEffect, now: Duration) {
        match effect {
            EndpointEffect::None => {}
            EndpointEffect::Failed { pause } => {
                self.failures = self.failures.saturating_add(1);
                self.failing_since.get_or_insert(now);
                if let Some(pause) = pause {
                    self.is_probing = true;
                    self.pause(pause, now);
                }
            }
            EndpointEffect::Throttled { pause } => self.pause(pause, now),
            EndpointEffect::Disabled(reason) => {
                self.disabled.get_or_insert(reason);
            }
        }
    }

    pub(super) fn pause(&mut self, pause: Duration, now: Duration) {
        self.paused_until = self.paused_until.max(now.saturating_add(pause));
    }

    pub(super) const fn enable(&mut self) {
        self.disabled = None;
        self.paused_until = Duration::ZERO;
        self.is_probing = false;
        self.failures = 0;
        self.failing_since = None;
    }

    pub(super) fn health(&self, now: Duration) -> Health {
        let failing_for = self.failing_since.map(|since| now.saturating_sub(since));
        Health {
            failures: self.failures,
            failing_for: failing_for.unwrap_or_default(),
            is_probing: self.is_probing,
        }
    }

    pub(super) fn state(&self, now: Duration) -> EndpointState {
        let paused_for = self.paused_until.saturating_sub(now);
        EndpointState {
            sending: self.sending,
            paused_for: (!paused_for.is_zero()).then_some(paused_for),
            disabled: self.disabled,
            health: self.health(now),
        }
    }

    /// Is there nothing to remember?
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        self.records.is_empty() && self.disabled.is_none() && self.paused_until <= now
    }
}
