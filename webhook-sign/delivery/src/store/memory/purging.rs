use std::time::Duration;

use super::ledger::Ledger;
use super::record::RecordAt;
use crate::DisableReason;
use crate::store::{EndpointEffect, EndpointState, Purge, Purged, StateKind};

impl Ledger {
    pub(super) fn purge(&mut self, purge: &Purge, now: Duration) -> Purged {
        let Some(&at) = self.names.get(&purge.endpoint) else { return Purged::new(0, false) };
        // While it is disabled it is not forgotten.
        let disabled = EndpointEffect::Disabled(DisableReason::Manual);
        let state = self.endpoints[at].state(now).felt(disabled);
        self.endpoints[at].turn_into(state, now);
        let mut removed = 0;
        while removed < purge.limit.max(1) {
            let Some(&(.., record)) = self.endpoints[at].records.first() else { break };
            self.erase(record, now);
            removed += 1;
        }
        self.refresh(at);
        let more = !self.endpoints[at].records.is_empty();
        if !more {
            self.endpoints[at].turn_into(EndpointState::default(), now);
            self.forget_endpoint(at, now);
        }
        Purged::new(removed, more)
    }

    fn erase(&mut self, at: RecordAt, now: Duration) {
        self.unlease(at);
        let record = &self.records[at];
        match record.state {
            StateKind::Queued | StateKind::Sending => self.let_next(at, now),
            StateKind::Waiting => self.leave(at),
            StateKind::Delivered | StateKind::Dead => {}
        }
        self.forget(at, now);
    }

    /// A record does not wait any more.
    fn leave(&mut self, at: RecordAt) {
        let record = &self.records[at];
        let Some(order) = record.order.clone() else { return };
        if let Some(waiting) = self.lanes.get_mut(&(record.endpoint, order)) {
            waiting.retain(|other| *other != at);
        }
    }
}
