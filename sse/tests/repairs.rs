//! What a hub does about a log whose announcements are lost, or which is away.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stonework_core::{Key, StoreError, StoreErrorKind, StoreFuture};
use stonework_sse::store::{
    Announced, Announcements, Announcer, Append, EventLog, Head, Listen, MemoryLog, Read, ReadAfter,
};
use stonework_sse::{Delivery, End, Event, Hub, Position, Publish, Subscribe};

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

/// Answers one read after the other, each after a millisecond.
#[derive(Clone)]
struct OneByOne {
    log: MemoryLog,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl EventLog for OneByOne {
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>> {
        self.log.append(append)
    }

    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>> {
        let (turn, read) = (Arc::clone(&self.turn), self.log.read_after(read));
        StoreFuture::new(async move {
            let _turn = turn.lock().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
            read.await
        })
    }

    fn head(&self, head: Head<'_>) -> StoreFuture<Result<Position, StoreError>> {
        self.log.head(head)
    }

    fn announcements(&self, listen: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>> {
        self.log.announcements(listen)
    }
}

/// All of them at once would wait longer for the store than it may take.
#[tokio::test(start_paused = true)]
async fn of_a_log_that_is_lost_all_are_told_however_many() {
    let log = MemoryLog::builder().max_logs(1).build().unwrap();
    let hub = Hub::builder(OneByOne { log: log.clone(), turn: Arc::default() }).build().unwrap();
    let mut told = tokio::task::JoinSet::new();
    for _ in 0..2_000 {
        let mut events = hub.subscribe(Subscribe::to("acct_7")).await.unwrap();
        assert!(matches!(events.next().await, Some(Delivery::Checkpoint(_))));
        told.spawn(async move { events.next().await });
    }
    log.head(Head::new(&Key::from("other"))).await.unwrap();
    for told in told.join_all().await {
        assert!(matches!(told, Some(Delivery::Gap(_))), "{told:?}");
    }
}

/// Panics once.
#[derive(Clone, Default)]
struct Panics {
    log: MemoryLog,
    now: Arc<AtomicBool>,
}

impl EventLog for Panics {
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>> {
        self.log.append(append)
    }

    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>> {
        assert!(!self.now.swap(false, Ordering::SeqCst), "once");
        self.log.read_after(read)
    }

    fn head(&self, head: Head<'_>) -> StoreFuture<Result<Position, StoreError>> {
        self.log.head(head)
    }

    fn announcements(&self, listen: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>> {
        self.log.announcements(listen)
    }
}

#[tokio::test(start_paused = true)]
async fn when_whoever_listens_has_panicked_streams_end_and_new_ones_do_not() {
    let log = Panics::default();
    let hub = Hub::builder(log.clone()).build().unwrap();
    let mut events = hub.subscribe(Subscribe::to("acct_7")).await.unwrap();
    assert!(matches!(events.next().await, Some(Delivery::Checkpoint(_))));
    log.now.store(true, Ordering::SeqCst);
    // It looks.
    assert_eq!(tokio::time::timeout(HOUR, events.next()).await.unwrap(), None);
    assert_eq!(events.end(), Some(End::Failed));
    let mut others = hub.subscribe(Subscribe::to("acct_7")).await.unwrap();
    assert!(matches!(others.next().await, Some(Delivery::Checkpoint(_))));
    drop(events);
    hub.publish(event()).await.unwrap();
    let told = tokio::time::timeout(HOUR, others.next()).await.unwrap();
    assert!(matches!(told, Some(Delivery::Event(_))), "{told:?}");
}

#[test]
fn when_the_runtime_of_whoever_listens_has_ended_streams_of_others_end() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second, hub) = (runtime(), runtime(), Hub::in_memory());
    let here = first.block_on(hub.subscribe(Subscribe::to("acct_7"))).unwrap();
    let mut events = second.block_on(hub.subscribe(Subscribe::to("acct_7"))).unwrap();
    assert!(matches!(second.block_on(events.next()), Some(Delivery::Checkpoint(_))));
    drop((here, first));
    assert_eq!(second.block_on(events.next()), None);
    let mut again = second.block_on(hub.subscribe(Subscribe::to("acct_7"))).unwrap();
    assert!(matches!(second.block_on(again.next()), Some(Delivery::Checkpoint(_))));
    second.block_on(hub.publish(event())).unwrap();
    assert!(matches!(second.block_on(again.next()), Some(Delivery::Event(_))));
}
