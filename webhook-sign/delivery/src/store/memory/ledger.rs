use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use slab::Slab;
use stonework_webhook_sign::MessageId;

use super::endpoint::Endpoint;
use super::record::{EndpointAt, Record, RecordAt};
use crate::store::{
    Became, Change, Claim, Claimed, EndpointChange, EndpointEffect, EndpointState, Enqueue,
    Enqueued, Lease, LeaseToken, Leased, Payload, StateKind,
};
use crate::{DeliveryId, EndpointId, OrderKey};

/// Leases that have run out and records whose time has passed, that one operation looks after at most.
const SWEEP: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// All records, and where to find them.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) records: Slab<Record>,
    pub(super) endpoints: Slab<Endpoint>,
    pub(super) names: BTreeMap<EndpointId, EndpointAt>,
    ids: HashMap<(EndpointAt, MessageId), RecordAt>,
    /// What happens by itself: leases end, and records are forgotten.
    timers: BTreeSet<(Duration, RecordAt)>,
    /// Endpoints with something due, by when, and those that were served longest ago first.
    ready: BTreeSet<(Duration, u64, EndpointAt)>,
    /// The records that wait in each order that is in use.
    lanes: HashMap<(EndpointAt, OrderKey), VecDeque<RecordAt>>,
    /// The records that each token has leased.
    leases: HashMap<LeaseToken, Vec<RecordAt>>,
    bytes: usize,
    sequence: u64,
    turn: u64,
}

impl Ledger {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn find(&self, id: &DeliveryId) -> Option<RecordAt> {
        let endpoint = *self.names.get(id.endpoint())?;
        self.ids.get(&(endpoint, id.message().clone())).copied()
    }

    pub(super) fn enqueue(&mut self, enqueue: Enqueue, now: Duration, limits: Limits) -> Enqueued {
        self.sweep(now, SWEEP);
        if self.find(&enqueue.id).is_some() {
            return Enqueued::Duplicate;
        }
        let known = self.names.get(enqueue.id.endpoint()).copied();
        if known.is_some_and(|at| self.endpoints[at].disabled.is_some()) {
            return Enqueued::Disabled;
        }
        let bytes = self.bytes.saturating_add(enqueue.payload.body().len());
        if self.len() >= limits.messages || bytes > limits.bytes {
            // What has outlived its time makes room.
            self.sweep(now, usize::MAX);
            let bytes = self.bytes.saturating_add(enqueue.payload.body().len());
            if self.len() >= limits.messages || bytes > limits.bytes {
                return Enqueued::Full;
            }
        }
        self.insert(enqueue, now);
        Enqueued::Queued
    }

    fn insert(&mut self, enqueue: Enqueue, now: Duration) {
        let Enqueue { id: DeliveryId { endpoint, message }, payload, after, order } = enqueue;
        let endpoint = self.endpoint_at(&endpoint);
        self.bytes += payload.body().len();
        let sequence = self.next_sequence();
        let at = self.records.insert(Record {
            endpoint,
            message: message.clone(),
            payload: Some(payload),
            order,
            state: StateKind::Queued,
            reason: None,
            when: now.saturating_add(after),
            sequence,
            token: None,
            is_settled: true,
            became: Became::default(),
            tries: 0,
            lost: 0,
            attempts: Vec::new(),
            created: now,
        });
        self.ids.insert((endpoint, message), at);
        self.line_up(at);
        let place = self.records[at].place(at);
        self.endpoints[endpoint].records.insert(place);
        self.refresh(endpoint);
    }

    pub(super) fn endpoint_at(&mut self, id: &EndpointId) -> EndpointAt {
        if let Some(at) = self.names.get(id) {
            return *at;
        }
        let at = self.endpoints.insert(Endpoint::new(id.clone()));
        self.names.insert(id.clone(), at);
        at
    }

    /// A record that is not in its place begins to wait if its order is in use, and else uses it.
    pub(super) fn line_up(&mut self, at: RecordAt) {
        let record = &mut self.records[at];
        let Some(order) = record.order.clone() else { return };
        match self.lanes.get_mut(&(record.endpoint, order.clone())) {
            Some(waiting) => {
                record.state = StateKind::Waiting;
                waiting.push_back(at);
            }
            None => {
                self.lanes.insert((record.endpoint, order), VecDeque::new());
            }
        }
    }

