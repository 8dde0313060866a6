//! An outbox as simple as can be: a list, which is looked through from the beginning each time.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::time::Duration;

use stonework_webhook_delivery::store::{Enqueued, Held, LeaseToken, Requeued};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// From this time on.
    Queued(Duration),
    /// In its order; when it was to be due.
    Waiting(Duration),
    Sending(LeaseToken, Duration),
    /// Nobody has settled it, and the token may.
    Lapsed(LeaseToken),
    Delivered(LeaseToken),
    Dead(LeaseToken),
    /// The token has said when it is due.
    Retried(LeaseToken, Duration),
}

#[derive(Clone, Debug)]
pub struct Record {
    pub endpoint: usize,
    pub message: usize,
    pub order: Option<usize>,
    pub state: State,
    pub tries: u32,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Endpoint {
    pub disabled: bool,
    pub paused_until: Duration,
    pub probing: bool,
    pub failures: u32,
}

/// Failures in a row that make an endpoint rest, and for how long at first.
pub const TRIPS: u32 = 3;
pub const REST: Duration = Duration::from_secs(1);

impl Endpoint {
    /// Was it being tried?
    pub fn succeed(&mut self) -> bool {
        let Self { probing, paused_until, disabled, .. } = *self;
        let paused_until = if probing { Duration::ZERO } else { paused_until };
        *self = Self { disabled, paused_until, ..Self::default() };
        probing
    }

    pub fn fail(&mut self, pause: Option<Duration>, now: Duration) {
        let mut until = pause.map(|pause| now + pause);
        if !self.probing || self.paused_until <= now {
            self.failures += 1;
            let rest = match self.failures {
                ..TRIPS => None,
                TRIPS => Some(REST),
                4 => Some(REST * 2),
                _ => Some(REST * 4),
            };
            until = until.max(rest.map(|rest| now + rest));
        }
        if let Some(until) = until {
            self.probing = true;
            self.paused_until = self.paused_until.max(until);
        }
    }
}

#[derive(Debug, Default)]
pub struct Model {
    /// Those of one order, in the order in which they came.
    pub records: Vec<Record>,
    pub endpoints: [Endpoint; 3],
    pub now: Duration,
}

impl Model {
    pub fn advance(&mut self, by: Duration) {
        self.now += by;
        for record in &mut self.records {
            if let State::Sending(token, ends) = record.state
                && ends <= self.now
            {
                record.state = State::Lapsed(token);
            }
        }
    }

    pub fn find(&mut self, endpoint: usize, message: usize) -> Option<&mut Record> {
        let is_it = |record: &&mut Record| record.endpoint == endpoint && record.message == message;
        self.records.iter_mut().find(is_it)
    }

    fn is_in_use(&self, endpoint: usize, order: usize) -> bool {
        self.records.iter().any(|record| {
            record.endpoint == endpoint
                && record.order == Some(order)
                && !matches!(record.state, State::Delivered(_) | State::Dead(_))
        })
    }

    fn begun(&self, endpoint: usize, order: Option<usize>, when: Duration) -> State {
        match order {
            Some(order) if self.is_in_use(endpoint, order) => State::Waiting(when),
            _ => State::Queued(when),
        }
    }

    pub fn enqueue(
        &mut self,
        endpoint: usize,
        message: usize,
        order: Option<usize>,
        after: Duration,
    ) -> Enqueued {
        if self.find(endpoint, message).is_some() {
            return Enqueued::Duplicate;
        }
        if self.endpoints[endpoint].disabled {
            return Enqueued::Disabled;
        }
        let state = self.begun(endpoint, order, self.now + after);
        self.records.push(Record { endpoint, message, order, state, tries: 0 });
        Enqueued::Queued
    }

    pub fn is_due(&self, record: &Record) -> bool {
        let endpoint = &self.endpoints[record.endpoint];
        let is_due = match record.state {
            State::Queued(when) | State::Retried(_, when) => when <= self.now,
            State::Lapsed(_) => true,
            _ => false,
        };
        is_due && !endpoint.disabled && endpoint.paused_until <= self.now
    }

    /// How many of an endpoint can be claimed.
    pub fn claimable(&self, endpoint: usize, per_endpoint: usize) -> usize {
        let of = || self.records.iter().filter(move |record| record.endpoint == endpoint);
        let sending = of().filter(|record| matches!(record.state, State::Sending(..))).count();
        let most = if self.endpoints[endpoint].probing { 1 } else { per_endpoint };
        of().filter(|record| self.is_due(record)).count().min(most.saturating_sub(sending))
    }

    /// The record that this token may settle.
    pub fn held(&mut self, at: (usize, usize), token: LeaseToken) -> Option<&mut Record> {
        self.find(at.0, at.1).filter(|record| {
            matches!(record.state, State::Sending(by, _) | State::Lapsed(by) if by == token)
        })
    }

    pub fn let_next(&mut self, endpoint: usize, order: Option<usize>) {
        let (Some(_), now) = (order, self.now) else { return };
        let next = self.records.iter_mut().find(|record| {
            record.endpoint == endpoint
                && record.order == order
                && matches!(record.state, State::Waiting(_))
        });
        if let Some(next) = next
            && let State::Waiting(when) = next.state
        {
            next.state = State::Queued(when.max(now));
        }
    }

    pub fn extend(&mut self, at: (usize, usize), token: LeaseToken, by: Duration) -> Held {
        let ends = self.now + by;
        match self.held(at, token) {
            Some(record) => {
                record.state = State::Sending(token, ends);
                Held::Held
            }
            None => Held::Lost,
        }
    }

    pub fn requeue(&mut self, at: (usize, usize)) -> Requeued {
        let Some(place) =
            self.records.iter().position(|record| (record.endpoint, record.message) == at)
        else {
            return Requeued::NotFound;
        };
        match self.records[place].state {
            State::Delivered(_) => Requeued::Delivered,
            State::Dead(_) => {
                let mut record = self.records.remove(place);
                record.state = self.begun(record.endpoint, record.order, self.now);
                record.tries = 0;
                self.records.push(record);
                Requeued::Queued
            }
            _ => Requeued::Queued,
        }
    }

    /// How many there were.
    pub fn purge(&mut self, endpoint: usize) -> usize {
        let before = self.records.len();
        self.records.retain(|record| record.endpoint != endpoint);
        self.endpoints[endpoint] = Endpoint::default();
        before - self.records.len()
    }
}
