use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use stonework_core::{Key, StoreError, StoreFuture};

use super::Announcements;
use crate::event::ID;
use crate::frame::Writer;
use crate::{Decoder, Event, Frame, Message, Position};

/// Keeps events in the order in which they came, each log for itself.
///
/// Each method is one atomic step. A future that is dropped, or an error, leaves it unknown whether the step was
/// made; make it again.
///
/// A log may forget its oldest events, and may be lost as a whole. It says so when it is [read](Self::read_after):
/// what [`Read::judge`] makes of what there is.
pub trait EventLog: Send + Sync + 'static {
    /// Appends an event, at the next offset. All who listen are told.
    ///
    /// Idempotent by the event's id: one that was appended a short while ago is not appended again, and the same
    /// position is returned. How long that is, is said by each store.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>>;

    /// The events that come after a position, in order and without holes.
    ///
    /// # Errors
    ///
    /// When the store does not answer, or holds what it cannot read.
    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>>;

    /// Where the log ends now. One that there is not begins with this.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn head(&self, head: Head<'_>) -> StoreFuture<Result<Position, StoreError>>;

    /// What is appended from now on, by whomever. Once this has answered, what is appended is announced.
    ///
    /// Announcements may be lost; those that are not come in order.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn announcements(&self, listen: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>>;
}

/// What is to be appended.
#[derive(Clone)]
#[non_exhaustive]
pub struct Append<'a> {
    /// To which log.
    pub log: &'a Key,
    /// Which event it is, so that it is not appended twice: random bits, or the id of what has happened.
    pub id: [u8; 16],
    /// What it is about.
    pub topic: &'a Key,
    /// Its fields as they are sent, but for the id, and with the empty line that ends them.
    pub body: Bytes,
}

impl<'a> Append<'a> {
    /// This event.
    pub const fn new(log: &'a Key, id: [u8; 16], topic: &'a Key, body: Bytes) -> Self {
        Self { log, id, topic, body }
    }
}

impl fmt::Debug for Append<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As of an entry.
        f.debug_struct("Append").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is to be read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReadAfter<'a> {
    /// Of which log.
    pub log: &'a Key,
    /// What comes after this.
    pub position: Position,
    /// At most so many events, and one at least if there is one.
    pub limit: usize,
}

impl<'a> ReadAfter<'a> {
    /// What comes after this position.
    pub const fn new(log: &'a Key, position: Position, limit: usize) -> Self {
        Self { log, position, limit }
    }
}

/// Whose end is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Head<'a> {
    /// Of which log.
    pub log: &'a Key,
}

impl<'a> Head<'a> {
    /// The end of this log.
    pub const fn new(log: &'a Key) -> Self {
        Self { log }
    }
}

/// What is to be listened to.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Listen<'a> {
    /// To which log.
    pub log: &'a Key,
}

impl<'a> Listen<'a> {
    /// To this log.
    pub const fn new(log: &'a Key) -> Self {
        Self { log }
    }
}

/// An event that is in a log. Clones share it: each client that reads along is given one.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry(Arc<Logged>);

/// What an [`Entry`] is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Logged {
    /// Where it is.
    pub position: Position,
    /// The tag of the event before it, so that it is known to follow.
    pub previous: u32,
    /// What it is about.
    pub topic: Key,
    /// As it is sent, with its position for an id.
    pub frame: Frame,
}

impl Entry {
    /// An event at this position, after the one of the tag `previous`.
    pub fn new(position: Position, previous: u32, topic: Key, body: &[u8]) -> Self {
        let frame = identified(position, body);
        Self(Arc::new(Logged { position, previous, topic, frame }))
    }

    /// The position before it.
    pub fn before(&self) -> Position {
        let Position { epoch, offset, .. } = self.position;
        Position { epoch, offset: offset.saturating_sub(1), tag: self.previous }
    }

    /// What it says: its type and its data.
    pub fn said(&self) -> Said {
        let mut decoder = Decoder::with_max(usize::MAX);
        decoder.feed(self.frame.as_bytes());
        let message = decoder.message().ok().flatten();
        let said = |message: Message<'_>| (message.event_type.to_owned(), message.data.to_owned());
        let (event_type, data) = message.map(said).unwrap_or_default();
        Said { event_type, data }
    }

    /// An event of the same type at the same place, which has this data: for clients who read another version of it.
    #[must_use]
    pub fn saying(&self, data: &str) -> Self {
        let Said { event_type, .. } = self.said();
        let event = Event::new(data).of_type(&event_type);
        Self::new(self.position, self.previous, self.topic.clone(), &event.body())
    }

    /// Is it the one that comes next?
    pub fn follows(&self, position: Position) -> bool {
        self.before() == position && self.position.offset > position.offset
    }
}

impl Deref for Entry {
    type Target = Logged;

    fn deref(&self) -> &Logged {
        &self.0
    }
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Said {
    /// What kind of event it is.
    pub event_type: String,
    /// Its lines, with `\n` between them.
    pub data: String,
}

/// A body after its position.
pub(crate) fn identified(position: Position, body: &[u8]) -> Frame {
    let mut writer = Writer::with_capacity(ID.len() + position.text_len() + 1 + body.len());
    writer.shown(ID, position);
    writer.finish_with(body)
}

impl fmt::Debug for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it says may be nobody's business.
        f.debug_struct("Entry").field("position", &self.position).finish_non_exhaustive()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What comes after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Read {
    /// These events, the first of which follows the position. None when the log ends there.
    Events(Vec<Entry>),
    /// Events are missing.
    Gap(Gap),
}

/// Events are missing between where somebody was and where it can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// Why.
    pub lost: Lost,
    /// Where to go on: before the oldest event that there is. In a log that fell back to an older state of itself, where
    /// somebody was, or at the end if that lies before.
    pub resume: Position,
}

