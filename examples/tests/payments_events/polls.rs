//! Events by polls and WebSockets.

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::support::stream::Told;
use crate::support::{Reply, Request, Service, in_time};
use crate::{after, cursor, pay, pay_as, poll};

const CURSOR_INVALID: &str = "urn:stonework:sse:cursor-invalid";

fn item(told: &Told, made: &Reply) -> Value {
    json!({"id": told.id, "type": "transfer", "data": made.json})
}

#[tokio::test]
async fn one_cursor_is_good_in_both_versions_and_all_three_ways() {
    let service = Service::start();
    let (mut stream, start) = service.live("/v2/events", "alice").await;
    let old = pay_as(&service, "alice", "v1", 1).await;
    let first = stream.told().await;
    let made = pay(&service, 2).await;
    let second = stream.told().await;
    assert_ne!(first.id, second.id);

    // Whoever gave it, and whoever takes it.
    let polled = poll(&service, &format!("?after={start}")).await;
    assert_eq!(polled.json["cursor"], second.id, "{polled:?}");
    let mut socket = service.socket(&format!("/v2/events/ws?after={start}"), "alice").await;
    socket.told().await.expect("the first");
    assert_eq!(socket.told().await, Ok(item(&second, &made)));
    for cursor in [&first.id, &*polled.json["events"][0]["id"].as_str().expect("an id").to_owned()]
    {
        for version in ["v1", "v2"] {
            let mut stream = after(&service, version, cursor).await;
            let told = stream.told().await;
            assert_eq!(told.id, second.id);
            let data = told.rest.strip_prefix("event: transfer\ndata: ").expect("a transfer");
            let data: Value = serde_json::from_str(data).expect("JSON");
            let item = json!({"id": second.id, "type": "transfer", "data": data});
            let ask = Request::get(&format!("/{version}/events/poll?after={cursor}"));
            let polled = service.ask(&ask.account("alice")).await;
            assert_eq!(polled.json, json!({"events": [item], "cursor": second.id}));
            let path = format!("/{version}/events/ws?last_event_id={cursor}");
            assert_eq!(service.socket(&path, "alice").await.told().await, Ok(item));
        }
    }
    // Each in the shape of its version.
    let path = format!("/v1/events/ws?after={start}");
    let told = service.socket(&path, "alice").await.told().await.expect("a message");
    assert_eq!(told, json!({"id": first.id, "type": "transfer", "data": old.json}));
}

#[tokio::test]
async fn a_poll_without_a_cursor_is_given_one_at_once() {
    let service = Service::start();
    pay(&service, 1).await;
    let reply = poll(&service, "").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let cursor = reply.json["cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(reply.json, json!({"events": [], "cursor": cursor}));
    assert_eq!(reply.header("etag"), Some(&*format!("\"{cursor}\"")));
    assert_eq!(reply.header("last-event-id"), Some(&*cursor));
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
    assert_eq!(reply.header("retry-after"), None, "the next one waits");
}

#[tokio::test]
async fn a_poll_waits_for_what_comes() {
    let service = Service::start();
    let cursor = cursor(&service).await;
    let ask = Request::get(&format!("/v2/events/poll?after={cursor}")).account("alice");
    let mut waiting = service.begin(&ask).await;
    // It has come before the transfer is made, or finds it when it comes.
    let made = pay(&service, 5).await;
    let mut answer = String::new();
    in_time("the poll is answered", waiting.read_to_string(&mut answer)).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains(&made.body), "{answer}");
}

