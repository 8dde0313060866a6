use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use slab::Slab;
use stonework_webhook_sign::MessageId;

use super::endpoint::Endpoint;
use super::record::{EndpointAt, Record, RecordAt, Timer};
use crate::store::{
    Became, Change, EndpointChange, EndpointEffect, EndpointState, Enqueue, Enqueued, LeaseToken,
    StateKind,
};
use crate::{DeliveryId, EndpointId, OrderKey};

/// Leases that have run out and records whose time has passed, that one operation looks after at most.
pub(super) const SWEEP: usize = 64;

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
    pub(super) ids: HashMap<(EndpointAt, MessageId), RecordAt>,
    /// Endpoints that have records, of each state and, without one, of any.
    pub(super) listed: HashMap<Option<StateKind>, BTreeMap<EndpointId, EndpointAt>>,
    /// What happens by itself: leases end, and records and endpoints are forgotten.
    pub(super) timers: BTreeSet<(Duration, Timer)>,
    /// Endpoints with something due, by when, and those that were served longest ago first.
    pub(super) ready: BTreeSet<(Duration, u64, EndpointAt)>,
    /// The records that wait in each order that is in use.
    pub(super) lanes: HashMap<(EndpointAt, OrderKey), VecDeque<RecordAt>>,
    /// The records that each token has leased.
    pub(super) leases: HashMap<LeaseToken, Vec<RecordAt>>,
    pub(super) bytes: usize,
    sequence: u64,
    pub(super) turn: u64,
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
        let bytes = enqueue.payload.body().len();
        if !self.has_room(known, bytes, limits) {
            // What has outlived its time makes room.
            self.sweep(now, usize::MAX);
            let known = self.names.get(enqueue.id.endpoint()).copied();
            if !self.has_room(known, bytes, limits) {
                return Enqueued::Full;
            }
        }
        self.insert(enqueue, now);
        Enqueued::Queued
    }

    /// Is there room for a message of so many bytes to this endpoint?
    fn has_room(&self, endpoint: Option<EndpointAt>, bytes: usize, limits: Limits) -> bool {
        let is_counted = endpoint.is_some_and(|at| self.endpoints[at].records.is_empty());
        let held = self.len() + self.endpoints_alone() + usize::from(!is_counted);
        held <= limits.messages && self.bytes.saturating_add(bytes) <= limits.bytes
    }

    /// Endpoints without a record of which there is something to remember. As long as one is disabled it is not forgotten,
    /// so each takes the room of a message, or there would be no end of them.
    fn endpoints_alone(&self) -> usize {
        let with_records = self.listed.get(&None).map_or(0, BTreeMap::len);
        self.endpoints.len().saturating_sub(with_records)
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
        self.place(at);
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
        self.displace(at);
        let record = &mut self.records[at];
        (record.state, record.when) = (state, when);
        self.place(at);
    }

    /// Puts a record into its place.
    pub(super) fn place(&mut self, at: RecordAt) {
        let record = &self.records[at];
        let endpoint = &mut self.endpoints[record.endpoint];
        let (is_first, has) = (endpoint.records.is_empty(), endpoint.has(record.state));
        for (state, is_new) in [(None, is_first), (Some(record.state), !has)] {
            if is_new {
                let listed = self.listed.entry(state).or_default();
                listed.insert(endpoint.id.clone(), record.endpoint);
            }
        }
        endpoint.records.insert(record.place(at));
        if record.has_timer() {
            self.timers.insert((record.when, Timer::Record(at)));
        }
    }

    /// Takes a record out of its place.
    pub(super) fn displace(&mut self, at: RecordAt) {
        let record = &self.records[at];
        let endpoint = &mut self.endpoints[record.endpoint];
        endpoint.records.remove(&record.place(at));
        let (is_last, has) = (endpoint.records.is_empty(), endpoint.has(record.state));
        for (state, is_gone) in [(None, is_last), (Some(record.state), !has)] {
            if is_gone && let Some(listed) = self.listed.get_mut(&state) {
                listed.remove(&endpoint.id);
            }
        }
        if record.has_timer() {
            self.timers.remove(&(record.when, Timer::Record(at)));
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

    pub(super) fn pass_by(&mut self, at: EndpointAt) {
        if let Some((when, turn)) = self.endpoints[at].ready.take() {
            self.ready.remove(&(when, turn, at));
        }
    }

    pub(super) const fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
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
