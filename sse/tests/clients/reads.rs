//! What is asked of every client. They differ in what they make of blocks that are no event.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use stonework_sse::store::MemoryLog;
use tower::ServiceExt;

use crate::journey::Journey;
use crate::proxy::Proxy;
use crate::python::Script;
use crate::redis_server::Server as Redis;
use crate::server::{Server, Told, all, stream};

/// When who is told to come back does so.
const SOON: Duration = Duration::from_millis(40);

/// The same, with an id only where there is one.
pub(crate) fn all_with_own_ids() -> Vec<Told> {
    let no_id = |told: Told| Told { id: told.id.filter(|_| told.data != "no id"), ..told };
    all().into_iter().map(no_id).collect()
}

/// What was told of events.
pub(crate) fn told(lines: &[Value]) -> Vec<Told> {
    let events = lines.iter().filter(|line| line.get("type").is_some());
    events.map(|line| serde_json::from_value(line.clone()).unwrap()).collect()
}

/// What was told of anything else.
pub(crate) fn others(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line.get("type").is_none()).collect()
}

/// All that it says of all kinds of frames; the same if each byte comes by itself.
pub(crate) async fn reads(script: &str) -> Vec<Value> {
    let server = Server::start();
    let read = async |path: &str| {
        let script = Script::start(script, [server.url(path), "--once".to_owned()]);
        script.hear_all::<Value>().await
    };
    let (lines, by_bytes) = (read("/frames").await, read("/bytes").await);
    assert_eq!(told(&by_bytes), told(&lines), "byte by byte");
    assert_eq!(others(&by_bytes), others(&lines), "byte by byte");
    lines
}

/// Over lost connections and lost servers. What it tells of blocks without data is no event.
pub(crate) async fn comes_back_from_anywhere(script: &str, is_event: fn(&Told) -> bool) {
    let mut journey = Journey::begin().await;
    let read = hears_all(script, &journey, is_event);
    let (told, ()) = tokio::join!(read, journey.go());
    journey.assert_whole(&told);
}

/// Over a Redis that is killed, and has lost its log or has it still.
pub(crate) async fn stays_over_a_killed_redis(script: &str, is_event: fn(&Told) -> bool) {
    for is_kept in [false, true] {
        let mut redis = if is_kept { Redis::durable().await } else { Redis::start().await };
        let mut journey = Journey::over(&redis).await;
        let read = hears_all(script, &journey, is_event);
        let (told, ()) = tokio::join!(read, journey.go_over(&mut redis, is_kept));
        journey.assert_whole(&told);
    }
}

/// All that it is told on its journey, and how far it has come meanwhile.
fn hears_all(
    script: &str,
    journey: &Journey,
    is_event: fn(&Told) -> bool,
) -> impl Future<Output = Vec<Told>> + use<> {
    let mut script = Script::start(script, [journey.proxy.url("/events")]);
    let seen = journey.seen.clone();
    async move {
        let mut told = Vec::new();
        while let Some(line) = script.hear::<Value>().await {
            told.extend(self::told(&[line]).into_iter().filter(is_event));
            seen.send_if_modified(|seen| {
                let number = told.last().and_then(Told::number);
                number.is_some_and(|number| std::mem::replace(seen, number) != number)
            });
        }
        told
    }
}

/// It is turned away as long as there are too many streams, and comes back by itself. Gives all that it said.
pub(crate) async fn comes_back_when_there_is_room(script: &str) -> Vec<Value> {
    let mut server = full(MemoryLog::new());
    let other = stream(&server).await;
    let script = Script::start(script, [server.url("/events")]);
    let freed = async {
        server.until_asked(4).await;
        drop(other);
        // The first was the other.
        assert_eq!(server.arrivals.recv().await, Some(None));
        assert_eq!(server.arrivals.recv().await, Some(None));
        server.tell("end", "").await;
    };
    let (lines, ()) = tokio::join!(script.hear_all(), freed);
    assert_eq!(told(&lines).last().map(|last| &*last.event_type), Some("end"));
    lines
}

