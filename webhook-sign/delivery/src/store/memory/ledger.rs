use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use slab::Slab;
use stonework_webhook_sign::MessageId;

use super::endpoint::Endpoint;
use super::record::{EndpointAt, Record, RecordAt, Timer};
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
    /// Endpoints that have records, of each state and, without one, of any.
    pub(super) listed: HashMap<Option<StateKind>, BTreeMap<EndpointId, EndpointAt>>,
    /// What happens by itself: leases end, and records and endpoints are forgotten.
    timers: BTreeSet<(Duration, Timer)>,
    /// Endpoints with something due, by when, and those that were served longest ago first.
    ready: BTreeSet<(Duration, u64, EndpointAt)>,
    /// The records that wait in each order that is in use.
    pub(super) lanes: HashMap<(EndpointAt, OrderKey), VecDeque<RecordAt>>,
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
                Some(&(when, timer)) if when <= now => self.time_is_up(timer, now),
                _ => return,
            }
        }
    }

    fn time_is_up(&mut self, timer: Timer, now: Duration) {
        match timer {
            Timer::Endpoint(at) => self.forget_endpoint(at, now),
            Timer::Record(at) if self.records[at].state == StateKind::Sending => {
                self.unlease(at);
                self.records[at].lost = self.records[at].lost.saturating_add(1);
                self.put(at, StateKind::Queued, now);
                self.refresh(self.records[at].endpoint);
            }
            Timer::Record(at) => self.forget(at, now),
        }
    }

    pub(super) fn forget(&mut self, at: RecordAt, now: Duration) {
        self.displace(at);
        let record = self.records.remove(at);
        self.bytes -= record.bytes();
        self.ids.remove(&(record.endpoint, record.message));
        self.forget_endpoint(record.endpoint, now);
    }

    /// Forgets an endpoint of which there is nothing to remember, at once or when that is so.
    pub(super) fn forget_endpoint(&mut self, at: EndpointAt, now: Duration) {
        let endpoint = &mut self.endpoints[at];
        let idle_from = endpoint.idle_from();
        if let Some(when) = std::mem::replace(&mut endpoint.timer, idle_from) {
            self.timers.remove(&(when, Timer::Endpoint(at)));
        }
        match idle_from {
            Some(when) if when <= now => {
                self.pass_by(at);
                let endpoint = self.endpoints.remove(at);
                self.names.remove(&endpoint.id);
            }
            Some(when) => {
                self.timers.insert((when, Timer::Endpoint(at)));
            }
            None => {}
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::{Ack, Purge};
    use bytes::Bytes;
    use http::HeaderValue;

    const NOW: Duration = Duration::from_secs(1_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const LIMITS: Limits = Limits { messages: 10_000, bytes: 10_000 };

    pub(in super::super) fn enqueued(ledger: &mut Ledger, endpoint: &str, message: &str) {
        let id = DeliveryId::new(EndpointId::new(endpoint).unwrap(), MessageId::new(message));
        let text = HeaderValue::from_static("text/plain");
        let payload = Payload::new(text, Bytes::from_static(b"x")).unwrap();
        let mut enqueue = Enqueue::new(id.unwrap(), payload);
        enqueue.order = Some(OrderKey::new("order").unwrap());
        assert_eq!(ledger.enqueue(enqueue, NOW, LIMITS), Enqueued::Queued);
    }

    /// Claims all, acknowledges this one for a minute, and gives the others back.
    pub(in super::super) fn acked(ledger: &mut Ledger, endpoint: &str, message: &str) {
        let claim = Claim::new(LeaseToken::random(), 10_000, MINUTE, 10_000);
        for leased in ledger.claim(claim, NOW).leased {
            let id = &leased.lease.id;
            if (id.endpoint().as_str(), id.message().as_str()) == (endpoint, message) {
                ledger.ack(&Ack::new(leased.lease, MINUTE), NOW);
            } else {
                ledger.retry(&crate::store::Retry::untried(leased.lease, Duration::ZERO), NOW);
            }
        }
    }

    fn is_empty(ledger: &Ledger) -> bool {
        let Ledger { records, endpoints, names, ids, listed, timers, ready, lanes, .. } = ledger;
        let is_listed = listed.values().any(|of| !of.is_empty());
        let is_empty = records.is_empty() && endpoints.is_empty() && names.is_empty();
        let is_empty = is_empty && ids.is_empty() && timers.is_empty() && ready.is_empty();
        is_empty && lanes.is_empty() && ledger.leases.is_empty() && ledger.bytes == 0 && !is_listed
    }

    fn pause(ledger: &mut Ledger, endpoint: &str, pause: Duration) {
        let endpoint = EndpointId::new(endpoint).unwrap();
        ledger.change(&Change::new(endpoint, EndpointChange::Pause(pause)), NOW);
    }

    #[test]
    fn a_pause_of_an_endpoint_that_has_nothing_is_forgotten_when_it_is_over() {
        let mut ledger = Ledger::default();
        for at in 0..100 {
            for secs in 1..=3 {
                pause(&mut ledger, &format!("ep_{at}"), Duration::from_secs(secs));
            }
        }
        assert_eq!((ledger.endpoints.len(), ledger.timers.len()), (100, 100), "one for each");
        ledger.sweep(NOW + MINUTE, 100);
        assert!(is_empty(&ledger), "{ledger:?}");
    }

    #[test]
    fn so_is_that_of_one_whose_records_are_forgotten_before() {
        let mut ledger = Ledger::default();
        enqueued(&mut ledger, "ep", "msg_1");
        acked(&mut ledger, "ep", "msg_1");
        pause(&mut ledger, "ep", MINUTE * 3);
        ledger.sweep(NOW + MINUTE * 2, 100);
        assert_eq!((ledger.records.len(), ledger.endpoints.len()), (0, 1), "it is still paused");
        enqueued(&mut ledger, "ep", "msg_2");
        ledger.sweep(NOW + MINUTE * 3, 100);
        assert_eq!(ledger.endpoints.len(), 1, "it has a record");
        let enable = EndpointChange::Enable;
        ledger.change(&Change::new(EndpointId::new("ep").unwrap(), enable), NOW);
        acked(&mut ledger, "ep", "msg_2");
        ledger.sweep(NOW + MINUTE * 4, 100);
        assert!(is_empty(&ledger), "{ledger:?}");
    }

    #[test]
    fn nothing_is_left_of_what_was_purged() {
        let mut ledger = Ledger::default();
        for at in 0..10 {
            enqueued(&mut ledger, "ep", &format!("msg_{at}"));
        }
        acked(&mut ledger, "ep", "msg_0");
        let claim = Claim::new(LeaseToken::random(), 1, MINUTE, 10);
        assert_eq!(ledger.claim(claim, NOW).leased.len(), 1);
        let purge = Purge::new(EndpointId::new("ep").unwrap(), 3);
        let more: Vec<_> = (0..4).map(|_| ledger.purge(&purge, NOW).more).collect();
        assert_eq!(more, [true, true, true, false]);
        assert!(is_empty(&ledger), "{ledger:?}");
    }
}
