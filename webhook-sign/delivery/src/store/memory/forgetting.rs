//! What happens by itself, in its time.

use std::time::Duration;

use super::ledger::Ledger;
use super::record::{EndpointAt, RecordAt, Timer};
use crate::store::StateKind;

impl Ledger {
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
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::ledger::Limits;
    use super::*;
    use crate::store::{
        Ack, Change, Claim, Dead, EndpointChange, EndpointEffect, Enqueue, Enqueued, LeaseToken,
        Payload, Purge, Retry,
    };
    use crate::{DeadReason, DeliveryId, DisableReason, EndpointId, OrderKey};
    use bytes::Bytes;
    use http::HeaderValue;
    use stonework_webhook_sign::MessageId;

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
                ledger.retry(&Retry::untried(leased.lease, Duration::ZERO), NOW);
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

    /// Gone, and its record is forgotten at once.
    fn disabled(ledger: &mut Ledger, endpoint: &str, limits: Limits) -> Enqueued {
        let id = DeliveryId::new(EndpointId::new(endpoint).unwrap(), MessageId::new("msg"));
        let text = HeaderValue::from_static("text/plain");
        let payload = Payload::new(text, Bytes::from_static(b"x")).unwrap();
        let answer = ledger.enqueue(Enqueue::new(id.unwrap(), payload), NOW, limits);
        let claim = Claim::new(LeaseToken::random(), 1, MINUTE, 10);
        for leased in ledger.claim(claim, NOW).leased {
            let mut dead = Dead::new(leased.lease, DeadReason::Unwanted, Duration::ZERO);
            dead.effect = EndpointEffect::Disabled(DisableReason::Gone);
            ledger.dead(&dead, NOW);
        }
        ledger.sweep(NOW, 100);
        answer
    }

    #[test]
    fn endpoints_that_stay_disabled_have_an_end() {
        let (mut ledger, limits) = (Ledger::default(), Limits { messages: 3, ..LIMITS });
        for endpoint in ["ep_1", "ep_2", "ep_3"] {
            assert_eq!(disabled(&mut ledger, endpoint, limits), Enqueued::Queued);
        }
        assert_eq!((ledger.records.len(), ledger.endpoints.len()), (0, 3));
        assert_eq!(disabled(&mut ledger, "ep_4", limits), Enqueued::Full);
        assert_eq!(disabled(&mut ledger, "ep_1", limits), Enqueued::Disabled);
        let enable = |endpoint: &str| {
            Change::new(EndpointId::new(endpoint).unwrap(), EndpointChange::Enable)
        };
        ledger.change(&enable("ep_1"), NOW);
        assert_eq!(disabled(&mut ledger, "ep_4", limits), Enqueued::Queued, "one was forgotten");
        assert_eq!(ledger.endpoints.len(), 3);
    }

    #[test]
    fn one_that_is_remembered_has_the_room_of_its_next_message() {
        let (mut ledger, limits) = (Ledger::default(), Limits { messages: 1, ..LIMITS });
        pause(&mut ledger, "ep_1", MINUTE);
        assert_eq!(disabled(&mut ledger, "ep_2", limits), Enqueued::Full);
        assert_eq!(disabled(&mut ledger, "ep_1", limits), Enqueued::Queued);
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