/// It is told to go before it has been told of anything, is turned away, and knows where it was all the same.
pub(crate) async fn keeps_its_cursor(script: &str) {
    let log = MemoryLog::new();
    let mut first = Server::with(log.clone(), 10, SOON);
    let proxy = Proxy::start(first.address).await;
    let mut script = Script::start(script, [proxy.url("/events")]);
    assert_eq!(first.arrivals.recv().await, Some(None));
    first.tell("note", "1").await;
    while script.hear::<Value>().await.expect("the first event")["type"] != "note" {}
    let cursor = Some(first.cursor().await);

    let mut quiet = Server::with(log.clone(), 10, SOON);
    proxy.lead_to(Some(quiet.address));
    proxy.cut().await;
    assert_eq!(quiet.arrivals.recv().await, Some(cursor.clone()));
    let mut full = full(log.clone());
    let other = stream(&full).await;
    assert_eq!(full.arrivals.recv().await, Some(None));
    proxy.lead_to(Some(full.address));
    quiet.stop();
    full.until_asked(4).await;
    drop(other);
    assert_eq!(full.arrivals.recv().await, Some(cursor));
    full.tell("end", "").await;
    let told = told(&script.hear_all::<Value>().await);
    assert!(told.iter().all(|told| told.event_type != "gap" && told.event_type != "note"));
}

/// A server that has room for one.
fn full(log: MemoryLog) -> Server {
    Server::with(log, 1, SOON)
}

/// It is told to go, and comes back with its cursor to another server. Gives all that it said.
pub(crate) async fn comes_back_after_a_drain(script: &str) -> Vec<Value> {
    let mut first = Server::with(MemoryLog::new(), 10, SOON);
    let proxy = Proxy::start(first.address).await;
    let mut script = Script::start(script, [proxy.url("/events")]);
    assert_eq!(first.arrivals.recv().await, Some(None));
    first.tell("note", "1").await;
    let mut lines: Vec<Value> = Vec::new();
    while lines.last().is_none_or(|line| line["type"] != "note") {
        lines.push(script.hear().await.expect("the first event"));
    }
    let mut second = Server::start();
    proxy.lead_to(Some(second.address));
    first.stop();
    assert_eq!(second.arrivals.recv().await, Some(Some(first.cursor().await)));
    second.tell("end", "").await;
    lines.extend(script.hear_all::<Value>().await);
    let types = told(&lines).into_iter().map(|told| told.event_type);
    let types: Vec<_> = types.filter(|name| name != "message").collect();
    assert_eq!(types, ["note", "gap", "end"]);
    lines
}

/// The times to come back at that it was told, if it tells of them.
fn times(lines: &[Value]) -> Vec<u64> {
    lines.iter().filter_map(|line| line["retry"].as_u64()).collect()
}

/// Of who comes back until there is room: each time it was told when, and then it was served.
pub(crate) fn assert_turned_away(lines: &[Value]) {
    let times = times(lines);
    let (served, turned_away) = times.split_last().unwrap();
    assert!(turned_away.len() >= 2, "{times:?}");
    assert!(turned_away.iter().all(|time| (20..=40).contains(time)), "{times:?}");
    assert_eq!(*served, 10);
}

/// Of who was served and then told to go: by the first server more than once, if it came back over a connection that
/// was still open.
pub(crate) fn assert_told_to_go(lines: &[Value]) {
    let times = times(lines);
    let (served, told_to_go) = times.split_first().unwrap();
    assert_eq!(*served, 10, "{times:?}");
    assert!(!told_to_go.is_empty(), "{times:?}");
    assert!(told_to_go.iter().all(|time| (20..=40).contains(time)), "{times:?}");
}

/// A 503 with `Retry-After`, as a service gives that has no layer.
pub(crate) async fn is_refused(script: &str) {
    let server = Server::start();
    let lines: Vec<Value> = Script::start(script, [server.url("/unavailable")]).hear_all().await;
    assert_eq!(lines, [serde_json::json!({"refused": 503})]);
    assert_eq!(server.asked(), 1, "it does not come back");
}

/// What the layer gives to whoever does not say that it wants events.
#[tokio::test]
async fn who_does_not_ask_for_events_gets_a_503() {
    let server = full(MemoryLog::new());
    let _other = stream(&server).await;
    let request = Request::get("/events").body(axum::body::Body::empty()).unwrap();
    let response = server.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
}
