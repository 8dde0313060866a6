use std::time::Duration;

use super::ledger::{Ledger, SWEEP};
use super::record::RecordAt;
use crate::DeliveryId;
use crate::store::{Claim, Claimed, Lease, LeaseToken, Leased, Payload, StateKind};

impl Ledger {
    pub(super) fn claim(&mut self, claim: Claim, now: Duration) -> Claimed {
        self.sweep(now, SWEEP);
        if let Some(records) = self.leases.get(&claim.token) {
            let leased = records.iter().filter_map(|at| self.leased(*at, claim.token));
            return Claimed::new(leased.collect(), None);
        }
        let mut leased = Vec::new();
        while leased.len() < claim.max {
            let Some(&(when, _, at)) = self.ready.first() else { break };
            if when > now {
                break;
            }
            if self.endpoints[at].is_saturated(claim.per_endpoint) {
                // It is looked at again when one of its records is settled.
                self.pass_by(at);
                continue;
            }
            let Some(&(.., record)) = self.endpoints[at].head() else {
                self.pass_by(at);
                continue;
            };
            self.lease(record, &claim, now);
            leased.extend(self.leased(record, claim.token));
        }
        let ready = self.ready.first().map(|(when, ..)| *when);
        let timer = self.timers.first().map(|(when, _)| *when);
        let next = ready.into_iter().chain(timer).min().map(|when| when.saturating_sub(now));
        Claimed::new(leased, next)
    }

    fn lease(&mut self, at: RecordAt, claim: &Claim, now: Duration) {
        self.put(at, StateKind::Sending, now.saturating_add(claim.lease));
        let record = &mut self.records[at];
        record.token = Some(claim.token);
        record.is_settled = false;
        record.tries = record.tries.saturating_add(1);
        self.leases.entry(claim.token).or_default().push(at);
        self.turn += 1;
        let endpoint = record.endpoint;
        self.endpoints[endpoint].serve(now, self.turn);
        self.refresh(endpoint);
    }

    fn leased(&self, at: RecordAt, token: LeaseToken) -> Option<Leased> {
        let record = &self.records[at];
        let endpoint = &self.endpoints[record.endpoint];
        let id = DeliveryId { endpoint: endpoint.id.clone(), message: record.message.clone() };
        let payload: Payload = record.payload.clone()?;
        let leased = Leased::new(Lease::new(id, token), payload, record.tries);
        Some(Leased { lost: record.lost, ..leased })
    }

    /// A record whose lease had run out is its token's again.
    pub(super) fn lease_again(&mut self, at: RecordAt, token: LeaseToken) {
        self.records[at].find_again();
        self.leases.entry(token).or_default().push(at);
        let endpoint = self.records[at].endpoint;
        self.endpoints[endpoint].sending += 1;
    }

    /// A record that was leased is not any more.
    pub(super) fn unlease(&mut self, at: RecordAt) {
        let record = &self.records[at];
        if record.state != StateKind::Sending {
            return;
        }
        let endpoint = &mut self.endpoints[record.endpoint];
        endpoint.sending = endpoint.sending.saturating_sub(1);
        let Some(token) = record.token else { return };
        if let Some(records) = self.leases.get_mut(&token) {
            records.retain(|other| *other != at);
            if records.is_empty() {
                self.leases.remove(&token);
            }
        }
    }
}
