//! What goes wrong in streams that others write, and in how others read them.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use sse_parse::SseParser;
use stonework_core::{Key, RequestHead};
use stonework_sse::store::{Entry, Read};
use stonework_sse::{
    Decoder, Delivery, Event, EventErrorKind, Frame, Hub, LastEventId, Position, Publish, Subscribe,
};

/// The data of all events, as we read them and as `sse-parse` does.
fn data(stream: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new();
    decoder.feed(stream);
    let mut all = Vec::new();
    while let Some(message) = decoder.message().unwrap() {
        all.push(message.data.to_owned());
    }
    let mut parser = SseParser::new();
    parser.feed(stream);
    let theirs: Vec<_> =
        std::iter::from_fn(|| parser.next_event()).map(|event| event.data).collect();
    assert_eq!(all, theirs, "{stream:?}");
    all
}

fn bytes(frame: &Frame) -> &[u8] {
    frame.as_bytes()
}

/// All that was there up to here is gone.
fn gap(head: Position) -> Delivery {
    let Read::Gap(gap) = Read::judge(Position::start(!head.epoch), head, Vec::new()) else {
        panic!("it is another log");
    };
    Delivery::Gap(gap)
}

/// axum 0.8.9 sends `data: a\r`, `data: `, and `data: b`: clients read two line breaks.
#[test]
fn a_line_break_of_two_bytes_is_one_line_break() {
    for (text, expected) in [
        ("a\r\nb", "a\nb"),
        ("a\r\n\r\nb", "a\n\nb"),
        ("a\r\rb", "a\n\nb"),
        ("a\n\rb", "a\n\nb"),
        ("\r\n", "\n"),
        ("a\r\n", "a\n"),
        ("\r\na", "\na"),
        ("a\r", "a\n"),
    ] {
        assert_eq!(data(bytes(&Event::new(text).frame())), [expected], "{text:?}");
    }
}

/// axum 0.8.9 sends no line for it, and no client is told of the event.
#[test]
fn an_empty_text_is_an_event() {
    assert_eq!(data(bytes(&Event::new("").frame())), [""]);
    assert_eq!(data(bytes(&Event::new("\n").frame())), ["\n"]);
}

/// A CR ends a line, so that what follows it is a field.
#[test]
fn no_cr_is_sent() {
    let event = Event::new("a\rid: 1\r\ndata: 2\r").event_type("t").unwrap();
    let at = Position::new(1, 2, 3);
    for frame in [
        event.frame(),
        Frame::comment("a\rdata: b\r\n\r\n"),
        Frame::retry(Duration::MAX),
        Delivery::Checkpoint(at).into(),
        gap(at).into(),
    ] {
        assert!(!frame.as_str().contains('\r'), "{frame:?}");
    }
    assert_eq!(data(bytes(&event.frame())), ["a\nid: 1\ndata: 2\n"]);
    assert_eq!(data(bytes(&Frame::comment("a\rdata: b\r\n\r\n"))), [""; 0]);
}

/// Some clients take the first character of a value away, whatever it is (axum#2149).
#[test]
fn every_value_has_its_space() {
    let event = Event::new("a\n\n b").event_type("t").unwrap().id("7").unwrap();
    let frame = event.retry(Duration::from_secs(1)).frame();
    for line in frame.as_str().lines().filter(|line| !line.is_empty()) {
        assert!(line.split_once(':').unwrap().1.starts_with(' '), "{line}");
    }
}

/// httpx-sse and sseclient-py take it for a part of the first name.
#[test]
fn nothing_begins_with_a_byte_order_mark() {
    let event = Event::new("\u{feff}a").event_type("\u{feff}t").unwrap();
    for frame in [event.frame(), Event::new("\u{feff}").frame(), Frame::comment("\u{feff}")] {
        assert!(frame.as_str().is_char_boundary(1), "{frame:?}");
    }
    assert_eq!(data(bytes(&event.frame())), ["\u{feff}a"]);
}

