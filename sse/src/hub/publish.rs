use std::error::Error;
use std::fmt;

use stonework_core::{Key, StoreError};
use uuid::Uuid;

use crate::Event;

/// An event that is to be published, and where. Clones are the same event, which is not appended twice.
#[derive(Clone)]
#[must_use = "it is published by `Hub::publish`"]
pub struct Publish<'a> {
    pub(super) log: Key,
    pub(super) id: [u8; 16],
    pub(super) topic: Option<Key>,
    pub(super) event: Event<'a>,
}

impl<'a> Publish<'a> {
    /// To this log, under a random id and with the type of the event for a topic. The hub gives it an id of its own to
    /// be sent: its position.
    pub fn to(log: impl Into<Key>, event: Event<'a>) -> Self {
        Self { log: log.into(), id: Uuid::new_v4().into_bytes(), topic: None, event }
    }

    /// What it is about, for those who subscribe to some topics only.
    pub fn topic(self, topic: impl Into<Key>) -> Self {
        Self { topic: Some(topic.into()), ..self }
    }

    /// Which event it is, such as the bytes of a UUID from an outbox: two with the same id are one.
    pub fn id(self, id: impl Into<[u8; 16]>) -> Self {
        Self { id: id.into(), ..self }
    }
}

impl fmt::Debug for Publish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it says may be nobody's business.
        f.debug_struct("Publish").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why an event was not published, or may not have been.
#[derive(Debug)]
pub struct PublishError {
    kind: PublishErrorKind,
    source: Option<StoreError>,
}

/// The kinds of [`PublishError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublishErrorKind {
    /// Its type is `gap`, by which clients are told that events are missing.
    Reserved,
    /// The store has not said that it was appended.
    Store,
}

impl PublishError {
    /// What happened, for `match`.
    pub const fn kind(&self) -> PublishErrorKind {
        self.kind
    }
}

impl From<PublishErrorKind> for PublishError {
    fn from(kind: PublishErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl From<StoreError> for PublishError {
    fn from(error: StoreError) -> Self {
        Self { kind: PublishErrorKind::Store, source: Some(error) }
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            PublishErrorKind::Reserved => "the type `gap` is for telling of missing events",
            PublishErrorKind::Store => "the event may not have been appended",
        })
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
