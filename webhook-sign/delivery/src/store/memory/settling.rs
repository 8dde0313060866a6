//! What becomes of a record that was claimed.

use std::time::Duration;

use super::ledger::Ledger;
use super::record::RecordAt;
use crate::Attempt;
use crate::store::{
    Ack, Became, Counts, Dead, EndpointEffect, Extend, Held, Lease, Requeue, Requeued, Retry,
    Settled, StateKind,
};

/// Whose is it?
enum Whose {
    Mine(RecordAt),
    /// It is as this operation would have made it, by the same token.
    Done(Became),
    Lost,
}

impl Ledger {
    fn whose(&self, lease: &Lease, done: StateKind) -> Whose {
        let Some(at) = self.find(&lease.id) else { return Whose::Lost };
        let record = &self.records[at];
        if record.is_held_by(lease.token) {
            Whose::Mine(at)
        } else if record.state == done && record.is_settled && record.token == Some(lease.token) {
            Whose::Done(record.became)
        } else {
            Whose::Lost
        }
    }

    /// Takes a record out of its lease, with the attempt that was made.
    fn settle(&mut self, at: RecordAt, attempt: Option<Attempt>) {
        self.unlease(at);
        let record = &mut self.records[at];
        if record.state == StateKind::Queued {
            record.find_again();
        }
        record.is_settled = true;
        record.note(attempt);
    }

    /// What the settled record means for its endpoint, as that is now.
    fn affect(&mut self, at: RecordAt, effect: EndpointEffect, now: Duration) -> Settled {
        let endpoint = self.records[at].endpoint;
        let mut state = self.endpoints[endpoint].state(now);
        if self.records[at].state == StateKind::Delivered {
            state = state.succeeded();
        }
        let became = self.endpoints[endpoint].turn_into(state.felt(effect), now);
        self.records[at].became = became;
        self.refresh(endpoint);
        Settled::Done(became)
    }

    pub(super) fn ack(&mut self, ack: &Ack, now: Duration) -> Settled {
        let at = match self.whose(&ack.lease, StateKind::Delivered) {
            Whose::Mine(at) => at,
            Whose::Done(became) => return Settled::Done(became),
            Whose::Lost => return Settled::Lost,
        };
        self.settle(at, ack.attempt);
        self.drop_payload(at);
        self.put(at, StateKind::Delivered, now.saturating_add(ack.keep));
        self.let_next(at, now);
        self.affect(at, ack.effect, now)
    }

    pub(super) fn retry(&mut self, retry: &Retry, now: Duration) -> Settled {
        let at = match self.whose(&retry.lease, StateKind::Queued) {
            Whose::Mine(at) => at,
            Whose::Done(became) => return Settled::Done(became),
            Whose::Lost => return Settled::Lost,
        };
        self.settle(at, retry.attempt);
        let record = &mut self.records[at];
        match retry.counts {
            Counts::Tried => {}
            Counts::Untried => record.tries = record.tries.saturating_sub(1),
            Counts::Lost => record.lost = record.lost.saturating_add(1),
        }
        self.put(at, StateKind::Queued, now.saturating_add(retry.after));
        self.affect(at, retry.effect, now)
    }

    pub(super) fn dead(&mut self, dead: &Dead, now: Duration) -> Settled {
        let at = match self.whose(&dead.lease, StateKind::Dead) {
            Whose::Mine(at) => at,
            Whose::Done(became) => return Settled::Done(became),
            Whose::Lost => return Settled::Lost,
        };
        self.settle(at, dead.attempt);
        self.records[at].reason = Some(dead.reason);
        self.put(at, StateKind::Dead, now.saturating_add(dead.keep));
        self.let_next(at, now);
        self.affect(at, dead.effect, now)
    }

    pub(super) fn extend(&mut self, extend: &Extend, now: Duration) -> Held {
        let Some(at) = self.find(&extend.lease.id) else { return Held::Lost };
        let record = &self.records[at];
        if !record.is_held_by(extend.lease.token) {
            return Held::Lost;
        }
        // One that ran out, and that nobody has claimed since, is leased again.
        if record.state == StateKind::Queued {
            self.lease_again(at, extend.lease.token);
        }
        self.put(at, StateKind::Sending, now.saturating_add(extend.by));
        self.refresh(self.records[at].endpoint);
        Held::Held
    }

    pub(super) fn requeue(&mut self, requeue: &Requeue, now: Duration) -> Requeued {
        let Some(at) = self.find(&requeue.id) else { return Requeued::NotFound };
        match self.records[at].state {
            StateKind::Queued | StateKind::Waiting | StateKind::Sending => Requeued::Queued,
            StateKind::Delivered => Requeued::Delivered,
            StateKind::Dead => {
                self.queue_anew(at, now);
                Requeued::Queued
            }
        }
    }

    fn queue_anew(&mut self, at: RecordAt, now: Duration) {
        self.displace(at);
        let sequence = self.next_sequence();
        let record = &mut self.records[at];
        (record.state, record.when, record.sequence) = (StateKind::Queued, now, sequence);
        (record.token, record.reason) = (None, None);
        (record.tries, record.lost) = (0, 0);
        self.line_up(at);
        self.place(at);
        self.refresh(self.records[at].endpoint);
    }
}
