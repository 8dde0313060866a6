use std::time::Duration;

use stonework_webhook_sign::MessageId;

use crate::store::{Became, LeaseToken, Payload, StateKind};
use crate::{Attempt, DeadReason, MAX_ATTEMPTS, OrderKey};

/// Where an endpoint stands among all.
pub(super) type EndpointAt = usize;

/// Where a record stands among all.
pub(super) type RecordAt = usize;

/// Whose time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Record(RecordAt),
    Endpoint(EndpointAt),
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) endpoint: EndpointAt,
    pub(super) message: MessageId,
    /// Until it is delivered.
    pub(super) payload: Option<Payload>,
    pub(super) order: Option<OrderKey>,
    pub(super) state: StateKind,
    pub(super) reason: Option<DeadReason>,
    /// Queued or waiting: when it is due. Sending: when the lease ends. Else: until when it is kept.
    pub(super) when: Duration,
    /// Which it is among those of the same time, in the order in which they came.
    pub(super) sequence: u64,
    /// Who claimed it last.
    pub(super) token: Option<LeaseToken>,
    /// Has that one settled it?
    pub(super) is_settled: bool,
    /// What that did to the endpoint.
    pub(super) became: Became,
    pub(super) tries: u32,
    /// Those that came to nothing.
    pub(super) lost: u32,
    pub(super) attempts: Vec<Attempt>,
    pub(super) created: Duration,
}

impl Record {
    /// Where it stands among those of its endpoint.
    pub(super) const fn place(&self, at: RecordAt) -> Place {
        (self.state, self.when, self.sequence, at)
    }

    /// Does something happen to it by itself, at its time?
    pub(super) const fn has_timer(&self) -> bool {
        matches!(self.state, StateKind::Sending | StateKind::Delivered | StateKind::Dead)
    }

    /// May this token still settle it?
    pub(super) fn is_held_by(&self, token: LeaseToken) -> bool {
        let is_open = match self.state {
            StateKind::Sending => true,
            StateKind::Queued => !self.is_settled,
            StateKind::Waiting | StateKind::Delivered | StateKind::Dead => false,
        };
        is_open && self.token == Some(token)
    }

    /// The attempt that was thought lost is not.
    pub(super) const fn find_again(&mut self) {
        self.lost = self.lost.saturating_sub(1);
    }

    pub(super) fn note(&mut self, attempt: Option<Attempt>) {
        let Some(attempt) = attempt else { return };
        if self.attempts.len() >= MAX_ATTEMPTS {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }

    pub(super) fn bytes(&self) -> usize {
        self.payload.as_ref().map_or(0, |payload| payload.body().len())
    }
}

/// State, time, sequence, record.
pub(super) type Place = (StateKind, Duration, u64, RecordAt);
