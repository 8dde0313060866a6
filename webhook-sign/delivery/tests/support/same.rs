//! The same history, made up by chance, of an outbox and of the one in memory.
#![allow(unreachable_pub)] // A module of tests.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http::HeaderValue;
use stonework_webhook_delivery::store::{
    Ack, Change, Claim, Counts, Dead, EndpointChange, EndpointEffect, EndpointState, Enqueue,
    Entry, Extend, Lease, LeaseToken, List, MemoryOutbox, Outbox, Payload, Purge, Requeue, Retry,
    State,
};
use stonework_webhook_delivery::{
    Attempt, Breaker, DeadReason, DeliveryId, DisableReason, EndpointId, MessageId, OrderKey,
    Patience,
};

/// Longer than a history takes.
const HOUR: Duration = Duration::from_secs(60 * 60);
const BRIEF: Duration = Duration::from_millis(1);

const STEPS: usize = 60;

struct Both<O> {
    one: O,
    other: MemoryOutbox,
    random: Rng,
    leases: Vec<Lease>,
    /// What was asked.
    log: Vec<String>,
}

macro_rules! same {
    ($self:ident, $operation:ident, $asked:expr) => {{
        let asked = $asked;
        $self.log.push(format!("{asked:?}"));
        let one = $self.one.$operation(asked.clone()).await.unwrap();
        let other = $self.other.$operation(asked).await.unwrap();
        $self.compare(&one, &other);
    }};
}

/// # Panics
///
/// When they answer differently.
pub async fn history(seed: u64, one: impl Outbox) {
    let (random, log) = (Rng::with_seed(seed), vec![format!("seed {seed}")]);
    let mut both = Both { one, other: MemoryOutbox::new(), random, leases: Vec::new(), log };
    for _ in 0..STEPS {
        both.step().await;
        both.compare_all().await;
    }
}

impl<O: Outbox> Both<O> {
    fn compare<T: Debug>(&self, one: &T, other: &T) {
        let [one, other] = [one, other].map(|answer| format!("{answer:?}"));
        assert_eq!(one, other, "{:#?}", self.log);
    }

    fn id(&mut self) -> DeliveryId {
        let message = MessageId::new(format!("m{}", self.random.u8(0..6)));
        DeliveryId::new(self.endpoint(), message).unwrap()
    }

    fn endpoint(&mut self) -> EndpointId {
        EndpointId::new(if self.random.bool() { "a" } else { "b" }).unwrap()
    }

    fn time(&mut self) -> Duration {
        if self.random.bool() { Duration::ZERO } else { HOUR }
    }

    fn attempt(&mut self) -> Option<Attempt> {
        Some(Attempt::new(Duration::from_millis(self.random.u64(0..99))))
    }

    fn patience(&mut self) -> Patience {
        let breaker = Breaker::new(self.random.u32(0..5), self.time(), self.time());
        let disable_after = [None, Some(Duration::ZERO), Some(HOUR)][self.random.usize(0..3)];
        let mut patience = Patience::new(breaker, disable_after);
        patience.disable_refusals = 3;
        patience
    }

    fn effect(&mut self) -> EndpointEffect {
        let patience = self.patience();
        match self.random.u8(0..24) {
            0..5 => EndpointEffect::Failed { patience, pause: None },
            5..7 => EndpointEffect::Failed { patience, pause: Some(self.time()) },
            7..10 => EndpointEffect::Throttled { patience, pause: self.time() },
            10 => EndpointEffect::Paused { pause: self.time() },
            11 => EndpointEffect::Disabled(DisableReason::Gone),
            _ => EndpointEffect::None,
        }
    }

    async fn step(&mut self) {
        match self.random.u8(0..12) {
            0..4 => same!(self, enqueue, self.message()),
            4..6 => self.claim().await,
            6 => same!(self, requeue, Requeue::new(self.id())),
            7 if self.random.u8(0..6) == 0 => {
                same!(self, purge, Purge::new(self.endpoint(), 100));
            }
            7 => same!(self, change, self.change()),
            _ => self.settle().await,
        }
    }

