//! Random histories of the outbox in memory beside a model of it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/hand.rs"]
mod hand;
#[path = "support/model.rs"]
mod model;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hand::Hand;
use http::HeaderValue;
use model::{Model, REST, State, TRIPS};
use proptest::prelude::*;
use stonework_webhook_delivery::store::{
    Ack, Change, Claim, Counts, Dead, EndpointChange, EndpointEffect, EndpointState, Enqueue,
    Extend, Lease, LeaseToken, List, MemoryOutbox, Outbox, Payload, Purge, Requeue, Retry, Settled,
    StateKind, StoreError, StoreFuture,
};
use stonework_webhook_delivery::{
    Breaker, DeadReason, DeliveryId, DisableReason, EndpointId, MessageId, OrderKey, Patience,
};

/// A time that does not pass.
const LONG: Duration = Duration::from_secs(1_000_000);

#[derive(Clone, Copy, Debug)]
enum Step {
    Enqueue { endpoint: usize, message: usize, order: Option<usize>, after: u64 },
    Claim { max: usize, lease: u64 },
    ClaimAgain { nth: prop::sample::Index },
    Ack { nth: prop::sample::Index },
    Retry { nth: prop::sample::Index, after: u64, pause: Option<u64>, counts: bool },
    Dead { nth: prop::sample::Index },
    Extend { nth: prop::sample::Index, by: u64 },
    Requeue { endpoint: usize, message: usize },
    Advance { by: u64 },
    Change { endpoint: usize, to: EndpointChange },
    Purge { endpoint: usize },
}

fn step() -> impl Strategy<Value = Step> {
    use prop::sample::Index;
    let (endpoint, message) = (0..3_usize, 0..8_usize);
    let order = prop::option::of(0..2_usize);
    let change = prop_oneof![
        Just(EndpointChange::Disable(DisableReason::Manual)),
        Just(EndpointChange::Enable),
        (0..4_u64).prop_map(|secs| EndpointChange::Pause(Duration::from_secs(secs))),
    ];
    prop_oneof![
        6 => (endpoint.clone(), message.clone(), order, 0..4_u64).prop_map(
            |(endpoint, message, order, after)| Step::Enqueue { endpoint, message, order, after }
        ),
        6 => (0..6_usize, 1..5_u64).prop_map(|(max, lease)| Step::Claim { max, lease }),
        1 => any::<Index>().prop_map(|nth| Step::ClaimAgain { nth }),
        4 => any::<Index>().prop_map(|nth| Step::Ack { nth }),
        4 => (any::<Index>(), 0..4_u64, prop::option::of(0..3_u64), any::<bool>()).prop_map(
            |(nth, after, pause, counts)| Step::Retry { nth, after, pause, counts }
        ),
        2 => any::<Index>().prop_map(|nth| Step::Dead { nth }),
        2 => (any::<Index>(), 1..5_u64).prop_map(|(nth, by)| Step::Extend { nth, by }),
        2 => (endpoint.clone(), message)
            .prop_map(|(endpoint, message)| Step::Requeue { endpoint, message }),
        4 => (0..4_u64).prop_map(|by| Step::Advance { by }),
        1 => endpoint.clone().prop_map(|endpoint| Step::Purge { endpoint }),
        1 => (endpoint, change).prop_map(|(endpoint, to)| Step::Change { endpoint, to }),
    ]
}

fn now<T: std::fmt::Debug>(answer: StoreFuture<Result<T, StoreError>>) -> T {
    answer.try_ready().unwrap().unwrap()
}

fn endpoint_id(endpoint: usize) -> EndpointId {
    EndpointId::new(format!("ep_{endpoint}")).unwrap()
}

fn id(endpoint: usize, message: usize) -> DeliveryId {
    DeliveryId::new(endpoint_id(endpoint), MessageId::new(format!("msg_{message}"))).unwrap()
}

fn place(id: &DeliveryId) -> (usize, usize) {
    let number = |text: &str| text.rsplit('_').next().unwrap().parse().unwrap();
    (number(id.endpoint().as_str()), number(id.message().as_str()))
}

/// The outbox, its model, and all leases that there ever were.
struct Both {
    outbox: MemoryOutbox,
    clock: Hand,
    model: Mutex<Model>,
    leases: Vec<Lease>,
    per_endpoint: u32,
}

impl Both {
    fn new(per_endpoint: u32) -> Self {
        let clock = Hand::default();
        let outbox = MemoryOutbox::builder().clock(Arc::new(clock.clone())).build().unwrap();
        Self { outbox, clock, model: Mutex::default(), leases: Vec::new(), per_endpoint }
    }

