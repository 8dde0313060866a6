//! Who reads along: those who come back, those who leave, and those who never read.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::client::{Client, connect};
use super::flood::{Flood, account, new, random};
use super::tally::Kind::Streams;
use crate::support::stream::{Stream, listen};
use crate::support::{Reply, Request, in_time};

const EVENTS: &str = "/v2/events";
const CURSOR_INVALID: &str = "400 sse:cursor-invalid";

/// As little as the system gives.
const NO_ROOM: u32 = 1;

async fn open(flood: &Flood, request: &Request) -> Stream {
    let mut socket = connect(flood.service, None).await;
    socket.write_all(&request.to_bytes()).await.expect("ask for a stream");
    let stream = in_time("a stream begins", Stream::of(socket)).await;
    flood.tally().answered(Streams, &stream.head, &["200"]);
    stream
}

fn is_of(rest: &str, made: &Reply) -> bool {
    rest.starts_with("event: transfer\n") && rest.contains(made.json["id"].as_str().expect("an id"))
}

/// Reads, goes, and comes back: with a place that it had, with one that nobody had, and with what is none.
pub(crate) async fn reading(flood: &Flood) {
    let (mut client, account) = (flood.client().await, account("reads"));
    let mut stream = open(flood, &listen(EVENTS, &account)).await;
    assert_eq!(stream.told().await.rest, "\n", "where it begins");
    let first = flood.pay(Streams, &mut client, &account).await;
    let told = stream.told().await;
    assert!(is_of(&told.rest, &first), "{told:?} {first:?}");
    drop(stream);
    let missed = flood.pay(Streams, &mut client, &account).await;
    let back = listen(EVENTS, &account).header("last-event-id", &told.id);
    let told = open(flood, &back).await.told().await;
    assert!(is_of(&told.rest, &missed), "{told:?} {missed:?}");
    let nobodys = format!("{}.{}.{}", &new()[..8], random(99), &new()[..8]);
    for lost in [nobodys, new(), "x".repeat(1 + random(4_000))] {
        let request = listen(EVENTS, &account).header("last-event-id", &lost);
        let told = open(flood, &request).await.told().await;
        assert!(told.rest.starts_with("event: gap\n"), "{lost}: {told:?}");
    }
}

/// Leaves before there is an answer, or right after it.
pub(crate) async fn leaving(flood: &Flood) {
    for at in 0..10 {
        let request = listen(EVENTS, &account("leaves"));
        if at % 2 == 0 {
            drop(open(flood, &request).await);
        } else {
            let mut socket = connect(flood.service, None).await;
            socket.write_all(&request.to_bytes()).await.expect("ask for a stream");
            flood.tally().count(Streams);
        }
    }
}

/// Asks for streams, has much told to them, and reads nothing of it.
pub(crate) async fn never_reading(flood: &Flood) {
    let (mut client, account) = (flood.client().await, account("never"));
    let mut sockets = Vec::new();
    for at in 0..30 {
        let path = if at % 3 == 0 { "/v2/events/ws" } else { EVENTS };
        let mut socket = connect(flood.service, Some(NO_ROOM)).await;
        let request = if at % 3 == 0 { upgrade(path, &account) } else { listen(path, &account) };
        socket.write_all(&request.to_bytes()).await.expect("ask for a stream");
        flood.tally().count(Streams);
        sockets.push(socket);
    }
    let wide = "\u{1f4b6}".repeat(64);
    let order = format!(r#"{{"to":"{wide}","amount":1,"reference":"{wide}"}}"#);
    let request = Request::transfer(&order).account(&account);
    for _ in 0..60 {
        flood.ask(Streams, &mut client, &request, &["201"]).await;
        flood.tally().count_made();
    }
}

/// Polls that are answered at once, that wait, and that are left while they do.
pub(crate) async fn polling(flood: &Flood) {
    let (mut client, account) = (flood.client().await, account("polls"));
    let path = |query: &str| Request::get(&format!("{EVENTS}/poll{query}")).account(&account);
    let begins = flood.ask(Streams, &mut client, &path("?wait=0"), &["200"]).await;
    let made = flood.pay(Streams, &mut client, &account).await;
    let cursor = begins.json["cursor"].as_str().expect("a cursor");
    let told =
        flood.ask(Streams, &mut client, &path(&format!("?after={cursor}&wait=1")), &["200"]).await;
    assert_eq!(told.json["events"][0]["data"]["id"], made.json["id"], "{told:?}");
    let none = path(&format!("?after={}", new()));
    flood.ask(Streams, &mut client, &none, &[CURSOR_INVALID]).await;
    client.send(&path("?wait=25")).await;
    flood.tally().count(Streams);
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn upgrade(path: &str, account: &str) -> Request {
    Request::get(path)
        .account(account)
        .connection("upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

/// WebSockets that are told something and broken off.
pub(crate) async fn sockets(flood: &Flood) {
    let (account, mut client) = (account("socket"), flood.client().await);
    let mut socket = BufReader::new(connect(flood.service, None).await);
    let request = upgrade("/v2/events/ws", &account).to_bytes();
    socket.write_all(&request).await.expect("ask for a WebSocket");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = in_time("a WebSocket opens", socket.read_line(&mut head)).await;
        assert_ne!(read.expect("a head"), 0, "{head}");
    }
    flood.tally().answered(Streams, &Reply::parse(head.as_bytes()), &["101"]);
    let made = flood.pay(Streams, &mut client, &account).await;
    let id = made.json["id"].as_str().expect("an id");
    let mut told = Vec::new();
    while !told.windows(id.len()).any(|part| part == id.as_bytes()) {
        let read = in_time("a message", socket.read_buf(&mut told)).await;
        assert_ne!(read.expect("a message"), 0, "{told:?}");
    }
    if random(2) == 0 {
        let none = upgrade(&format!("/v2/events/ws?after={}", new()), &account);
        let mut late = Client::new(flood.service).await;
        // It opens, and is closed for that.
        late.send_as_it_is(&none).await;
        flood.tally().count(Streams);
    }
}