#[tokio::test]
async fn a_poll_that_does_not_wait_says_when_to_ask_again() {
    let service = Service::start();
    let start = cursor(&service).await;
    let none = poll(&service, &format!("?after={start}&wait=0")).await;
    assert_eq!((none.status, &*none.body), (204, ""), "{none:?}");
    assert_eq!(none.header("retry-after"), Some("1"));
    assert_eq!(none.header("last-event-id"), Some(&*start));

    let known = Request::get(&format!("/v2/events/poll?after={start}&wait=0"))
        .account("alice")
        .header("if-none-match", &format!("\"{start}\""));
    let unchanged = service.ask(&known).await;
    assert_eq!((unchanged.status, &*unchanged.body), (304, ""), "{unchanged:?}");
    assert_eq!(unchanged.header("etag"), Some(&*format!("\"{start}\"")));

    let made = pay(&service, 5).await;
    let changed = service.ask(&known).await;
    assert_eq!((changed.status, &changed.json["events"][0]["data"]), (200, &made.json));
    let end = changed.json["cursor"].as_str().expect("a cursor");
    assert_eq!(changed.json["events"][0]["id"], end);
    assert_eq!(poll(&service, &format!("?after={end}&wait=0")).await.status, 204);
}

#[tokio::test]
async fn a_long_list_is_polled_piece_by_piece() {
    let service = Service::start();
    let mut cursor = cursor(&service).await;
    for _ in 0..130 {
        pay(&service, 1).await;
    }
    let mut balances = Vec::new();
    for count in [100, 30] {
        let reply = poll(&service, &format!("?after={cursor}")).await;
        let events = reply.json["events"].as_array().expect("events");
        assert_eq!(events.len(), count);
        balances.extend(events.iter().map(|event| event["data"]["balance"].clone()));
        cursor = reply.json["cursor"].as_str().expect("a cursor").to_owned();
    }
    assert_eq!(balances, (870..1_000).rev().map(Value::from).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_a_poll_or_a_socket_cannot_read_is_told() {
    let service = Service::start();
    for query in ["?after=42", "?last_event_id=x", "?after=%00", "?after=42&wait=0"] {
        poll(&service, query).await.assert_problem(400, CURSOR_INVALID);
    }
    let header = Request::get("/v2/events/poll").account("alice").header("last-event-id", "42");
    service.ask(&header).await.assert_problem(400, CURSOR_INVALID);
    let cursor = cursor(&service).await;
    for wait in ["26", "-1", "1.5", "", "soon", "0&wait=0"] {
        let reply = poll(&service, &format!("?after={cursor}&wait={wait}")).await;
        reply.assert_problem(400, "urn:stonework:payments:invalid-wait");
    }
    let upgrade = Request::get("/v2/events/ws?after=42")
        .account("alice")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    service.ask(&upgrade.connection("upgrade, close")).await.assert_problem(400, CURSOR_INVALID);
    // No WebSocket was asked for.
    let reply = service.ask(&Request::get("/v2/events/ws").account("alice")).await;
    assert_eq!(reply.status, 400, "{reply:?}");
}

#[tokio::test]
async fn a_socket_begins_with_a_place_and_tells_what_comes() {
    let service = Service::start();
    let start = cursor(&service).await;
    let mut socket = service.socket("/v2/events/ws", "alice").await;
    assert_eq!(socket.told().await, Ok(json!({"id": start})));
    let made = pay(&service, 5).await;
    let told = socket.told().await.expect("a message");
    assert_eq!((&told["type"], &told["data"]), (&json!("transfer"), &made.json));
}

#[tokio::test]
async fn of_a_log_that_is_lost_each_way_tells_of_a_gap() {
    let cursor = {
        let first = Service::start();
        pay(&first, 1).await;
        cursor(&first).await
    };
    let service = Service::start();
    let made = pay(&service, 2).await;
    let polled = poll(&service, &format!("?after={cursor}")).await;
    let events = &polled.json["events"];
    assert_eq!(events[0]["type"], "gap", "{polled:?}");
    assert_eq!(events[0]["data"], json!({"reason": "replaced"}));
    assert_eq!(events[1]["data"], made.json);
    let mut socket = service.socket(&format!("/v2/events/ws?after={cursor}"), "alice").await;
    assert_eq!(socket.told().await.as_ref(), Ok(&events[0]));
    assert_eq!(socket.told().await.as_ref(), Ok(&events[1]));
}
