//! How many streams there are, of everybody and of one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stonework_core::Key;
use tokio::sync::Notify;

use crate::{Drain, Rejection};

pub(crate) struct Limits {
    most: usize,
    most_of_key: usize,
    open: Mutex<Open>,
    /// The last one has gone.
    emptied: Notify,
}

#[derive(Default)]
struct Open {
    streams: usize,
    /// Of keys that have any.
    of_keys: HashMap<Key, usize>,
}

/// A stream that is counted until the last clone of this is dropped. In the extensions of requests that passed an
/// [`SseLayer`](crate::SseLayer): a handler that answers with something that outlives the body of its response, such as
/// a WebSocket, keeps it as long.
#[derive(Clone)]
pub struct Ticket {
    _counted: Arc<Counted>,
    drain: Option<Drain>,
}

impl Ticket {
    /// Ready when the stream is to end, because the [process is](Drain). What has no body to be ended waits for this
    /// beside what it does.
    pub async fn drained(&self) {
        match &self.drain {
            Some(drain) => drain.watch().await,
            None => std::future::pending().await,
        }
    }
}

/// The same for whoever may have none: never.
#[cfg(any(feature = "poll", feature = "ws"))]
pub(crate) async fn drained(ticket: Option<&Ticket>) {
    match ticket {
        Some(ticket) => ticket.drained().await,
        None => std::future::pending().await,
    }
}

struct Counted {
    limits: Arc<Limits>,
    key: Option<Key>,
}

impl Limits {
    pub(crate) fn new(most: usize, most_of_key: usize) -> Self {
        Self { most, most_of_key, open: Mutex::default(), emptied: Notify::new() }
    }

    /// One more, if there may be one.
    pub(crate) fn admit(
        self: &Arc<Self>,
        key: Option<Key>,
        drain: Option<&Drain>,
    ) -> Result<Ticket, Rejection> {
        let mut open = self.open();
        if open.streams >= self.most {
            return Err(Rejection::TooMany);
        }
        if let Some(key) = &key {
            let of_key = open.of_keys.get(key).copied().unwrap_or_default();
            if of_key >= self.most_of_key {
                return Err(Rejection::TooManyOfKey);
            }
            open.of_keys.insert(key.clone(), of_key + 1);
        }
        open.streams += 1;
        drop(open);
        let counted = Counted { limits: Arc::clone(self), key };
        Ok(Ticket { _counted: Arc::new(counted), drain: drain.cloned() })
    }

    pub(crate) fn streams(&self) -> usize {
        self.open().streams
    }

    pub(crate) async fn emptied(&self) {
        let mut emptied = std::pin::pin!(self.emptied.notified());
        loop {
            // It listens before it looks.
            emptied.as_mut().enable();
            if self.streams() == 0 {
                return;
            }
            emptied.as_mut().await;
            emptied.set(self.emptied.notified());
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        open.streams -= 1;
        if open.streams == 0 {
            self.limits.emptied.notify_waiters();
        }
        let Some(key) = self.key.take() else { return };
        if let Entry::Occupied(mut of_key) = open.of_keys.entry(key) {
            *of_key.get_mut() -= 1;
            if *of_key.get() == 0 {
                of_key.remove();
            }
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(limits: &Arc<Limits>, key: &str) -> Result<Ticket, Rejection> {
        limits.admit(Some(Key::from(key)), None)
    }

    #[test]
    fn there_are_so_many_of_one_and_of_all() {
        let limits = Arc::new(Limits::new(3, 2));
        let first = admit(&limits, "a").unwrap();
        let clone = first.clone();
        let _second = admit(&limits, "a").unwrap();
        assert_eq!(admit(&limits, "a").unwrap_err(), Rejection::TooManyOfKey);
        let third = limits.admit(None, None).unwrap();
        assert_eq!(admit(&limits, "b").unwrap_err(), Rejection::TooMany);
        drop(first);
        assert_eq!(admit(&limits, "b").unwrap_err(), Rejection::TooMany);
        drop(clone);
        assert!(admit(&limits, "b").is_ok());
        drop(third);
        assert_eq!(limits.streams(), 1);
    }

    #[test]
    fn it_is_told_when_the_last_has_gone() {
        let limits = Arc::new(Limits::new(3, 3));
        let tickets = [admit(&limits, "a").unwrap(), admit(&limits, "b").unwrap()];
        let waiting = Arc::clone(&limits);
        let mut emptied = tokio_test::task::spawn(async move { waiting.emptied().await });
        assert!(emptied.poll().is_pending());
        let [first, second] = tickets;
        drop(first);
        assert!(!emptied.is_woken());
        drop(second);
        // Somebody has come meanwhile, and goes again.
        let third = admit(&limits, "c").unwrap();
        assert!(emptied.is_woken() && emptied.poll().is_pending());
        drop(third);
        assert!(emptied.is_woken() && emptied.poll().is_ready());
        assert!(tokio_test::task::spawn(limits.emptied()).poll().is_ready());
    }

    #[test]
    fn nothing_is_kept_of_who_has_gone() {
        let limits = Arc::new(Limits::new(10, 10));
        let tickets: Vec<_> =
            (0..5).map(|at: u64| limits.admit(Some(Key::from(at)), None)).collect();
        assert_eq!(limits.open().of_keys.len(), 5);
        drop(tickets);
        assert!(limits.open().of_keys.is_empty() && limits.streams() == 0);
    }
}
