//! sseclient-py over requests, brought back by its caller.
//!
//! It gives events and nothing else: neither ids without an event nor times to come back. An id is that of its own event,
//! and none if there is none. So a caller that loses the connection before the first event begins anew; all events of
//! a hub have ids, with which it misses nothing after the first.

use serde_json::{Value, json};

use super::reads::{
    all_with_own_ids, comes_back_after_a_drain, comes_back_from_anywhere,
    comes_back_when_there_is_room, is_refused, keeps_its_cursor, reads, stays_over_a_killed_redis,
    told,
};
use crate::proxy::Proxy;
use crate::python::Script;
use crate::server::{Server, raw};

const SCRIPT: &str = "sseclient_events.py";

#[tokio::test]
async fn sseclient_py_reads_all_events_and_nothing_else() {
    let lines = reads(SCRIPT).await;
    assert_eq!(told(&lines), all_with_own_ids());
    assert!(lines.iter().all(|line| line["retry"] == Value::Null), "{lines:?}");
}

#[tokio::test]
async fn sseclient_py_is_told_of_all_events_once_or_of_a_gap() {
    comes_back_from_anywhere(SCRIPT, |_| true).await;
}

#[tokio::test]
async fn sseclient_py_stays_over_a_redis_that_is_killed() {
    stays_over_a_killed_redis(SCRIPT, |_| true).await;
}

#[tokio::test]
async fn sseclient_py_comes_back_when_there_is_room() {
    comes_back_when_there_is_room(SCRIPT).await;
}

#[tokio::test]
async fn sseclient_py_comes_back_after_a_drain_with_its_cursor() {
    comes_back_after_a_drain(SCRIPT).await;
}

#[tokio::test]
async fn sseclient_py_keeps_its_cursor_when_it_is_told_to_go_and_turned_away() {
    keeps_its_cursor(SCRIPT).await;
}

#[tokio::test]
async fn sseclient_py_is_refused_with_a_503() {
    is_refused(SCRIPT).await;
}

/// It has not been told where it was. Nothing that a server says can help it.
#[tokio::test]
async fn sseclient_py_begins_anew_if_the_connection_is_lost_before_the_first_event() {
    let mut server = Server::start();
    let proxy = Proxy::start(server.address).await;
    let script = Script::start(SCRIPT, [proxy.url("/events")]);
    let lost = async {
        assert_eq!(server.arrivals.recv().await, Some(None));
        proxy.lead_to(None);
        proxy.cut().await;
        server.tell("note", "missed").await;
        proxy.lead_to(Some(server.address));
        assert_eq!(server.arrivals.recv().await, Some(None));
        server.tell("end", "").await;
    };
    let (lines, ()) = tokio::join!(script.hear_all::<Value>(), lost);
    let types: Vec<_> = lines.iter().map(|line| &line["type"]).collect();
    assert_eq!(types, ["end"]);
}

/// The end of a stream ends an event for it, whether or not all of it has come. It knows that not all has come where HTTP
/// does: chunks and HTTP/2 have an end of their own, and a body that lasts as long as its connection has not.
#[tokio::test]
async fn sseclient_py_tells_of_half_an_event_where_http_does_not_know_better() {
    let half = "id: 1\ndata: whole\n\nid: 2\ndata: ha";
    let chunk = format!("{:x}\r\n{half}\r\n", half.len());
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    for (answer, expected) in [
        (format!("{head}connection: close\r\n\r\n{half}"), vec![("whole", "1"), ("ha", "2")]),
        (format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}"), vec![("whole", "1")]),
    ] {
        let (url, _) = raw(answer).await;
        let lines: Vec<Value> = Script::start(SCRIPT, [&*url, "--once"]).hear_all().await;
        let told: Vec<_> = lines.iter().map(|line| json!([line["data"], line["id"]])).collect();
        let expected: Vec<_> = expected.iter().map(|(data, id)| json!([data, id])).collect();
        assert_eq!(told, expected);
    }
}
