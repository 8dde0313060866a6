use std::time::Duration;

use uuid::Uuid;

use super::{Cursor, Payload, StateKind};
use crate::{Attempt, DeadReason, DeliveryId, DisableReason, EndpointId, OrderKey, Patience};

/// Who claimed, told apart from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseToken([u8; 16]);

impl LeaseToken {
    /// A new one.
    pub fn random() -> Self {
        Self(Uuid::new_v4().into_bytes())
    }

    /// The one that a store has kept.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As a store keeps it.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// One record that a claim has leased.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The record.
    pub id: DeliveryId,
    /// Whose it is.
    pub token: LeaseToken,
}

impl Lease {
    /// This record, leased to this token.
    pub const fn new(id: DeliveryId, token: LeaseToken) -> Self {
        Self { id, token }
    }
}

/// What [`Outbox::enqueue`](super::Outbox::enqueue) is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Enqueue {
    /// Which delivery.
    pub id: DeliveryId,
    /// What is sent.
    pub payload: Payload,
    /// How long it is not due. Default zero.
    pub after: Duration,
    /// What it is delivered in order with, if anything. Default nothing.
    pub order: Option<OrderKey>,
}

impl Enqueue {
    /// This delivery, due at once, in no order.
    pub const fn new(id: DeliveryId, payload: Payload) -> Self {
        Self { id, payload, after: Duration::ZERO, order: None }
    }
}

/// What [`Outbox::claim`](super::Outbox::claim) is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// Who claims. A new one for each claim, and the same one for a claim that is sent again.
    pub token: LeaseToken,
    /// At most so many records.
    pub max: usize,
    /// For how long.
    pub lease: Duration,
    /// How many records of one endpoint may be leased at the same time, by all claims together. All should say the same: an
    /// endpoint that had enough for one of them is looked at again when one of its records is settled.
    pub per_endpoint: u32,
}

impl Claim {
    /// A claim.
    pub const fn new(token: LeaseToken, max: usize, lease: Duration, per_endpoint: u32) -> Self {
        Self { token, max, lease, per_endpoint }
    }
}

/// What a settled record means for its endpoint. What follows, [`EndpointState::felt`](super::EndpointState::felt) says, of
/// how the endpoint is when the record is settled: a success meanwhile counts, as does a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointEffect {
    /// Nothing.
    #[default]
    None,
    /// It has failed. If that has a pause, by itself or by the breaker, nothing is claimed for so long, and then one record
    /// at a time, until one is delivered.
    Failed {
        /// How much is borne.
        patience: Patience,
        /// How long it is left alone at least.
        pause: Option<Duration>,
    },
    /// It is well, and has too much to do. Nothing is claimed for so long. If it takes nothing for long enough, it is
    /// disabled as one that fails.
    Throttled {
        /// How much is borne.
        patience: Patience,
        /// How long it is left alone.
        pause: Duration,
    },
    /// Nothing is claimed for so long. That says nothing of how it is.
    Paused {
        /// How long.
        pause: Duration,
    },
    /// Nothing is claimed or enqueued any more.
    Disabled(DisableReason),
}

/// What [`Outbox::ack`](super::Outbox::ack) is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ack {
    /// The record.
    pub lease: Lease,
    /// The attempt, for the list.
    pub attempt: Option<Attempt>,
    /// How long the record is kept.
    pub keep: Duration,
    /// What else it means for the endpoint.
    pub effect: EndpointEffect,
}

impl Ack {
    /// It was delivered.
    pub const fn new(lease: Lease, keep: Duration) -> Self {
        Self { lease, attempt: None, keep, effect: EndpointEffect::None }
    }
}

/// What [`Outbox::retry`](super::Outbox::retry) is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Retry {
    /// The record.
    pub lease: Lease,
    /// The attempt, for the list.
    pub attempt: Option<Attempt>,
    /// When it is due again, from now.
    pub after: Duration,
    /// Does the attempt count? Default [`Counts::Tried`].
    pub counts: Counts,
    /// What it means for the endpoint.
    pub effect: EndpointEffect,
}