/// `eventsource-stream` 0.2.3 panics when one comes, which any server can bring about.
#[test]
fn a_byte_order_mark_breaks_nothing() {
    for (stream, expected) in [
        (&b"\xef\xbb\xbfdata: a\n\n"[..], &["a"][..]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", &["b"]),
        (b"\xef\xbb\xbf", &[]),
        (b"\xef", &[]),
        (b"\xef\xbb\ndata: a\n\n", &["a"]),
        (b"\n\xef\xbb\xbfdata: a\n\n", &[]),
    ] {
        assert_eq!(data(stream), expected, "{stream:?}");
    }
}

/// `eventsource-stream` waits for a LF behind it, and loses the event when the stream ends there.
#[test]
fn the_event_before_a_cr_is_not_lost() {
    assert_eq!(data(b"data: a\r\r"), ["a"]);
    assert_eq!(data(b"data: a\r\n\r"), ["a"]);
}

/// `sseer` 0.3.1, `sse-stream` 0.3.0 and `eventsource-stream` end with an error; browsers go on.
#[test]
fn what_is_no_text_ends_no_stream() {
    let stream = b"data: a\xff\n\n\xff: x\ndata: \xe2\x82\n\ndata: b\n\n";
    assert_eq!(data(stream), ["a\u{fffd}", "\u{fffd}", "b"]);
}

/// The npm package `eventsource` 5 and sseclient-py do not carry ids on, so each event of a hub has its own.
#[tokio::test]
async fn every_event_has_an_id() {
    let hub = Hub::in_memory();
    let mut events = hub.subscribe(Subscribe::to("log")).await.unwrap();
    for text in ["a", "", "b\nc"] {
        let event = Event::new(text).id("mine").unwrap();
        let position = hub.publish(Publish::to("log", event)).await.unwrap();
        let delivery = loop {
            match events.next().await.unwrap() {
                Delivery::Checkpoint(_) => {}
                delivery => break delivery,
            }
        };
        let frame = Frame::from(delivery);
        assert!(frame.as_str().starts_with(&format!("id: {position}\n")), "{frame:?}");
        assert_eq!(frame.as_str().matches("id: ").count(), 1, "and no other: {frame:?}");
    }
    assert!(Frame::from(gap(Position::start(1))).as_str().starts_with("id: "));
}

/// Chromium asks for leave (a preflight) before it carries back an id of more than 128 bytes, or with such as `<`.
#[test]
fn ids_bring_no_preflight() {
    let largest = Position::new(u32::MAX, u64::MAX, u32::MAX).to_string();
    for id in ["00000000.0.00000000", &largest, &"a".repeat(128)] {
        assert!(Event::new("").id(id).is_ok(), "{id}");
    }
    for id in ["<1>", "a\"", "1:2", "\u{e9}", "a\0", &"a".repeat(129)] {
        assert_eq!(Event::new("").id(id).unwrap_err().kind(), EventErrorKind::Id, "{id}");
    }
}

/// sseclient-py takes one with a NUL for the last.
#[test]
fn an_id_with_a_nul_is_none() {
    let mut decoder = Decoder::new();
    decoder.feed(b"id: 1\n\nid: 2\0\ndata\n\n");
    assert_eq!(decoder.message().unwrap().unwrap().last_event_id, "1");
    assert_eq!(decoder.last_event_id(), "1");
}

/// A block without data tells nobody anything, but its id is one to come back with; `sse-stream` tells of it, and
/// carries no id on.
#[test]
fn an_id_alone_is_a_place_and_no_event() {
    let mut decoder = Decoder::new();
    decoder.feed(b"id: 42\nevent: x\n\ndata: a\n\n");
    let message = decoder.message().unwrap().unwrap();
    assert_eq!((message.event_type, message.data, message.last_event_id), ("message", "a", "42"));
}

/// Whoever has a say in one value has none in another (Mercure, "field injection").
#[test]
fn no_field_is_smuggled_in() {
    for name in ["a\ndata: b", "a\rdata: b", "a\r\n\r\ndata: b"] {
        let error = Event::new("x").event_type(name).unwrap_err();
        assert_eq!(error.kind(), EventErrorKind::EventType, "{name:?}");
        let error = Event::new("x").id(name).unwrap_err();
        assert_eq!(error.kind(), EventErrorKind::Id, "{name:?}");
    }
    let event = Event::json(&["a\n\nevent: gap\rdata: b"]).unwrap();
    assert_eq!(data(bytes(&event.frame())), [r#"["a\n\nevent: gap\rdata: b"]"#]);
}

/// Nor when an event is said in other words.
#[test]
fn what_is_said_again_smuggles_nothing_in() {
    let body = Bytes::from_static(b"event: t\ndata: a\n\n");
    let entry = Entry::new(Position::new(1, 2, 3), 0, Key::from("topic"), &body);
    let again = entry.saying("c\rid: 9\n\nevent: gap");
    assert_eq!(again.frame.as_str().matches("id: 00000001.2.00000003\n").count(), 1);
    assert_eq!(data(bytes(&again.frame)), ["c\nid: 9\n\nevent: gap"]);
    assert_eq!(again.said().event_type, "t");
}

/// A server that never ends a line would fill the memory of its client.
#[test]
fn a_line_without_end_is_not_kept() {
    for piece in [&b"data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"[..], b"data: a\n", b":\xff"] {
        let mut decoder = Decoder::with_max(1_000);
        let mut fed = 0;
        let error = loop {
            decoder.feed(piece);
            fed += piece.len();
            if let Err(error) = decoder.message() {
                break error;
            }
            assert!(fed < 10_000, "{piece:?}");
        };
        assert!(error.to_string().contains("1000 bytes"), "{error}");
        assert!(format!("{decoder:?}").contains("buffered: 0,"), "{decoder:?}");
    }
}

/// What a client says to be its last id is believed of nothing but where it was.
#[tokio::test]
async fn any_last_event_id_is_survived() {
    let hub = Hub::in_memory();
    hub.publish(Publish::to("log", Event::new("a"))).await.unwrap();
    for value in [
        &b"\xff\xfe"[..],
        b"../../etc/passwd",
        b"00000000.0.00000000",
        b"ffffffff.18446744073709551615.ffffffff",
        b"18446744073709551616",
        &[b'9'; 60_000],
    ] {
        let mut request = Request::get("/events").body(()).unwrap();
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().insert("last-event-id", value);
        let id = LastEventId::of(&RequestHead::of(&request), &["last_event_id"]);
        assert!(id.is_some());
        let mut events = hub.subscribe(Subscribe::to("log").after(id)).await.unwrap();
        // It is told that something is missing, and goes on.
        assert!(matches!(events.next().await, Some(Delivery::Gap(_))));
        assert_eq!(events.end(), None);
    }
    let request = Request::get("/events?last_event_id=").body(()).unwrap();
    let nothing = LastEventId::of(&RequestHead::of(&request), &["last_event_id"]);
    assert_eq!(nothing, None, "an empty one is none");
}
