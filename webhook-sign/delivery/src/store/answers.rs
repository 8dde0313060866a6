use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::{Lease, Payload};
use crate::{Attempt, DeadReason, DeliveryId, DisableReason};

/// What [`Outbox::enqueue`](super::Outbox::enqueue) answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Enqueued {
    /// There is a record, and it is this one.
    Queued,
    /// There was a record of this id, in whatever state. Nothing has changed. It may have been made by the same call, sent
    /// twice.
    Duplicate,
    /// There is no room. Nothing was written.
    Full,
    /// The endpoint is disabled. Nothing was written.
    Disabled,
}

/// What [`Outbox::claim`](super::Outbox::claim) answers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Claimed {
    /// The records.
    pub leased: Vec<Leased>,
    /// When there may be something to claim next, from now, as far as it is known.
    pub next: Option<Duration>,
}

impl Claimed {
    /// These.
    pub const fn new(leased: Vec<Leased>, next: Option<Duration>) -> Self {
        Self { leased, next }
    }
}

/// One record that was claimed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Leased {
    /// By whom.
    pub lease: Lease,
    /// What is to be sent.
    pub payload: Payload,
    /// Which attempt this is, of which the first is 1.
    pub tries: u32,
    /// How many of those before it came to nothing: their leases ran out, or they were [broken off](super::Counts::Lost).
    pub lost: u32,
}

impl Leased {
    /// A record that was claimed.
    pub const fn new(lease: Lease, payload: Payload, tries: u32) -> Self {
        Self { lease, payload, tries, lost: 0 }
    }
}

/// How an endpoint has been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Failures since the last success, by which it is left alone.
    pub failures: u32,
    /// Attempts since the last success, failed and [throttled](super::EndpointEffect::Throttled).
    pub refusals: u32,
    /// How long ago the first of them was.
    pub failing_for: Duration,
    /// Is one record at a time tried, to see whether it is back?
    pub is_probing: bool,
}

impl Health {
    /// No failures.
    pub const fn new() -> Self {
        Self { failures: 0, refusals: 0, failing_for: Duration::ZERO, is_probing: false }
    }
}

/// What is known of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointState {
    /// How many records are leased.
    pub sending: u32,
    /// How much longer nothing is claimed.
    pub paused_for: Option<Duration>,
    /// Why it is disabled, if it is.
    pub disabled: Option<DisableReason>,
    /// How it has been.
    pub health: Health,
}

/// What [`ack`](super::Outbox::ack), [`retry`](super::Outbox::retry) and [`dead`](super::Outbox::dead) answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// It is so.
    Done(Became),
    /// The record is another's, or not there: the lease has run out. Nothing has changed.
    Lost,
}

/// What became of an endpoint by a record that was settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Became {
    /// Was it being tried until this success?
    pub recovered: bool,
    /// Why it is disabled by this, if it is and was not before.
    pub disabled: Option<DisableReason>,
}

impl Became {
    /// What is to be told of this change.
    pub fn of(before: EndpointState, after: EndpointState) -> Self {
        Self {
            recovered: before.health.is_probing && !after.health.is_probing,
            disabled: after.disabled.filter(|_| before.disabled.is_none()),
        }
    }

    /// As a store may keep it with the record, to answer the same again.
    pub fn to_byte(self) -> u8 {
        (self.disabled.map_or(0, DisableReason::code) << 1) | u8::from(self.recovered)
    }

    /// What [`to_byte`](Self::to_byte) wrote.
    pub const fn from_byte(byte: u8) -> Self {
        Self { recovered: byte & 1 == 1, disabled: DisableReason::from_code(byte >> 1) }
    }
}

/// What [`Outbox::extend`](super::Outbox::extend) answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Held {
    /// The record is the token's.
    Held,
    /// It is not.
    Lost,
}

/// What [`Outbox::requeue`](super::Outbox::requeue) answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requeued {
    /// It is queued, or was already.
    Queued,
    /// It was delivered.
    Delivered,
    /// There is no such record.
    NotFound,
}

/// Where a record is, without more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum StateKind {
    /// To be sent when it is due.
    Queued,
    /// Behind another of its order.
    Waiting,
    /// Leased.
    Sending,
    /// The receiver has it.
    Delivered,
    /// A dead letter.
    Dead,
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// To be sent when it is due.
    Queued {
        /// In so long.
        due_in: Duration,
    },
    /// Behind another of its order.
    Waiting,
    /// Leased.
    Sending,
    /// The receiver has it.
    Delivered,
    /// A dead letter.
    Dead(DeadReason),
}

impl State {
    /// Which it is.
    pub const fn kind(self) -> StateKind {
        match self {
            Self::Queued { .. } => StateKind::Queued,
            Self::Waiting => StateKind::Waiting,
            Self::Sending => StateKind::Sending,
            Self::Delivered => StateKind::Delivered,
            Self::Dead(_) => StateKind::Dead,
        }
    }
}

/// One record, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Which.
    pub id: DeliveryId,
    /// Where it is.
    pub state: State,
    /// Attempts that were begun, since it was last queued anew.
    pub tries: u32,
    /// The newest [`MAX_ATTEMPTS`](crate::MAX_ATTEMPTS) that ended, the oldest first.
    pub attempts: Vec<Attempt>,
    /// How long ago it was enqueued.
    pub age: Duration,
}

impl Entry {
    /// A record.
    pub const fn new(id: DeliveryId, state: State, age: Duration) -> Self {
        Self { id, state, tries: 0, attempts: Vec::new(), age }
    }
}

/// What [`Outbox::list`](super::Outbox::list) answers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Page {
    /// The records.
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

impl Page {
    /// These.
    pub const fn new(entries: Vec<Entry>, next: Option<Cursor>) -> Self {
        Self { entries, next }
    }
}

/// What [`Outbox::purge`](super::Outbox::purge) answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// How many records it removed.
    pub removed: usize,
    /// Are there more?
    pub more: bool,
}

impl Purged {
    /// So many.
    pub const fn new(removed: usize, more: bool) -> Self {
        Self { removed, more }
    }
}

/// A place between two pages. Its bytes are the store's own.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Bytes);

impl Cursor {
    /// The place that these bytes say.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_an_endpoint_is_kept_in_a_byte() {
        for disabled in DisableReason::ALL.iter().copied().map(Some).chain([None]) {
            for recovered in [false, true] {
                let became = Became { recovered, disabled };
                assert_eq!(Became::from_byte(became.to_byte()), became);
            }
        }
        assert_eq!(Became::default().to_byte(), 0);
    }
}
