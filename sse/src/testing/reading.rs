use std::sync::Arc;

use super::{Log, chained, lose};
use crate::Position;
use crate::store::{EventLog, Lost, Read, ReadAfter};

/// How many events there are at most until some are forgotten.
const MOST: usize = 2_000;

pub(super) async fn conformance(store: &Arc<dyn EventLog>) {
    from_each_place_the_rest_is_read(store).await;
    no_more_are_read_than_asked_for(store).await;
    what_is_read_again_is_the_same(store).await;
    another_log_is_a_gap(store).await;
    another_event_is_a_gap(store).await;
    what_lies_ahead_is_a_gap(store).await;
    a_log_without_events_has_one_place(store).await;
}

async fn from_each_place_the_rest_is_read(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let mut places = vec![log.head().await];
    places.extend(log.append_some(10).await);
    let all = log.all().await;
    assert_eq!(all.len(), 10, "all are kept");
    for (number, place) in places.iter().enumerate() {
        assert!(log.after(*place).await == all[number..], "these come after {place}");
    }
}

async fn no_more_are_read_than_asked_for(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let mut place = log.head().await;
    let last = log.append_some(10).await[9];
    for limit in [1, 3, 2, 1, 9, 10, 11, usize::MAX] {
        if place == last {
            return;
        }
        let some = log.some_after(place, limit).await;
        assert!((1..=limit).contains(&some.len()), "at most {limit} are read, and at least one");
        place = some[some.len() - 1].position;
    }
    assert_eq!(place, last, "at least one is read each time");
}

async fn what_is_read_again_is_the_same(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let start = log.head().await;
    let read = || store.read_after(ReadAfter::new(&log.name, start, 10));
    lose(read).await;
    assert_eq!(log.head().await, start, "nothing was appended");
    log.append_some(2).await;
    lose(read).await;
    assert_eq!(log.after(start).await.len(), 2, "nothing is taken away");
}

/// After a position that is none of this log. From where it tells to go on, nothing is missing.
async fn is_replaced(log: &Log, position: Position) -> Position {
    let gap = log.gap(position).await;
    assert_eq!(gap.lost, Lost::Replaced, "{position} is none of this log");
    log.after(gap.resume).await;
    gap.resume
}

async fn another_log_is_a_gap(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let start = log.head().await;
    let places = log.append_some(5).await;
    for Position { epoch, offset, tag } in [&[start][..], &places].concat() {
        let other = Position::new(epoch ^ 1, offset, tag);
        assert_eq!(is_replaced(&log, other).await, start, "all of it is new to whoever was there");
    }
}

async fn another_event_is_a_gap(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let start = log.head().await;
    let places = log.append_some(5).await;
    for place in [&[start][..], &places].concat() {
        let other = Position::new(place.epoch, place.offset, place.tag ^ 1);
        is_replaced(&log, other).await;
    }
}

async fn what_lies_ahead_is_a_gap(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let head = log.append_some(5).await[4];
    for offset in [6, 7, u64::MAX - 1, u64::MAX] {
        let ahead = Position::new(head.epoch, offset, head.tag);
        assert_eq!(is_replaced(&log, ahead).await, head, "nothing comes after {ahead}");
    }
}

async fn a_log_without_events_has_one_place(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let start = log.head().await;
    for other in [
        Position::start(start.epoch ^ 1),
        Position::new(start.epoch, 0, 1),
        Position::new(start.epoch, 1, 1),
    ] {
        assert_eq!(is_replaced(&log, other).await, start, "this is all that there is");
    }
}

pub(super) async fn trimming(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let start = log.head().await;
    let mut places = vec![start];
    while !is_trimmed(&log, start).await {
        assert!(places.len() <= MOST, "the oldest of {MOST} events are gone");
        places.push(log.append_one().await);
    }
    let resume = log.gap(start).await.resume;
    assert!(places.contains(&resume), "{resume} is a place where one can go on");
    let rest = log.after(resume).await;
    let kept: Vec<_> = rest.iter().map(|event| event.position).collect();
    let next = places.iter().position(|place| *place == resume).map_or(0, |place| place + 1);
    assert!(!kept.is_empty() && kept == places[next..], "the newest are kept");
    for place in &places {
        what_is_left(&log, *place, resume).await;
    }
    let edge = Position::new(resume.epoch, resume.offset, resume.tag ^ 1);
    assert_eq!(log.gap(edge).await.lost, Lost::Replaced, "another event was there");
    let other = Position { epoch: resume.epoch ^ 1, ..resume };
    let gap = log.gap(other).await;
    assert_eq!((gap.lost, gap.resume), (Lost::Replaced, resume), "it is another log");
}

async fn is_trimmed(log: &Log, start: Position) -> bool {
    match log.read(start, 1).await {
        Read::Gap(_) => true,
        Read::Events(events) => {
            chained(start, events);
            false
        }
    }
}

/// After a place, in a log whose oldest event comes after another.
async fn what_is_left(log: &Log, place: Position, resume: Position) {
    if place.offset >= resume.offset {
        log.after(place).await;
        return;
    }
    let gap = log.gap(place).await;
    assert_eq!((gap.lost, gap.resume), (Lost::Trimmed, resume), "what came after {place} is gone");
}