    fn lease(&self, nth: prop::sample::Index) -> Option<Lease> {
        (!self.leases.is_empty()).then(|| nth.get(&self.leases).clone())
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Enqueue { endpoint, message, order, after } => {
                let json = HeaderValue::from_static("application/json");
                let payload = Payload::new(json, Bytes::from(vec![b'x'; message])).unwrap();
                let mut enqueue = Enqueue::new(id(endpoint, message), payload);
                enqueue.after = Duration::from_secs(after);
                enqueue.order = order.map(|order| OrderKey::new(format!("o{order}")).unwrap());
                let told = now(self.outbox.enqueue(enqueue));
                let after = Duration::from_secs(after);
                let model = self.model.get_mut().unwrap();
                assert_eq!(told, model.enqueue(endpoint, message, order, after));
            }
            Step::Claim { max, lease } => self.claim(max, lease),
            Step::ClaimAgain { nth } => self.claim_again(nth),
            Step::Ack { nth } => self.ack(nth),
            Step::Retry { nth, after, pause, counts } => self.retry(nth, after, pause, counts),
            Step::Dead { nth } => self.dead(nth),
            Step::Extend { nth, by } => {
                let (Some(lease), by) = (self.lease(nth), Duration::from_secs(by)) else { return };
                let told = now(self.outbox.extend(Extend::new(lease.clone(), by)));
                let model = self.model.get_mut().unwrap();
                assert_eq!(told, model.extend(place(&lease.id), lease.token, by));
            }
            Step::Requeue { endpoint, message } => {
                let told = now(self.outbox.requeue(Requeue::new(id(endpoint, message))));
                assert_eq!(told, self.model.get_mut().unwrap().requeue((endpoint, message)));
            }
            Step::Purge { endpoint } => {
                let told = now(self.outbox.purge(Purge::new(endpoint_id(endpoint), 100)));
                let removed = self.model.get_mut().unwrap().purge(endpoint);
                assert_eq!((told.removed, told.more), (removed, false));
            }
            Step::Advance { by } => {
                self.clock.turn(by);
                self.model.get_mut().unwrap().advance(Duration::from_secs(by));
            }
            Step::Change { endpoint, to } => {
                now(self.outbox.change(Change::new(endpoint_id(endpoint), to)));
                let model = self.model.get_mut().unwrap();
                let (at, now) = (&mut model.endpoints[endpoint], model.now);
                match to {
                    EndpointChange::Disable(_) => at.disabled = true,
                    EndpointChange::Pause(by) => at.paused_until = at.paused_until.max(now + by),
                    _ => *at = model::Endpoint::default(),
                }
            }
        }
    }

    /// Which records are claimed is the outbox's choice; how many, and that each may be, is not.
    fn claim(&mut self, max: usize, lease: u64) {
        let per_endpoint = self.per_endpoint;
        let (token, lease) = (LeaseToken::random(), Duration::from_secs(lease));
        let model = self.model.get_mut().unwrap();
        let possible: usize = (0..3).map(|at| model.claimable(at, per_endpoint as usize)).sum();
        let leased = now(self.outbox.claim(Claim::new(token, max, lease, per_endpoint))).leased;
        assert_eq!(leased.len(), possible.min(max), "{model:?}");
        for leased in leased {
            let (endpoint, message) = place(&leased.lease.id);
            let record = model.find(endpoint, message).unwrap().clone();
            assert!(model.is_due(&record), "{record:?}");
            assert!(model.claimable(endpoint, per_endpoint as usize) > 0, "one too many");
            let ends = model.now + lease;
            let record = model.find(endpoint, message).unwrap();
            record.state = State::Sending(token, ends);
            record.tries += 1;
            assert_eq!(leased.tries, record.tries);
            assert_eq!(leased.payload.body().len(), message);
            self.leases.push(leased.lease);
        }
    }

    fn claim_again(&mut self, nth: prop::sample::Index) {
        let Some(Lease { token, .. }) = self.lease(nth) else { return };
        let model = self.model.get_mut().unwrap();
        let is_leased =
            |at: &&model::Record| matches!(at.state, State::Sending(by, _) if by == token);
        let mine: HashSet<_> =
            model.records.iter().filter(is_leased).map(|at| (at.endpoint, at.message)).collect();
        if mine.is_empty() {
            return;
        }
        let again = now(self.outbox.claim(Claim::new(token, 100, LONG, 100))).leased;
        let again: HashSet<_> = again.iter().map(|leased| place(&leased.lease.id)).collect();
        assert_eq!(again, mine);
    }

    fn ack(&mut self, nth: prop::sample::Index) {
        let Some(lease) = self.lease(nth) else { return };
        let told = now(self.outbox.ack(Ack::new(lease.clone(), LONG)));
        let (at, token) = (place(&lease.id), lease.token);
        let model = self.model.get_mut().unwrap();
        if let Some(record) = model.held(at, token) {
            record.state = State::Delivered(token);
            let order = record.order;
            model.let_next(at.0, order);
            let recovered = model.endpoints[at.0].succeed();
            let Settled::Done(became) = told else { panic!("it is done") };
            assert_eq!((became.recovered, became.disabled), (recovered, None));
        } else {
            let state = model.find(at.0, at.1).map(|record| record.state);
            let is_done = state == Some(State::Delivered(token));
            assert_eq!(told != Settled::Lost, is_done);
        }
    }

    fn retry(&mut self, nth: prop::sample::Index, after: u64, pause: Option<u64>, counts: bool) {
        let Some(lease) = self.lease(nth) else { return };
        let pause = pause.map(Duration::from_secs);
        let after = Duration::from_secs(after);
        let patience = Patience::new(Breaker::new(TRIPS, REST, REST * 4), None);
        let effect = EndpointEffect::Failed { patience, pause };
        let mut retry = Retry::new(lease.clone(), after);
        retry.effect = effect;
        retry.counts = if counts { Counts::Tried } else { Counts::Untried };
        let told = now(self.outbox.retry(retry));
        let (at, token) = (place(&lease.id), lease.token);
        let model = self.model.get_mut().unwrap();
        let moment = model.now;
        if let Some(record) = model.held(at, token) {
            assert_ne!(told, Settled::Lost);
            record.state = State::Retried(token, moment + after);
            record.tries -= u32::from(!counts);
            model.endpoints[at.0].fail(pause, moment);
        } else {
            let state = model.find(at.0, at.1).map(|record| record.state);
            let is_done = matches!(state, Some(State::Retried(by, _)) if by == token);
            assert_eq!(told != Settled::Lost, is_done, "{state:?}");
        }
    }

    fn dead(&mut self, nth: prop::sample::Index) {
        let Some(lease) = self.lease(nth) else { return };
        let told = now(self.outbox.dead(Dead::new(lease.clone(), DeadReason::Aborted, LONG)));
        let (at, token) = (place(&lease.id), lease.token);
        let model = self.model.get_mut().unwrap();
        if let Some(record) = model.held(at, token) {
            assert_ne!(told, Settled::Lost);
            record.state = State::Dead(token);
            let order = record.order;
            model.let_next(at.0, order);
        } else {
            let state = model.find(at.0, at.1).map(|record| record.state);
            let is_done = state == Some(State::Dead(token));
            assert_eq!(told != Settled::Lost, is_done);
        }
    }

    /// What is known is so, and what is listed is what there is.
    fn compare(&mut self) {
        for (at, endpoint) in self.model.get_mut().unwrap().endpoints.iter().enumerate() {
            let EndpointState { health, disabled, .. } = now(self.outbox.endpoint(endpoint_id(at)));
            let is = (health.failures, health.is_probing, disabled.is_some());
            assert_eq!(is, (endpoint.failures, endpoint.probing, endpoint.disabled));
        }
        let model = self.model.get_mut().unwrap();
        let entries = now(self.outbox.list(List::new(1_000))).entries;
        assert_eq!(entries.len(), model.records.len());
        for entry in entries {
            let (endpoint, message) = place(&entry.id);
            let record = model.find(endpoint, message).unwrap();
            assert_eq!(entry.tries, record.tries);
            let kind = entry.state.kind();
            let is_same = match record.state {
                State::Queued(_) | State::Retried(..) => kind == StateKind::Queued,
                State::Waiting(_) => kind == StateKind::Waiting,
                State::Sending(..) => kind == StateKind::Sending,
                // Until somebody notices.
                State::Lapsed(_) => matches!(kind, StateKind::Queued | StateKind::Sending),
                State::Delivered(_) => kind == StateKind::Delivered,
                State::Dead(_) => kind == StateKind::Dead,
            };
            assert!(is_same, "{entry:?} is {record:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_outbox_is_its_model(
        steps in prop::collection::vec(step(), 1..120), per_endpoint in 1..4_u32,
    ) {
        let mut both = Both::new(per_endpoint);
        for step in steps {
            both.run(step);
            both.compare();
        }
    }
}