impl Gap {
    /// What the event that tells of it has for data.
    pub(crate) fn to_json(self) -> String {
        format!(r#"{{"reason":"{}"}}"#, self.lost.slug())
    }
}

/// Why events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lost {
    /// They are older than what is kept.
    Trimmed,
    /// The log is another one than that of the position: it was lost, or fell back to an older state.
    Replaced,
    /// The position is none.
    Unknown,
    /// The client was so slow that it was not given them.
    Skipped,
}

impl Lost {
    /// One word; stable.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Replaced => "replaced",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

impl Read {
    /// What a position, the end of a log, and the events of it that are there from the position on, come to. Stores
    /// need not know when something is missing.
    pub fn judge(position: Position, head: Position, events: Vec<Entry>) -> Self {
        match lost(position, head, events.first()) {
            None => Self::Events(events),
            Some(lost) => {
                let resume = events.first().map_or(head, Entry::before);
                Self::Gap(Gap { lost, resume })
            }
        }
    }
}

fn lost(position: Position, head: Position, next: Option<&Entry>) -> Option<Lost> {
    let is_same = position.epoch == head.epoch;
    match next {
        Some(next) if is_same && next.follows(position) => None,
        // Nothing can be known of an event that is gone, such as whether it was this one.
        Some(next) if is_same && next.before().offset > position.offset => Some(Lost::Trimmed),
        None if position == head => None,
        None if is_same && head.offset > position.offset => Some(Lost::Trimmed),
        _ => Some(Lost::Replaced),
    }
}

impl<S: EventLog + ?Sized> EventLog for Arc<S> {
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>> {
        (**self).append(append)
    }

    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>> {
        (**self).read_after(read)
    }

    fn head(&self, head: Head<'_>) -> StoreFuture<Result<Position, StoreError>> {
        (**self).head(head)
    }

    fn announcements(&self, listen: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>> {
        (**self).announcements(listen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: u32 = 7;

    /// The event at this offset, whose tag is ten times that.
    fn entry(offset: u64) -> Entry {
        let tag = |offset: u64| offset as u32 * 10;
        let position = Position::new(EPOCH, offset, tag(offset));
        Entry::new(position, tag(offset - 1), Key::from("t"), b"data: x\n\n")
    }

    #[test]
    fn what_it_says_can_be_read_and_be_something_else() {
        let position = Position::new(7, 3, 30);
        let entry = Entry::new(position, 20, Key::from("t"), b"event: e\ndata: a\ndata: b\n\n");
        let said = entry.said();
        assert_eq!((&*said.event_type, &*said.data), ("e", "a\nb"));
        assert_eq!(entry.saying(&said.data), entry);
        let expected = "id: 00000007.3.0000001e\nevent: e\ndata: c\n\n";
        assert_eq!(entry.saying("c").frame.as_str(), expected);
    }

    fn judged(position: Position, head: u64, first: Option<u64>) -> Result<usize, (Lost, u64)> {
        let events = first.map(|first| (first..=head).map(entry).collect()).unwrap_or_default();
        let head = Position::new(EPOCH, head, head as u32 * 10);
        match Read::judge(position, head, events) {
            Read::Events(events) => Ok(events.len()),
            Read::Gap(gap) => Err((gap.lost, gap.resume.offset)),
        }
    }

    #[test]
    fn debug_tells_nothing_of_what_is_said() {
        let key = Key::from("k");
        let append = Append::new(&key, [1; 16], &key, Bytes::from_static(b"data: secret\n\n"));
        let entry = Entry::new(Position::new(7, 3, 30), 20, key.clone(), &append.body);
        let shown = format!("{append:?} {entry:?}");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_frame_begins_with_its_position() {
        assert_eq!(entry(3).frame.as_str(), "id: 00000007.3.0000001e\ndata: x\n\n");
        assert_eq!(entry(3).before(), entry(2).position);
    }

    #[test]
    fn what_follows_is_known_to_follow() {
        let at = |offset: u64| Position::new(EPOCH, offset, offset as u32 * 10);
        for (position, head, first, expected) in [
            // A log that has nothing, and one that has nothing more.
            (at(0), 0, None, Ok(0)),
            (at(5), 5, None, Ok(0)),
            (at(0), 3, Some(1), Ok(3)),
            (at(2), 3, Some(3), Ok(1)),
            // The oldest are gone, or all.
            (at(0), 3, Some(2), Err((Lost::Trimmed, 1))),
            (at(1), 9, Some(4), Err((Lost::Trimmed, 3))),
            (at(2), 9, None, Err((Lost::Trimmed, 9))),
            // Another log.
            (Position::start(EPOCH + 1), 3, Some(1), Err((Lost::Replaced, 0))),
            (Position::start(EPOCH + 1), 0, None, Err((Lost::Replaced, 0))),
            (Position::new(EPOCH + 1, 5, 50), 5, None, Err((Lost::Replaced, 5))),
            // It fell back: the end lies before, or another event is there.
            (at(9), 5, None, Err((Lost::Replaced, 5))),
            (Position::new(EPOCH, 5, 51), 5, None, Err((Lost::Replaced, 5))),
            (Position::new(EPOCH, 5, 51), 6, Some(6), Err((Lost::Replaced, 5))),
        ] {
            assert_eq!(judged(position, head, first), expected, "{position} {head} {first:?}");
        }
    }
}
