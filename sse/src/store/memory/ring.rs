//! One log: its newest events. Pure.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::Limits;
use crate::Position;
use crate::store::{Announced, Announcer, Append, Entry, Read, ReadAfter};

pub(super) struct Ring {
    head: Position,
    events: VecDeque<Kept>,
    /// Of all frames that are kept.
    bytes: usize,
    /// Where the events are that are kept.
    ids: HashMap<[u8; 16], Position>,
    listeners: Vec<Announcer>,
}

struct Kept {
    entry: Entry,
    id: [u8; 16],
    since: Duration,
}

impl Ring {
    pub(super) fn new(epoch: u32) -> Self {
        Self {
            head: Position::start(epoch),
            events: VecDeque::new(),
            bytes: 0,
            ids: HashMap::new(),
            listeners: Vec::new(),
        }
    }

    pub(super) const fn head(&self) -> Position {
        self.head
    }

    /// Appends, keeps, and tells all who listen.
    pub(super) fn append(&mut self, append: &Append<'_>, now: Duration) -> Position {
        if let Some(position) = self.ids.get(&append.id) {
            return *position;
        }
        let (previous, position) = (self.head.tag, self.head.then(append.id));
        let entry = Entry::new(position, previous, append.topic.clone(), &append.body);
        self.head = position;
        self.listeners.retain(|listener| listener.tell(Announced::Event(entry.clone())));
        self.bytes += entry.frame.as_bytes().len();
        self.ids.insert(append.id, position);
        self.events.push_back(Kept { entry, id: append.id, since: now });
        position
    }

    pub(super) fn read_after(&self, read: &ReadAfter<'_>) -> Read {
        let first = self.events.front().map_or(0, |kept| kept.entry.position.offset);
        let next = read.position.offset.saturating_add(1);
        let is_same = read.position.epoch == self.head.epoch;
        let skipped = if is_same { next.saturating_sub(first) } else { 0 };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let events = self.events.iter().skip(skipped).take(read.limit.max(1));
        Read::judge(read.position, self.head, events.map(|kept| kept.entry.clone()).collect())
    }

    pub(super) fn listen(&mut self, listener: Announcer) {
        self.listeners.retain(Announcer::is_heard);
        self.listeners.push(listener);
    }

    pub(super) fn is_heard(&self) -> bool {
        self.listeners.iter().any(Announcer::is_heard)
    }

    /// Forgets the oldest events that are too many, too large or too old. The newest is never too large.
    pub(super) fn trim(&mut self, limits: &Limits, now: Duration) {
        while let Some(oldest) = self.events.front() {
            let is_over = self.bytes > limits.bytes && self.events.len() > 1;
            let is_old = now.saturating_sub(oldest.since) >= limits.age;
            if self.events.len() <= limits.events && !is_over && !is_old {
                return;
            }
            self.forget_oldest();
        }
    }

    /// The room of events that are gone, if there are no others.
    pub(super) fn give_back(&mut self) {
        if self.events.is_empty() {
            (self.events, self.ids) = (VecDeque::new(), HashMap::new());
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    fn forget_oldest(&mut self) {
        if let Some(Kept { entry, id, .. }) = self.events.pop_front() {
            self.bytes -= entry.frame.as_bytes().len();
            self.ids.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use stonework_core::Key;

    use super::*;
    use crate::store::Announcements;

    const LIMITS: Limits = Limits { events: 3, bytes: 200, age: Duration::from_secs(10) };

    fn append(ring: &mut Ring, id: u8, bytes: usize, now: u64) -> Position {
        let (log, topic) = (Key::from("l"), Key::from("t"));
        let body = Bytes::from(format!("data: {}\n\n", "x".repeat(bytes)));
        let now = Duration::from_secs(now);
        let position = ring.append(&Append::new(&log, [id; 16], &topic, body), now);
        ring.trim(&LIMITS, now);
        position
    }

    fn offsets(ring: &Ring) -> Vec<u64> {
        ring.events.iter().map(|kept| kept.entry.position.offset).collect()
    }

    #[test]
    fn the_newest_are_kept_up_to_a_number() {
        let mut ring = Ring::new(1);
        for id in 1..=5 {
            assert_eq!(append(&mut ring, id, 1, 0).offset, u64::from(id));
        }
        assert_eq!(offsets(&ring), [3, 4, 5]);
        assert_eq!(ring.ids.len(), 3);
    }

    #[test]
    fn and_a_size_but_for_the_last() {
        let mut ring = Ring::new(1);
        for id in 1..=3 {
            append(&mut ring, id, 80, 0);
        }
        assert_eq!(offsets(&ring), [3]);
        append(&mut ring, 4, 1_000, 0);
        assert_eq!(offsets(&ring), [4]);
        append(&mut ring, 5, 1, 0);
        assert_eq!(offsets(&ring), [5]);
        assert_eq!(ring.bytes, ring.events[0].entry.frame.as_bytes().len());
    }

    #[test]
    fn and_an_age() {
        let mut ring = Ring::new(1);
        for (id, now) in [(1, 0), (2, 5), (3, 9)] {
            append(&mut ring, id, 1, now);
        }
        ring.trim(&LIMITS, Duration::from_secs(15));
        assert_eq!(offsets(&ring), [3]);
        ring.trim(&LIMITS, Duration::from_secs(19));
        assert!(offsets(&ring).is_empty() && ring.ids.is_empty() && ring.bytes == 0);
        assert_eq!(append(&mut ring, 4, 1, 19).offset, 4);
    }

    #[test]
    fn an_id_is_known_as_long_as_its_event_is_kept() {
        let mut ring = Ring::new(1);
        let first = append(&mut ring, 1, 1, 0);
        assert_eq!(append(&mut ring, 1, 9, 0), first);
        for id in 2..=4 {
            append(&mut ring, id, 1, 0);
        }
        assert_eq!(append(&mut ring, 1, 1, 0).offset, 5);
    }

    #[test]
    fn who_does_not_listen_is_forgotten() {
        let mut ring = Ring::new(1);
        let (announcer, announcements) = Announcements::channel(1);
        ring.listen(announcer);
        assert!(ring.is_heard());
        drop(announcements);
        assert!(!ring.is_heard());
        append(&mut ring, 1, 1, 0);
        assert!(ring.listeners.is_empty());
    }
}
