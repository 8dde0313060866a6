//! A hub on several threads: who publishes, reads, comes and goes does so at the same time as the others.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::time::Duration;

use stonework_core::Key;
use stonework_sse::store::{EventLog, Head, Lost, MemoryLog};
use stonework_sse::{Delivery, End, Event, Hub, Position, Publish, SlowClients, Subscribe};
use tokio::task::JoinSet;

const LOG: &str = "acct_7";

const PUBLISHERS: usize = 3;

const READERS: usize = 8;

/// Longer than any wait of a test that passes.
const DEADLINE: Duration = Duration::from_secs(60);

/// Of each publisher.
const EVENTS: usize = 4_000;

/// Two processes, each of which keeps few events for those who read along.
fn hubs(log: &MemoryLog, lag: u64, slow: SlowClients) -> [Hub; 2] {
    let hub = || Hub::builder(log.clone()).window_events(16).max_lag(lag).slow_clients(slow);
    [hub().build().unwrap(), hub().build().unwrap()]
}

async fn publish(hub: Hub) {
    for event in 0..EVENTS {
        hub.publish(Publish::to(LOG, Event::new("x"))).await.unwrap();
        if event % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Reads up to an event, and comes back again and again. Each event is the next, or there is a gap.
async fn read(hub: Hub, mut at: Position, last: u64, patience: usize) -> usize {
    let mut gaps = 0;
    while at.offset < last {
        let mut events = hub.subscribe(Subscribe::to(LOG).after(at)).await.unwrap();
        for _ in 0..patience {
            match events.next().await {
                Some(Delivery::Event(event)) => {
                    assert!(event.follows(at), "{event:?} after {at}");
                    at = event.position;
                }
                Some(Delivery::Gap(gap)) => {
                    assert!(matches!(gap.lost, Lost::Trimmed | Lost::Skipped), "{gap:?}");
                    assert!(gap.resume.offset > at.offset, "{gap:?} after {at}");
                    (at, gaps) = (gap.resume, gaps + 1);
                }
                Some(other) => panic!("{other:?}"),
                None => assert_eq!(events.end(), Some(End::Slow)),
            }
            if at.offset == last || events.end().is_some() {
                break;
            }
        }
    }
    gaps
}

/// How many gaps there were.
async fn run(log: MemoryLog, lag: u64, slow: SlowClients) -> usize {
    let hubs = hubs(&log, lag, slow);
    let start = log.head(Head::new(&Key::from(LOG))).await.unwrap();
    let (mut publishers, mut readers) = (JoinSet::new(), JoinSet::new());
    for publisher in 0..PUBLISHERS {
        publishers.spawn(publish(hubs[publisher % 2].clone()));
    }
    for reader in 0..READERS {
        let patience = 10 * (reader + 1) * (reader + 1);
        let last = (PUBLISHERS * EVENTS) as u64;
        readers.spawn(read(hubs[reader % 2].clone(), start, last, patience));
    }
    publishers.join_all().await;
    let gaps = tokio::time::timeout(DEADLINE, readers.join_all()).await;
    gaps.expect("all come to the last event").into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn of_what_is_kept_nothing_is_missing_and_nothing_comes_twice() {
    let log = MemoryLog::builder().max_events(usize::MAX).max_bytes(usize::MAX).build().unwrap();
    assert_eq!(run(log, u64::MAX, SlowClients::Disconnect).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn of_what_is_not_whatever_is_missing_is_said() {
    for slow in [SlowClients::Disconnect, SlowClients::SkipToLatest, SlowClients::Drop] {
        let log = MemoryLog::builder().max_events(100).build().unwrap();
        run(log, 20, slow).await;
    }
}