    fn message(&mut self) -> Enqueue {
        let json = HeaderValue::from_static("application/json");
        let payload = Payload::new(json, Bytes::from_static(b"{}")).unwrap();
        let mut enqueue = Enqueue::new(self.id(), payload);
        if self.random.u8(0..4) == 0 {
            enqueue.after = self.time();
        }
        // One name is the beginning of the other.
        let name = [None, Some("x"), Some("xy")][self.random.usize(0..3)];
        enqueue.order = name.map(|name| OrderKey::new(name).unwrap());
        enqueue
    }

    fn change(&mut self) -> Change {
        let to = match self.random.u8(0..8) {
            0 => EndpointChange::Disable(DisableReason::Manual),
            1 => EndpointChange::Pause(self.time()),
            _ => EndpointChange::Enable,
        };
        Change::new(self.endpoint(), to)
    }

    /// All that is due: which endpoint is served first differs by the microsecond.
    async fn claim(&mut self) {
        let lease = if self.random.bool() { BRIEF } else { HOUR };
        let claim = Claim::new(LeaseToken::random(), 100, lease, self.random.u32(1..4));
        self.log.push(format!("{claim:?}"));
        let mut claims = [Vec::new(), Vec::new()];
        let claimed = [self.one.claim(claim).await, self.other.claim(claim).await];
        for (leased, claimed) in claims.iter_mut().zip(claimed) {
            leased.extend(
                claimed
                    .unwrap()
                    .leased
                    .into_iter()
                    .map(|leased| (leased.lease, leased.tries, leased.lost)),
            );
            leased.sort_by_key(|(lease, ..)| lease.id.to_string());
        }
        self.compare(&claims[0], &claims[1]);
        self.leases.extend(claims[0].drain(..).map(|(lease, ..)| lease));
        if lease == BRIEF {
            tokio::time::sleep(BRIEF * 4).await;
        }
    }

    async fn settle(&mut self) {
        let Some(lease) = self.random.choice(&self.leases).cloned() else { return };
        let (attempt, effect) = (self.attempt(), self.effect());
        match self.random.u8(0..4) {
            0 => {
                let mut ack = Ack::new(lease, HOUR);
                (ack.attempt, ack.effect) = (attempt, effect);
                same!(self, ack, ack);
            }
            1 => {
                let mut retry = Retry::new(lease, self.time());
                (retry.attempt, retry.effect) = (attempt, effect);
                retry.counts =
                    [Counts::Tried, Counts::Untried, Counts::Lost][self.random.usize(0..3)];
                same!(self, retry, retry);
            }
            2 => {
                let mut dead = Dead::new(lease, DeadReason::Aborted, HOUR);
                (dead.attempt, dead.effect) = (attempt, effect);
                same!(self, dead, dead);
            }
            _ => same!(self, extend, Extend::new(lease, HOUR)),
        }
    }

    async fn compare_all(&mut self) {
        let endpoint = self.endpoint();
        let states =
            [self.one.endpoint(endpoint.clone()).await, self.other.endpoint(endpoint).await];
        let [one, other] = states.map(|state| without_times(state.unwrap()));
        self.compare(&one, &other);
        let pages = [self.one.list(List::new(100)).await, self.other.list(List::new(100)).await];
        let [one, other] = pages.map(|page| {
            let mut entries: Vec<_> = page.unwrap().entries.into_iter().map(without_age).collect();
            entries.sort_by_key(|entry| entry.id.to_string());
            entries
        });
        self.compare(&one, &other);
    }
}

fn without_times(mut state: EndpointState) -> EndpointState {
    state.paused_for = state.paused_for.map(|_| HOUR);
    state.health.failing_for = Duration::ZERO;
    state
}

fn without_age(mut entry: Entry) -> Entry {
    entry.age = Duration::ZERO;
    if let State::Queued { due_in } = &mut entry.state {
        *due_in = if due_in.is_zero() { Duration::ZERO } else { HOUR };
    }
    entry
}
