//! What a hub gives to whom: from now on, from a place on, through holes, and never twice.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/faulty.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod faulty;

use std::time::Duration;

use faulty::{Faults, Faulty};
use stonework_core::Key;
use stonework_sse::store::{EventLog, Head, Lost, MemoryLog};
use stonework_sse::{
    Delivery, Event, Hub, LastEventId, Position, Publish, PublishErrorKind, SlowClients, Subscribe,
    Subscription,
};

const LOG: &str = "acct_7";

async fn publish(hub: &Hub, data: &str) -> Position {
    hub.publish(Publish::to(LOG, Event::new(data))).await.unwrap()
}

/// The data of an event; what else there is, by name.
fn shown(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Event(entry) => {
            let mut decoder = stonework_sse::Decoder::new();
            decoder.feed(entry.frame.as_bytes());
            decoder.message().unwrap().unwrap().data.to_owned()
        }
        Delivery::Checkpoint(position) => format!("checkpoint {}", position.offset),
        Delivery::Gap(gap) => format!("gap {} {}", gap.lost.slug(), gap.resume.offset),
        _ => unreachable!("there are no others"),
    }
}

async fn take(events: &mut Subscription, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(shown(&events.next().await.expect("it goes on")));
    }
    all
}

async fn after(hub: &Hub, position: Position) -> Subscription {
    hub.subscribe(Subscribe::to(LOG).after(position)).await.unwrap()
}

/// Is there nothing for it now?
fn is_quiet(events: &mut Subscription) -> bool {
    tokio_test::task::spawn(events.next()).poll().is_pending()
}

#[tokio::test(start_paused = true)]
async fn without_a_place_it_begins_now() {
    let hub = Hub::in_memory();
    publish(&hub, "before").await;
    let mut events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    assert_eq!(take(&mut events, 1).await, ["checkpoint 1"]);
    publish(&hub, "a").await;
    publish(&hub, "b").await;
    assert_eq!(take(&mut events, 2).await, ["a", "b"]);
    assert!(is_quiet(&mut events));
}