    /// The next of an order, if there is one, is queued.
    pub(super) fn let_next(&mut self, at: RecordAt, now: Duration) {
        let record = &self.records[at];
        let Some(order) = record.order.clone() else { return };
        let lane = (record.endpoint, order);
        match self.lanes.get_mut(&lane).map(VecDeque::pop_front) {
            Some(Some(next)) => {
                let when = self.records[next].when.max(now);
                self.put(next, StateKind::Queued, when);
            }
            Some(None) => {
                self.lanes.remove(&lane);
            }
            None => {}
        }
    }

    /// Moves a record to another state, with its time there.
    pub(super) fn put(&mut self, at: RecordAt, state: StateKind, when: Duration) {
        let record = &mut self.records[at];
        let endpoint = &mut self.endpoints[record.endpoint];
        endpoint.records.remove(&record.place(at));
        if record.has_timer() {
            self.timers.remove(&(record.when, at));
        }
        record.state = state;
        record.when = when;
        endpoint.records.insert(record.place(at));
        if record.has_timer() {
            self.timers.insert((when, at));
        }
    }

    /// Says anew when an endpoint can be served.
    pub(super) fn refresh(&mut self, at: EndpointAt) {
        let endpoint = &mut self.endpoints[at];
        let next = endpoint.next_turn();
        let before = std::mem::replace(&mut endpoint.ready, next);
        if before == next {
            return;
        }
        if let Some((when, turn)) = before {
            self.ready.remove(&(when, turn, at));
        }
        if let Some((when, turn)) = next {
            self.ready.insert((when, turn, at));
        }
    }

    fn pass_by(&mut self, at: EndpointAt) {
        if let Some((when, turn)) = self.endpoints[at].ready.take() {
            self.ready.remove(&(when, turn, at));
        }
    }

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

    pub(super) const fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
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

    /// Queues what was leased to somebody who has not been heard of since, and forgets what has been kept long enough.
    pub(super) fn sweep(&mut self, now: Duration, at_most: usize) {
        for _ in 0..at_most {
            match self.timers.first() {
                Some(&(when, at)) if when <= now => {
                    if self.records[at].state == StateKind::Sending {
                        self.unlease(at);
                        self.records[at].lost = self.records[at].lost.saturating_add(1);
                        self.put(at, StateKind::Queued, now);
                        self.refresh(self.records[at].endpoint);
                    } else {
                        self.forget(at, now);
                    }
                }
                _ => return,
            }
        }
    }

    fn forget(&mut self, at: RecordAt, now: Duration) {
        let record = self.records.remove(at);
        self.timers.remove(&(record.when, at));
        self.bytes -= record.bytes();
        self.endpoints[record.endpoint].records.remove(&record.place(at));
        self.ids.remove(&(record.endpoint, record.message));
        self.forget_endpoint(record.endpoint, now);
    }

    fn forget_endpoint(&mut self, at: EndpointAt, now: Duration) {
        if self.endpoints[at].is_idle(now) {
            self.pass_by(at);
            let endpoint = self.endpoints.remove(at);
            self.names.remove(&endpoint.id);
        }
    }

    /// The payload is not needed any more.
    pub(super) fn drop_payload(&mut self, at: RecordAt) {
        let record = &mut self.records[at];
        self.bytes -= record.bytes();
        record.payload = None;
    }

    pub(super) fn endpoint(&self, id: &EndpointId, now: Duration) -> EndpointState {
        let at = self.names.get(id);
        at.map(|at| self.endpoints[*at].state(now)).unwrap_or_default()
    }

    pub(super) fn change(&mut self, change: &Change, now: Duration) {
        let at = self.endpoint_at(&change.endpoint);
        let state = self.endpoints[at].state(now);
        let state = match change.to {
            EndpointChange::Disable(reason) => state.felt(EndpointEffect::Disabled(reason)),
            EndpointChange::Enable => EndpointState::default(),
            EndpointChange::Pause(pause) => state.felt(EndpointEffect::Paused { pause }),
        };
        self.endpoints[at].turn_into(state, now);
        self.refresh(at);
        self.forget_endpoint(at, now);
    }
}
