//! What a hub does about a log whose announcements are lost, or which is away.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stonework_core::{StoreError, StoreErrorKind, StoreFuture};
use stonework_sse::store::{
    Announced, Announcements, Announcer, Append, EventLog, Head, Listen, MemoryLog, Read, ReadAfter,
};
use stonework_sse::{Delivery, Event, Hub, Position, Publish, Subscribe};

const HOUR: Duration = Duration::from_secs(3_600);

/// Announces what the test does, and answers while it lets it.
#[derive(Clone, Default)]
struct Spoilt {
    log: MemoryLog,
    announcers: Arc<Mutex<Vec<Announcer>>>,
    is_away: Arc<AtomicBool>,
    is_deaf: Arc<AtomicBool>,
}

fn unless<T: Send + 'static>(
    is_away: &AtomicBool,
    step: impl FnOnce() -> StoreFuture<Result<T, StoreError>>,
) -> StoreFuture<Result<T, StoreError>> {
    match is_away.load(Ordering::Relaxed) {
        true => StoreFuture::ready(Err(StoreError::new(StoreErrorKind::Unavailable))),
        false => step(),
    }
}

impl EventLog for Spoilt {
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>> {
        unless(&self.is_away, || self.log.append(append))
    }

    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>> {
        unless(&self.is_away, || self.log.read_after(read))
    }

    fn head(&self, head: Head<'_>) -> StoreFuture<Result<Position, StoreError>> {
        unless(&self.is_away, || self.log.head(head))
    }

    fn announcements(&self, _: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>> {
        unless(&self.is_deaf, || {
            let (announcer, announcements) = Announcements::channel(8);
            self.announcers.lock().unwrap().push(announcer);
            StoreFuture::ready(Ok(announcements))
        })
    }
}

fn event() -> Publish<'static> {
    Publish::to("acct_7", Event::new("x"))
}

#[tokio::test(start_paused = true)]
async fn what_was_not_announced_is_read_as_soon_as_the_log_answers() {
    let log = Spoilt::default();
    let hub = Hub::builder(log.clone()).looks_every(24 * HOUR).build().unwrap();
    let mut events = hub.subscribe(Subscribe::to("acct_7")).await.unwrap();
    assert!(matches!(events.next().await, Some(Delivery::Checkpoint(_))));
    let position = hub.publish(event()).await.unwrap();
    log.is_away.store(true, Ordering::Relaxed);
    assert!(log.announcers.lock().unwrap()[0].tell(Announced::Lapse));
    assert!(tokio::time::timeout(HOUR, events.next()).await.is_err(), "it cannot be read");
    log.is_away.store(false, Ordering::Relaxed);
    let told = tokio::time::timeout(HOUR, events.next()).await.expect("it is not waited for");
    assert_eq!(told.unwrap().position(), position);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_listen_keeps_nobody_from_publishing() {
    let log = Spoilt::default();
    log.is_deaf.store(true, Ordering::Relaxed);
    let hub = Hub::builder(log.clone()).build().unwrap();
    for _ in 0..10 {
        assert!(hub.subscribe(Subscribe::to("acct_7")).await.is_err());
    }
    hub.publish(event()).await.unwrap();
}