/// More than the log keeps, by one who never waits.
#[tokio::test(start_paused = true)]
async fn who_reads_along_misses_nothing_of_a_burst() {
    let hub = Hub::in_memory();
    let mut events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    assert_eq!(take(&mut events, 1).await, ["checkpoint 0"]);
    let reader = tokio::spawn(async move { take(&mut events, 3_000).await });
    let mut expected = Vec::new();
    for event in 0..3_000 {
        expected.push(event.to_string());
        publish(&hub, &event.to_string()).await;
    }
    assert_eq!(reader.await.unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn from_a_place_on_all_is_given_once() {
    let hub = Hub::in_memory();
    let first = publish(&hub, "1").await;
    for data in ["2", "3"] {
        publish(&hub, data).await;
    }
    let mut events = after(&hub, first).await;
    publish(&hub, "4").await;
    assert_eq!(take(&mut events, 3).await, ["2", "3", "4"]);
    publish(&hub, "5").await;
    assert_eq!(take(&mut events, 1).await, ["5"]);
    assert_eq!(events.position().offset, 5);
}

#[tokio::test(start_paused = true)]
async fn topics_are_filtered_and_stretches_without_any_are_told() {
    let hub = Hub::in_memory();
    let start = publish(&hub, "0").await;
    let wanted = || Subscribe::to(LOG).topics(["b"]).topics(["c"]);
    let mut events = hub.subscribe(wanted().after(start)).await.unwrap();
    let topic = async |topic: &str, data: &str| {
        hub.publish(Publish::to(LOG, Event::new(data)).topic(topic)).await.unwrap()
    };
    topic("a", "1").await;
    topic("b", "2").await;
    topic("c", "3").await;
    assert_eq!(take(&mut events, 2).await, ["2", "3"]);
    for _ in 0..63 {
        topic("a", "x").await;
    }
    assert!(is_quiet(&mut events));
    topic("a", "x").await;
    assert_eq!(take(&mut events, 1).await, ["checkpoint 68"]);
    let Delivery::Checkpoint(position) = Delivery::Checkpoint(events.position()) else { return };
    let mut again = hub.subscribe(wanted().after(position)).await.unwrap();
    topic("b", "4").await;
    assert_eq!(take(&mut events, 1).await, ["4"]);
    assert_eq!(take(&mut again, 1).await, ["4"]);
}

#[tokio::test(start_paused = true)]
async fn the_type_is_the_topic_unless_there_is_one() {
    let hub = Hub::in_memory();
    let mut events = hub.subscribe(Subscribe::to(LOG).topics(["message", "t"])).await.unwrap();
    publish(&hub, "a").await;
    for event_type in ["t", "u"] {
        let event = Event::new(event_type).event_type(event_type).unwrap();
        hub.publish(Publish::to(LOG, event)).await.unwrap();
    }
    assert_eq!(take(&mut events, 3).await, ["checkpoint 0", "a", "t"]);
    assert!(is_quiet(&mut events));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_allowed_any_more_is_not_replayed() {
    let hub = Hub::in_memory();
    let start = publish(&hub, "0").await;
    let secret = Publish::to(LOG, Event::new("secret")).topic("secrets");
    hub.publish(secret).await.unwrap();
    publish(&hub, "1").await;
    let allowed = |entry: &stonework_sse::store::Entry| entry.topic != Key::from("secrets");
    let mut events = hub.subscribe(Subscribe::to(LOG).after(start).allow(allowed)).await.unwrap();
    assert_eq!(take(&mut events, 1).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_token_expires() {
    let clock = stonework_core::TokioClock::starting_at(Duration::from_secs(1_000));
    let hub = Hub::builder(MemoryLog::new()).clock(clock).build().unwrap();
    let until = |second| Subscribe::to(LOG).expires_at(Duration::from_secs(second));
    let mut events = hub.subscribe(until(1_060)).await.unwrap();
    assert_eq!(take(&mut events, 1).await, ["checkpoint 0"]);
    publish(&hub, "a").await;
    assert_eq!(take(&mut events, 1).await, ["a"]);
    // Paused time goes on when nothing else does.
    assert_eq!(events.next().await, None);
    assert_eq!(stonework_core::Clock::unix(&clock), Duration::from_secs(1_060));
    assert_eq!(events.next().await, None);
    assert_eq!(hub.subscribe(until(1_060)).await.unwrap().next().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_place_is_a_gap() {
    let hub = Hub::in_memory();
    publish(&hub, "0").await;
    for text in ["42", "", "\u{fffd}", "../../etc", "00000001.1"] {
        let wanted = Subscribe::to(LOG).after(LastEventId::new(text));
        let mut events = hub.subscribe(wanted).await.unwrap();
        assert_eq!(take(&mut events, 1).await, ["gap unknown 1"], "{text:?}");
        assert!(is_quiet(&mut events));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_kept_is_a_gap_and_the_rest_is_given() {
    let log = MemoryLog::builder().max_events(3).build().unwrap();
    let hub = Hub::builder(log).build().unwrap();
    let first = publish(&hub, "1").await;
    for data in ["2", "3", "4", "5"] {
        publish(&hub, data).await;
    }
    let mut events = after(&hub, first).await;
    assert_eq!(take(&mut events, 4).await, ["gap trimmed 2", "3", "4", "5"]);
    let edge = Position::new(first.epoch, 2, 0);
    // Who says that it was elsewhere is not believed.
    assert_eq!(take(&mut after(&hub, edge).await, 1).await, ["gap replaced 2"]);
    let other = Position::new(first.epoch ^ 1, first.offset, first.tag);
    assert_eq!(take(&mut after(&hub, other).await, 2).await, ["gap replaced 2", "3"]);
    let ahead = Position::new(first.epoch, 99, first.tag);
    let mut events = after(&hub, ahead).await;
    assert_eq!(take(&mut events, 1).await, ["gap replaced 5"]);
    publish(&hub, "6").await;
    assert_eq!(take(&mut events, 1).await, ["6"]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_lost_is_a_gap_for_whoever_reads_along_too() {
    let log = MemoryLog::builder().max_logs(1).build().unwrap();
    let hub = Hub::builder(log.clone()).build().unwrap();
    let first = publish(&hub, "1").await;
    let mut events = after(&hub, first).await;
    assert!(is_quiet(&mut events));
    let other = Key::from("other");
    log.head(stonework_sse::store::Head::new(&other)).await.unwrap();
    let told = take(&mut events, 1).await;
    assert_eq!(told, ["gap replaced 0"]);
    publish(&hub, "a").await;
    assert_eq!(take(&mut events, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_published_once() {
    let hub = Hub::in_memory();
    let mut events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    let event = Publish::to(LOG, Event::new("a"));
    let position = hub.publish(event.clone()).await.unwrap();
    assert_eq!(hub.publish(event).await.unwrap(), position);
    let same = Publish::to(LOG, Event::new("b")).id([7; 16]);
    assert_ne!(hub.publish(same).await.unwrap(), position);
    assert_eq!(take(&mut events, 3).await, ["checkpoint 0", "a", "b"]);
    assert!(is_quiet(&mut events));
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_for_the_hub_to_tell() {
    let hub = Hub::in_memory();
    let event = Event::new("x").event_type("gap").unwrap();
    let error = hub.publish(Publish::to(LOG, event)).await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Reserved);
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_gets_what_was_said() {
    for (slow, expected) in [
        (SlowClients::Disconnect, vec![]),
        (SlowClients::SkipToLatest, vec!["gap skipped 9".to_owned()]),
        (SlowClients::Drop, ["gap skipped 7", "8", "9"].map(str::to_owned).to_vec()),
    ] {
        let hub = Hub::builder(MemoryLog::new()).window_events(2).max_lag(6).slow_clients(slow);
        let hub = hub.build().unwrap();
        let mut events = after(&hub, publish(&hub, "1").await).await;
        publish(&hub, "2").await;
        assert_eq!(take(&mut events, 1).await, ["2"]);
        for data in 3..=9 {
            publish(&hub, &data.to_string()).await;
        }
        // Paused time goes on when nothing else does.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut given = Vec::new();
        while let std::task::Poll::Ready(Some(delivery)) =
            tokio_test::task::spawn(events.next()).poll()
        {
            given.push(shown(&delivery));
        }
        assert_eq!(given, expected, "{slow:?}");
        let ended = tokio_test::task::spawn(events.next()).poll().is_ready();
        assert_eq!(ended, slow == SlowClients::Disconnect);
        // It has not missed anything that it cannot have.
        if ended {
            let mut again = after(&hub, events.position()).await;
            assert_eq!(take(&mut again, 7).await, ["3", "4", "5", "6", "7", "8", "9"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_falls_behind_a_little_reads_from_the_log() {
    for slow in [SlowClients::Disconnect, SlowClients::SkipToLatest, SlowClients::Drop] {
        let hub = Hub::builder(MemoryLog::new()).window_events(2).max_lag(7).slow_clients(slow);
        let hub = hub.build().unwrap();
        let mut events = after(&hub, publish(&hub, "1").await).await;
        publish(&hub, "2").await;
        assert_eq!(take(&mut events, 1).await, ["2"]);
        for data in 3..=9 {
            publish(&hub, &data.to_string()).await;
        }
        tokio::task::yield_now().await;
        assert_eq!(take(&mut events, 7).await, ["3", "4", "5", "6", "7", "8", "9"]);
    }
}

/// However little it may be behind: what is kept for those who read along is there for it, too.
#[tokio::test(start_paused = true)]
async fn who_goes_on_is_not_slow_at_once_again() {
    let hub = Hub::builder(MemoryLog::new()).window_events(8).max_lag(2);
    let hub = hub.slow_clients(SlowClients::Drop).build().unwrap();
    let mut events = after(&hub, publish(&hub, "1").await).await;
    assert!(is_quiet(&mut events));
    for data in 2..=20 {
        publish(&hub, &data.to_string()).await;
    }
    // Paused time goes on when nothing else does.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let expected = ["gap skipped 12", "13", "14", "15", "16", "17", "18", "19", "20"];
    assert_eq!(take(&mut events, 9).await, expected);
    assert!(is_quiet(&mut events));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_late_is_not_slow() {
    let hub = Hub::builder(MemoryLog::new()).window_events(2).build().unwrap();
    let first = publish(&hub, "0").await;
    let mut reads_along = after(&hub, first).await;
    for data in 1..=300 {
        publish(&hub, &data.to_string()).await;
    }
    let mut events = after(&hub, first).await;
    let all: Vec<_> = (1..=300).map(|data| data.to_string()).collect();
    assert_eq!(take(&mut events, 150).await, all[..150]);
    publish(&hub, "301").await;
    assert_eq!(take(&mut events, 150).await, all[150..]);
    assert_eq!(take(&mut events, 1).await, ["301"]);
    assert_eq!(take(&mut reads_along, 300).await, all);
}

#[tokio::test(start_paused = true)]
async fn a_place_where_something_was_lost_is_told_why() {
    for (lost, slug) in [
        (Lost::Trimmed, "trimmed"),
        (Lost::Replaced, "replaced"),
        (Lost::Unknown, "unknown"),
        (Lost::Skipped, "skipped"),
    ] {
        assert_eq!(lost.slug(), slug);
    }
}

/// Neither those that somebody has left nor those that nobody could come to.
#[tokio::test(start_paused = true)]
async fn logs_that_nobody_reads_are_forgotten() {
    let hub = Hub::in_memory();
    let known = || format!("{hub:?}");
    let mut all = Vec::new();
    for log in 0..20_u64 {
        all.push(hub.subscribe(Subscribe::to(log)).await.unwrap());
        all.push(hub.subscribe(Subscribe::to(log)).await.unwrap());
    }
    assert_eq!(known(), "Hub { logs: 20, .. }");
    all.truncate(11);
    assert_eq!(known(), "Hub { logs: 6, .. }");
    drop(all);
    assert_eq!(known(), "Hub { logs: 0, .. }");
}

/// Who has everything of a log that is lost has as far to go as one who comes back.
#[tokio::test(start_paused = true)]
async fn who_is_told_of_a_gap_is_not_slow() {
    let log = MemoryLog::builder().max_logs(1).build().unwrap();
    let hub = Hub::builder(log.clone()).window_events(1).max_lag(5).build().unwrap();
    let mut events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    assert_eq!(take(&mut events, 1).await, ["checkpoint 0"]);
    assert!(is_quiet(&mut events));
    log.head(Head::new(&Key::from("other"))).await.unwrap();
    let mut expected = vec!["gap replaced 0".to_owned()];
    for event in 0..20 {
        publish(&hub, &event.to_string()).await;
        expected.push(event.to_string());
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(take(&mut events, 21).await, expected);
}

#[tokio::test(start_paused = true)]
async fn logs_that_somebody_reads_are_lost_last() {
    let log = MemoryLog::builder().max_logs(3).build().unwrap();
    let hub = Hub::builder(log.clone()).build().unwrap();
    let mut events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    assert_eq!(take(&mut events, 1).await, ["checkpoint 0"]);
    for other in 0..10_u64 {
        log.head(Head::new(&Key::from(other))).await.unwrap();
    }
    publish(&hub, "a").await;
    assert_eq!(take(&mut events, 1).await, ["a"]);
}

/// What is appended while it is being asked where the log ends has been announced by then.
#[tokio::test(start_paused = true)]
async fn who_comes_listens_before_it_looks() {
    for meanwhile in [5, 15] {
        let log = Faulty::default();
        let hub = Hub::builder(log.clone()).looks_every(Duration::from_secs(3_600));
        let (hub, other) = (hub.build().unwrap(), Hub::builder(log.log.clone()).build().unwrap());
        let start = log.log.head(Head::new(&Key::from(LOG))).await.unwrap();
        log.set(Faults { takes: Duration::from_millis(10), ..Faults::default() });
        let coming = tokio::spawn(async move { after(&hub, start).await });
        tokio::time::sleep(Duration::from_millis(meanwhile)).await;
        publish(&other, "a").await;
        let mut events = coming.await.unwrap();
        let told = tokio::time::timeout(Duration::from_secs(60), take(&mut events, 1)).await;
        assert_eq!(told.unwrap(), ["a"], "{meanwhile}");
    }
}

/// Of fewer events than it is told of at once, the log may keep none until it comes back.
#[tokio::test(start_paused = true)]
async fn who_waits_is_told_in_time_how_far_it_has_come() {
    let minute = Duration::from_secs(60);
    let log = MemoryLog::builder().max_age(minute).build().unwrap();
    let hub = Hub::builder(log).build().unwrap();
    let mine = || Subscribe::to(LOG).topics(["mine"]);
    let mut events = hub.subscribe(mine()).await.unwrap();
    assert_eq!(take(&mut events, 1).await, ["checkpoint 0"]);
    publish(&hub, "other").await;
    publish(&hub, "other").await;
    let told = tokio::time::timeout(minute, take(&mut events, 1)).await;
    assert_eq!(told.unwrap(), ["checkpoint 2"]);
    let at = events.position();
    // Nothing more to tell.
    assert!(tokio::time::timeout(2 * minute, events.next()).await.is_err());
    let mut again = hub.subscribe(mine().after(at)).await.unwrap();
    hub.publish(Publish::to(LOG, Event::new("a")).topic("mine")).await.unwrap();
    assert_eq!(take(&mut again, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn from_the_first_on_all_is_given_or_it_begins_with_a_gap() {
    let log = MemoryLog::builder().max_events(3).build().unwrap();
    let hub = Hub::builder(log).build().unwrap();
    let first = || hub.subscribe(Subscribe::to(LOG).from_the_first());
    let mut empty = first().await.unwrap();
    assert!(is_quiet(&mut empty));
    for data in ["1", "2", "3"] {
        publish(&hub, data).await;
    }
    assert_eq!(take(&mut empty, 3).await, ["1", "2", "3"]);
    assert_eq!(take(&mut first().await.unwrap(), 3).await, ["1", "2", "3"]);
    // With the last one goes what was kept for those who are here.
    drop(empty);
    publish(&hub, "4").await;
    let mut events = first().await.unwrap();
    assert_eq!(take(&mut events, 4).await, ["gap trimmed 1", "2", "3", "4"]);
    assert!(is_quiet(&mut events));
}

#[tokio::test(start_paused = true)]
async fn between_the_state_of_things_and_what_comes_nothing_is_missing() {
    let hub = Hub::in_memory();
    assert_eq!(hub.head(LOG).await.unwrap().offset, 0);
    let last = publish(&hub, "in the state").await;
    let head = hub.head(LOG).await.unwrap();
    assert_eq!(head, last);
    publish(&hub, "between").await;
    let mut events = after(&hub, head).await;
    publish(&hub, "later").await;
    assert_eq!(take(&mut events, 2).await, ["between", "later"]);
}

/// It is behind what those who are here keep, and the log says that there is nothing more.
#[tokio::test(start_paused = true)]
async fn who_reads_from_a_replica_that_lags_reads_again() {
    let log = Faulty::default();
    let hub = Hub::builder(log.clone()).window_events(1).build().unwrap();
    let mut stays = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    assert_eq!(take(&mut stays, 1).await, ["checkpoint 0"]);
    let start = stays.position();
    for data in ["1", "2", "3"] {
        publish(&hub, data).await;
    }
    assert_eq!(take(&mut stays, 3).await, ["1", "2", "3"]);
    log.set(Faults { lags: true, ..Faults::default() });
    let mut events = after(&hub, start).await;
    assert!(is_quiet(&mut events));
    log.set(Faults::default());
    let told = tokio::time::timeout(Duration::from_secs(60), take(&mut events, 3)).await;
    assert_eq!(told.unwrap(), ["1", "2", "3"]);
}