impl Retry {
    /// It has failed.
    pub const fn new(lease: Lease, after: Duration) -> Self {
        Self { lease, attempt: None, after, counts: Counts::Tried, effect: EndpointEffect::None }
    }

    /// It was not tried.
    pub const fn untried(lease: Lease, after: Duration) -> Self {
        Self { lease, attempt: None, after, counts: Counts::Untried, effect: EndpointEffect::None }
    }
}

/// Does an attempt count?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counts {
    /// It was made, and failed.
    Tried,
    /// It was not begun: there are as many as before.
    Untried,
    /// It was broken off, and tells nothing: it is one more, and one more that is [lost](super::Leased::lost).
    Lost,
}

/// What [`Outbox::dead`](super::Outbox::dead) is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dead {
    /// The record.
    pub lease: Lease,
    /// The attempt, for the list.
    pub attempt: Option<Attempt>,
    /// Why.
    pub reason: DeadReason,
    /// How long the record is kept.
    pub keep: Duration,
    /// What it means for the endpoint.
    pub effect: EndpointEffect,
}

impl Dead {
    /// It is given up.
    pub const fn new(lease: Lease, reason: DeadReason, keep: Duration) -> Self {
        Self { lease, attempt: None, reason, keep, effect: EndpointEffect::None }
    }
}

/// What [`Outbox::extend`](super::Outbox::extend) is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Extend {
    /// The record.
    pub lease: Lease,
    /// How long the lease is, from now.
    pub by: Duration,
}

impl Extend {
    /// Longer by so much, from now.
    pub const fn new(lease: Lease, by: Duration) -> Self {
        Self { lease, by }
    }
}

/// What [`Outbox::requeue`](super::Outbox::requeue) is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Requeue {
    /// The dead letter.
    pub id: DeliveryId,
}

impl Requeue {
    /// This one.
    pub const fn new(id: DeliveryId) -> Self {
        Self { id }
    }
}

/// What [`Outbox::list`](super::Outbox::list) is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct List {
    /// Of this endpoint only.
    pub endpoint: Option<EndpointId>,
    /// In this state only.
    pub state: Option<StateKind>,
    /// What comes after this, of a page before.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: usize,
}

impl List {
    /// Of everything.
    pub const fn new(limit: usize) -> Self {
        Self { endpoint: None, state: None, after: None, limit }
    }

    /// Of this endpoint.
    #[must_use]
    pub fn of(self, endpoint: EndpointId) -> Self {
        Self { endpoint: Some(endpoint), ..self }
    }

    /// In this state.
    #[must_use]
    pub fn in_state(self, state: StateKind) -> Self {
        Self { state: Some(state), ..self }
    }

    /// After this one.
    #[must_use]
    pub fn after(self, cursor: impl Into<Option<Cursor>>) -> Self {
        Self { after: cursor.into(), ..self }
    }
}

/// What [`Outbox::change`](super::Outbox::change) is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Change {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// What becomes of it.
    pub to: EndpointChange,
}

impl Change {
    /// This change.
    pub const fn new(endpoint: EndpointId, to: EndpointChange) -> Self {
        Self { endpoint, to }
    }
}

/// What [`Outbox::purge`](super::Outbox::purge) is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Purge {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// At most so many records, at least 1.
    pub limit: usize,
}

impl Purge {
    /// So many records of this endpoint.
    pub const fn new(endpoint: EndpointId, limit: usize) -> Self {
        Self { endpoint, limit }
    }
}

/// What becomes of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointChange {
    /// It is disabled. The first reason stays.
    Disable(DisableReason),
    /// It is as new: not disabled, not paused, without failures.
    Enable,
    /// It is left alone for so long from now.
    Pause(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_as_its_bytes() {
        let token = LeaseToken::random();
        assert_eq!(LeaseToken::from_bytes(*token.as_bytes()), token);
        assert_ne!(LeaseToken::random(), token);
    }
}
