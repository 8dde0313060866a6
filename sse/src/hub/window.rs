//! The newest events of a log, for those who read along. Pure.

use std::collections::VecDeque;

use crate::Position;
use crate::store::Entry;

#[derive(Debug)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
    bytes: usize,
    tail: Position,
    generation: u64,
    limits: Limits,
}

/// How much of a log is kept for those who read along.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It is the newest.
    New,
    /// It was there.
    Known,
    /// It does not follow: others are missing, or it is of another history.
    Hole,
}

/// What comes after a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'w> {
    Event(&'w Entry),
    /// Nothing yet.
    Wait,
    /// It is not here: the window has moved on, the log was read anew, or the position is not of its history.
    Elsewhere,
}

impl Window {
    /// Of a log that ends here.
    pub(super) const fn new(head: Position, limits: Limits) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, tail: head, generation: 0, limits }
    }

    /// After the newest.
    pub(super) const fn tail(&self) -> Position {
        self.tail
    }

    /// How often it has begun anew.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Adds an event, and forgets the oldest of what is too much.
    pub(super) fn push(&mut self, entry: Entry) -> Pushed {
        if !entry.follows(self.tail) {
            return if self.knows(entry.position) { Pushed::Known } else { Pushed::Hole };
        }
        self.tail = entry.position;
        self.bytes += entry.frame.as_bytes().len();
        self.entries.push_back(entry);
        let Limits { events, bytes } = self.limits;
        while self.entries.len() > events || (self.bytes > bytes && self.entries.len() > 1) {
            let oldest = self.entries.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| oldest.frame.as_bytes().len());
        }
        Pushed::New
    }

    /// Goes on elsewhere: what lies between is lost, or the log is another one.
    pub(super) fn restart(&mut self, head: Position) {
        self.entries.clear();
        (self.bytes, self.tail) = (0, head);
        self.generation += 1;
    }

    /// Before the oldest.
    pub(super) fn start(&self) -> Position {
        self.entries.front().map_or(self.tail, Entry::before)
    }

    fn after(&self, position: Position) -> Option<&Entry> {
        let skipped = position.offset.checked_sub(self.start().offset)?;
        self.entries.get(usize::try_from(skipped).ok()?)
    }

    fn knows(&self, position: Position) -> bool {
        let before = Position { offset: position.offset.saturating_sub(1), ..position };
        self.after(before).is_some_and(|entry| entry.position == position)
    }

    /// Can one who is here read along? Known by the events themselves, whatever somebody says.
    pub(super) fn covers(&self, position: Position) -> bool {
        position == self.tail || self.after(position).is_some_and(|next| next.follows(position))
    }

    /// What comes next for one who has read along, or has read the log up to here, since this generation.
    pub(super) fn next(&self, position: Position, generation: u64) -> Next<'_> {
        if generation != self.generation {
            return Next::Elsewhere;
        }
        match self.after(position) {
            // The log was read anew, and here nobody has looked yet.
            _ if position.epoch != self.tail.epoch => Next::Wait,
            Some(next) if next.follows(position) => Next::Event(next),
            Some(_) => Next::Elsewhere,
            // Who has read the log may be ahead.
            None if position.offset >= self.tail.offset => Next::Wait,
            None => Next::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use stonework_core::Key;

    use super::*;

    const LIMITS: Limits = Limits { events: 3, bytes: 1_000 };

    fn at(offset: u64) -> Position {
        Position::new(7, offset, offset as u32 * 10)
    }

    fn entry(offset: u64, bytes: usize) -> Entry {
        let body = format!("data: {}\n\n", "x".repeat(bytes));
        Entry::new(at(offset), at(offset - 1).tag, Key::from("t"), body.as_bytes())
    }

    fn window(offsets: std::ops::RangeInclusive<u64>) -> Window {
        let mut window = Window::new(at(offsets.start() - 1), LIMITS);
        for offset in offsets {
            assert_eq!(window.push(entry(offset, 1)), Pushed::New);
        }
        window
    }

    fn next(window: &Window, position: Position) -> Result<u64, &'static str> {
        match window.next(position, window.generation()) {
            Next::Event(entry) => Ok(entry.position.offset),
            Next::Wait => Err("wait"),
            Next::Elsewhere => Err("elsewhere"),
        }
    }

    #[test]
    fn it_is_read_in_order_from_wherever_one_is() {
        let window = window(11..=15);
        for (offset, expected) in [
            (11, Err("elsewhere")),
            (12, Ok(13)),
            (13, Ok(14)),
            (14, Ok(15)),
            (15, Err("wait")),
            (99, Err("wait")),
        ] {
            assert_eq!(next(&window, at(offset)), expected, "{offset}");
        }
    }

    #[test]
    fn what_does_not_follow_is_no_part_of_it() {
        let mut window = window(11..=13);
        assert_eq!(window.push(entry(15, 1)), Pushed::Hole);
        assert_eq!(window.push(entry(13, 1)), Pushed::Known);
        assert_eq!(window.push(entry(10, 1)), Pushed::Hole);
        // Other events at the same offsets.
        let other = Entry::new(Position::new(7, 13, 1), 120, Key::from("t"), b"");
        assert_eq!(window.push(other), Pushed::Hole);
        let other = Entry::new(Position::new(7, 14, 140), 131, Key::from("t"), b"");
        assert_eq!(window.push(other), Pushed::Hole);
        let other = Entry::new(Position::new(8, 14, 140), 130, Key::from("t"), b"");
        assert_eq!(window.push(other), Pushed::Hole);
        assert_eq!(window.tail(), at(13));
        assert_eq!(window.push(entry(14, 1)), Pushed::New);
    }

    #[test]
    fn who_is_of_another_history_cannot_read_along() {
        let window = window(11..=13);
        for (position, covered) in [
            (at(10), true),
            (at(12), true),
            (at(13), true),
            (at(9), false),
            (at(14), false),
            (Position::new(7, 12, 1), false),
            (Position::new(7, 13, 1), false),
            (Position::new(8, 12, 120), false),
            (Position::new(8, 13, 130), false),
        ] {
            assert_eq!(window.covers(position), covered, "{position}");
        }
        assert_eq!(next(&window, Position::new(7, 12, 1)), Err("elsewhere"));
        for offset in [0, 9, 12, 13, 99] {
            assert_eq!(next(&window, Position::new(8, offset, 1)), Err("wait"), "{offset}");
        }
    }

    #[test]
    fn it_is_bounded_in_bytes_but_for_the_newest() {
        let mut window = Window::new(at(10), LIMITS);
        window.push(entry(11, 400));
        window.push(entry(12, 400));
        window.push(entry(13, 400));
        assert_eq!(window.start(), at(11));
        window.push(entry(14, 5_000));
        assert_eq!(window.start(), at(13));
        window.push(entry(15, 1));
        assert_eq!(window.start(), at(14));
        assert_eq!(window.bytes, window.entries[0].frame.as_bytes().len());
    }

    #[test]
    fn who_read_before_it_began_anew_is_elsewhere() {
        let mut window = window(11..=13);
        window.restart(Position::start(8));
        assert_eq!(window.next(at(13), 0), Next::Elsewhere);
        assert!(window.covers(Position::start(8)) && !window.covers(at(13)));
        assert_eq!(window.next(Position::start(8), 1), Next::Wait);
    }
}
