//! A log that falls back to an older state of itself, as a Redis does that fails over. Paused time.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stonework_core::{StoreError, StoreFuture};
use stonework_sse::store::{
    Announced, Announcements, Announcer, Append, Entry, EventLog, Head, Listen, Read, ReadAfter,
};
use stonework_sse::{Delivery, Event, Hub, Position, Publish, Subscribe, Subscription};

const LOG: &str = "acct_7";
const EPOCH: u32 = 1;

/// One log, all of which is kept.
#[derive(Clone, Default)]
struct FallsBack(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    entries: Vec<Entry>,
    announcers: Vec<Announcer>,
}

impl Inner {
    fn head(&self) -> Position {
        self.entries.last().map_or(Position::start(EPOCH), |entry| entry.position)
    }
}

impl FallsBack {
    /// To the first so many events.
    fn to(&self, events: usize) {
        self.0.lock().unwrap().entries.truncate(events);
    }
}

impl EventLog for FallsBack {
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>> {
        let mut inner = self.0.lock().unwrap();
        let before = inner.head();
        let Append { id, topic, body, .. } = append;
        let entry = Entry::new(before.then(id), before.tag, topic.clone(), &body);
        inner.entries.push(entry.clone());
        inner.announcers.retain(|announcer| announcer.tell(Announced::Event(entry.clone())));
        StoreFuture::ready(Ok(entry.position))
    }

    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>> {
        let inner = self.0.lock().unwrap();
        let Position { epoch, offset, .. } = read.position;
        let is_after = |entry: &&Entry| epoch != EPOCH || entry.position.offset > offset;
        let entries = inner.entries.iter().filter(is_after).take(read.limit).cloned().collect();
        StoreFuture::ready(Ok(Read::judge(read.position, inner.head(), entries)))
    }

    fn head(&self, _: Head<'_>) -> StoreFuture<Result<Position, StoreError>> {
        StoreFuture::ready(Ok(self.0.lock().unwrap().head()))
    }

    fn announcements(&self, _: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>> {
        let (announcer, announcements) = Announcements::channel(16);
        self.0.lock().unwrap().announcers.push(announcer);
        StoreFuture::ready(Ok(announcements))
    }
}

async fn publish(hub: &Hub, data: &str) {
    hub.publish(Publish::to(LOG, Event::new(data))).await.unwrap();
}

/// All that comes within an hour, or until it ends.
async fn told(events: &mut Subscription) -> Vec<String> {
    let mut told = Vec::new();
    let hour = Duration::from_secs(3_600);
    while let Ok(delivery) = tokio::time::timeout(hour, events.next()).await {
        told.push(match delivery.expect("it goes on") {
            Delivery::Event(entry) => entry.said().data,
            Delivery::Checkpoint(position) => format!("checkpoint {}", position.offset),
            Delivery::Gap(gap) => format!("gap {} {}", gap.lost.slug(), gap.resume.offset),
            _ => unreachable!("there are no others"),
        });
    }
    told
}

#[tokio::test(start_paused = true)]
async fn who_has_read_what_is_gone_is_told_of_a_gap_and_goes_on() {
    let log = FallsBack::default();
    let hub = Hub::builder(log.clone()).build().unwrap();
    let mut events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    for event in 1..=3 {
        publish(&hub, &event.to_string()).await;
    }
    assert_eq!(told(&mut events).await, ["checkpoint 0", "1", "2", "3"]);
    log.to(1);
    publish(&hub, "after").await;
    publish(&hub, "wards").await;
    publish(&hub, "4").await;
    // What has taken the place of what it had read is not given.
    assert_eq!(told(&mut events).await, ["gap replaced 3", "4"]);
    // Nobody publishes: whoever looks finds it.
    log.to(1);
    assert_eq!(told(&mut events).await, ["gap replaced 1"]);
    publish(&hub, "again").await;
    assert_eq!(told(&mut events).await, ["again"]);
}

/// Nobody has looked since it fell back, by more than those who read along keep.
#[tokio::test(start_paused = true)]
async fn who_comes_before_anybody_has_looked_is_let_in() {
    let log = FallsBack::default();
    let builder = Hub::builder(log.clone()).window_events(8);
    let hub = builder.looks_every(Duration::from_secs(24 * 3_600)).build().unwrap();
    let mut stays = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    for event in 0..100 {
        publish(&hub, &event.to_string()).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(told(&mut stays).await.len(), 101);
    log.to(5);
    let mut comes = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    assert_eq!(told(&mut comes).await, ["checkpoint 5"]);
    assert_eq!(told(&mut stays).await, ["gap replaced 5"]);
    publish(&hub, "a").await;
    assert_eq!(
        (told(&mut comes).await, told(&mut stays).await),
        (vec!["a".into()], vec!["a".into()])
    );
}
