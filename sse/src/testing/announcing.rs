use std::sync::Arc;

use super::{BODY, Log, MANY, TOPIC, lose, new_id};
use crate::store::{EventLog, Listen};

/// More than one who does not listen is waited for.
const TOO_MANY: usize = 400;

pub(super) async fn conformance(store: &Arc<dyn EventLog>) {
    what_is_appended_is_announced(store).await;
    and_in_order_whoever_appends(store).await;
    an_event_is_announced_once(store).await;
    all_who_listen_are_told(store).await;
    who_has_gone_disturbs_nobody(store).await;
    who_does_not_keep_up_is_told_so(store).await;
    what_is_sent_again_disturbs_nobody(store).await;
}

async fn what_is_appended_is_announced(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    log.append_some(2).await;
    let (mut listener, other) = (log.listen().await, Log::new(store));
    for offset in 3..=12 {
        other.append_one().await;
        log.append_one().await;
        listener.hear(offset).await;
    }
    assert!(listener.heard == log.all().await[2..], "it is told as it is kept");
}

async fn and_in_order_whoever_appends(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let mut listener = log.listen().await;
    let (_, told) = tokio::join!(listener.hear(MANY as u64), log.append_at_once(MANY));
    assert_eq!(told.len(), MANY);
    assert!(listener.heard == log.all().await, "it is told as it is kept");
}

async fn an_event_is_announced_once(store: &Arc<dyn EventLog>) {
    let (log, id) = (Log::new(store), new_id());
    let mut listener = log.listen().await;
    for _ in 0..3 {
        log.append(id, TOPIC, BODY).await;
    }
    log.append_one().await;
    listener.hear(2).await;
    assert_eq!(listener.heard.len(), 2);
}

async fn all_who_listen_are_told(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(log.listen().await);
        log.append_one().await;
    }
    for mut listener in listeners {
        let first = listener.at.offset as usize;
        listener.hear(3).await;
        assert!(listener.heard == log.all().await[first..], "it is told since it listens");
    }
}

async fn who_has_gone_disturbs_nobody(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    for offset in 1..=5 {
        let gone = log.listen().await;
        let mut listener = log.listen().await;
        drop(gone);
        log.append_one().await;
        listener.hear(offset).await;
    }
}

async fn who_does_not_keep_up_is_told_so(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    let (mut slow, mut other) = (log.listen().await, log.listen().await);
    for offset in 1..=TOO_MANY as u64 {
        log.append_one().await;
        other.hear(offset).await;
    }
    slow.hear(TOO_MANY as u64).await;
    assert!(slow.heard == other.heard, "what it is not told, it can read");
}

async fn what_is_sent_again_disturbs_nobody(store: &Arc<dyn EventLog>) {
    let log = Log::new(store);
    lose(|| store.announcements(Listen::new(&log.name))).await;
    let mut listener = log.listen().await;
    lose(|| store.announcements(Listen::new(&log.name))).await;
    log.append_some(5).await;
    listener.hear(5).await;
}
