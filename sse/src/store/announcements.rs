use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use tokio::sync::mpsc;

use super::Entry;

/// What is appended to a log, as it is told: [`EventLog::announcements`](super::EventLog::announcements). Dropped, it
/// is told no more.
pub struct Announcements {
    told: mpsc::Receiver<Announced>,
    /// There was no room for something.
    is_over: Arc<AtomicBool>,
}

/// Tells one listener. Clones tell the same one.
#[derive(Clone)]
pub struct Announcer {
    told: mpsc::Sender<Announced>,
    is_over: Arc<AtomicBool>,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Announced {
    /// This was appended.
    Event(Entry),
    /// Announcements may have been lost. What there is can be read.
    Lapse,
}

impl Announcements {
    /// A listener that is not told more than `room` events ahead of what it has heard; of more it is told that there
    /// were some.
    pub fn channel(room: usize) -> (Announcer, Self) {
        let (sender, receiver) = mpsc::channel(room.max(1));
        let is_over = Arc::new(AtomicBool::new(false));
        let announcer = Announcer { told: sender, is_over: Arc::clone(&is_over) };
        (announcer, Self { told: receiver, is_over })
    }

    /// What is told next; nothing when nobody tells any more. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Announced> {
        let told = self.told.recv().await?;
        // What was told is older than what there was no room for, and all of it can be read.
        fence(Ordering::SeqCst);
        let is_over = self.is_over.swap(false, Ordering::SeqCst);
        Some(if is_over { Announced::Lapse } else { told })
    }
}

impl Announcer {
    /// Tells of an event, or of a lapse. False when nobody listens any more.
    pub fn tell(&self, told: Announced) -> bool {
        match self.told.try_send(told) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.is_over.store(true, Ordering::SeqCst);
                // It may have heard everything meanwhile, and wait. If there is still no room, it has something to hear,
                // and is told of the lapse with that.
                fence(Ordering::SeqCst);
                drop(self.told.try_send(Announced::Lapse));
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Is there still somebody who listens?
    pub fn is_heard(&self) -> bool {
        !self.told.is_closed()
    }
}

impl fmt::Debug for Announcements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcements").field("told", &self.told.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Announcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcer").field("is_heard", &self.is_heard()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use stonework_core::Key;

    use super::*;
    use crate::Position;

    fn event(offset: u64) -> Announced {
        let position = Position::new(1, offset, 1);
        Announced::Event(Entry::new(position, 1, Key::from("t"), b"data: x\n\n"))
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_a_lapse() {
        let (announcer, mut announcements) = Announcements::channel(2);
        assert!((1..=3).all(|offset| announcer.tell(event(offset))));
        assert_eq!(announcements.next().await, Some(Announced::Lapse));
        assert_eq!(announcements.next().await, Some(event(2)));
        assert!(announcer.tell(event(4)) && announcer.tell(Announced::Lapse));
        assert_eq!(announcements.next().await, Some(event(4)));
        assert_eq!(announcements.next().await, Some(Announced::Lapse));
        drop(announcer);
        assert_eq!(announcements.next().await, None);
    }

    #[test]
    fn nobody_is_told_when_nobody_listens() {
        let (announcer, announcements) = Announcements::channel(2);
        assert!(announcer.is_heard());
        drop(announcements);
        assert!(!announcer.tell(event(1)) && !announcer.is_heard());
    }
}
