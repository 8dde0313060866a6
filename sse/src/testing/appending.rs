use std::sync::Arc;

use bytes::Bytes;
use stonework_core::Key;
use tokio::task::JoinSet;

use super::{BODY, Log, MANY, ODD, TOPIC, give_up, lose, new_id, new_name};
use crate::Position;
use crate::store::{Append, Entry, EventLog, Head};

pub(super) async fn conformance(store: &Arc<dyn EventLog>) {
    a_log_begins_when_it_is_asked_for(store).await;
    or_with_its_first_event(store).await;
    events_are_kept_as_they_were(store).await;
    an_event_is_appended_once(store).await;
    and_once_in_each_log(store).await;
    what_is_sent_again_is_done_once(store).await;
    a_step_that_is_given_up_is_made_or_not(store).await;
    all_who_append_the_same_at_once_are_told_the_same(store).await;
    what_is_appended_at_once_has_no_holes(store).await;
    logs_are_bytes_and_apart(store).await;
}

async fn a_log_begins_when_it_is_asked_for(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let head = log.head().await;
    assert_eq!(head, Position::start(head.epoch), "it has no events");
    assert_eq!(log.head().await, head, "it is the same log");
    assert_eq!(log.after(head).await, [], "it has no events");
    let id = new_id();
    assert_eq!(log.append(id, TOPIC, BODY).await, head.then(id), "it is the same log");
}

async fn or_with_its_first_event(store: &Arc<dyn EventLog>) {
    let (log, id) = (Log::new(store), new_id());
    let position = log.append(id, TOPIC, BODY).await;
    assert_eq!(position, Position::start(position.epoch).then(id), "it is the first");
    assert_eq!(log.head().await, position, "it is the last");
}

async fn events_are_kept_as_they_were(store: &Arc<dyn EventLog>) {
    let (log, long) = (Log::new(store), format!("data: {}\n\n", "l".repeat(100_000)));
    let mut expected = Vec::new();
    let mut before = log.head().await;
    let bodies = ["data: x\n\n", "data: \n\n", "data: \0\u{feff}\ndata: \u{e9}\n\n", &long];
    for (number, topic) in ODD.into_iter().enumerate() {
        let body = bodies[number % bodies.len()].as_bytes();
        let position = log.append(new_id(), topic, body).await;
        expected.push(Entry::new(position, before.tag, Key::from(topic), body));
        before = position;
    }
    assert!(log.all().await == expected, "they are what was appended");
}

async fn an_event_is_appended_once(store: &Arc<dyn EventLog>) {
    let (log, id) = (Log::new(store), new_id());
    let position = log.append(id, TOPIC, BODY).await;
    assert_eq!(log.append(id, TOPIC, BODY).await, position, "it is there");
    log.append_some(3).await;
    assert_eq!(log.append(id, b"other", b"data: other\n\n").await, position, "it is there");
    let events = log.all().await;
    assert_eq!(events.len(), 4, "it was appended once");
    assert!(events[0] == Entry::new(position, 0, Key::from(TOPIC), BODY), "it stays as it was");
}

async fn and_once_in_each_log(store: &Arc<dyn EventLog>) {
    let (one, other, id) = (Log::new(store), Log::new(store), new_id());
    one.append_one().await;
    assert_eq!(one.append(id, TOPIC, BODY).await.offset, 2);
    assert_eq!(other.append(id, TOPIC, BODY).await.offset, 1, "it is not in this log");
    assert_eq!(other.all().await.len(), 1, "it is now");
}

async fn what_is_sent_again_is_done_once(store: &Arc<dyn EventLog>) {
    let (log, id, topic) = (Log::new(store), new_id(), Key::from(TOPIC));
    lose(|| log.store.head(Head::new(&log.name))).await;
    let head = log.head().await;
    assert_eq!(head.offset, 0, "it has no events");
    let append = || log.store.append(Append::new(&log.name, id, &topic, Bytes::from_static(BODY)));
    lose(append).await;
    assert_eq!(log.append(id, TOPIC, BODY).await, head.then(id), "it was appended before");
    assert_eq!(log.all().await.len(), 1, "it was appended once");
}

async fn a_step_that_is_given_up_is_made_or_not(store: &Arc<dyn EventLog>) {
    let (log, topic) = (Log::new(store), Key::from(TOPIC));
    for number in 1..=MANY {
        let body = Bytes::from_static(BODY);
        give_up(log.store.append(Append::new(&log.name, new_id(), &topic, body)));
        let last = log.append_one().await;
        let events = log.all().await;
        assert!(events.iter().any(|event| event.position == last), "it was appended");
        assert!((number..=2 * number).contains(&events.len()), "each is appended once or never");
    }
}

async fn all_who_append_the_same_at_once_are_told_the_same(store: &Arc<dyn EventLog>) {
    let (log, id) = (Log::new(store), new_id());
    let mut tasks = JoinSet::new();
    for _ in 0..MANY {
        let log = log.clone();
        tasks.spawn(async move { log.append(id, TOPIC, BODY).await });
    }
    let told = tasks.join_all().await;
    let events = log.all().await;
    assert_eq!(events.len(), 1, "it was appended once");
    assert!(told.iter().all(|position| *position == events[0].position), "all are told where");
}

async fn what_is_appended_at_once_has_no_holes(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let mut told = log.append_at_once(MANY).await;
    told.sort_unstable_by_key(|position| position.offset);
    let kept: Vec<_> = log.all().await.iter().map(|event| event.position).collect();
    assert_eq!(kept, told, "each is where it was said to be");
    assert_eq!(kept.len(), MANY, "all are kept");
}

async fn logs_are_bytes_and_apart(store: &Arc<dyn EventLog>) {
    let name = new_name();
    let logs = ODD.map(|suffix| Log::named(store, &[name.as_bytes(), suffix].concat()));
    for (log, topic) in logs.iter().zip(ODD) {
        let position = log.append(new_id(), topic, BODY).await;
        assert_eq!(position.offset, 1, "it is another log");
    }
    for (log, topic) in logs.iter().zip(ODD) {
        let events = log.all().await;
        assert_eq!(events.len(), 1, "it is another log");
        assert_eq!(events[0].topic, Key::from(topic), "it is what was appended");
    }
}
