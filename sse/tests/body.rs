//! The body of an event stream: its headers, what is sent while nothing happens, and its end. In paused time.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt;
use stonework_core::{Clock, TokioClock};
use stonework_sse::{Decoder, Event, Frame, Hub, KeepAlive, Publish, SseBody, Subscribe};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

const QUIET: &str = ":\n\n";

/// How much later a timer may be than it was set to.
const TICK: Duration = Duration::from_millis(1);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn every(time: Duration) -> KeepAlive {
    KeepAlive::every(time).unwrap()
}

fn event(data: &str) -> Frame {
    Event::new(data).frame()
}

/// A body, and what writes to it.
struct Written {
    events: mpsc::Sender<Frame>,
    body: Pin<Box<SseBody<ReceiverStream<Frame>>>>,
    clock: TokioClock,
}

impl Written {
    fn new(keep_alive: KeepAlive) -> Self {
        let (events, frames) = mpsc::channel(16);
        let body = SseBody::new(ReceiverStream::new(frames)).keep_alive(keep_alive);
        Self { events, body: Box::pin(body), clock: TokioClock::new() }
    }

    /// What is sent next, and when.
    async fn next(&mut self) -> (String, Duration) {
        let data = self.body.frame().await.unwrap().unwrap().into_data().unwrap();
        (text(&data), self.clock.monotonic())
    }

    /// Nothing is sent for so long.
    async fn is_quiet(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.next()).await.is_err()
    }
}

fn text(bytes: &Bytes) -> String {
    std::str::from_utf8(bytes).unwrap().to_owned()
}

fn is_about(at: Duration, expected: Duration) -> bool {
    (expected..=expected + TICK).contains(&at)
}

#[tokio::test]
async fn the_headers_are_these_and_no_others() {
    let response = SseBody::new(tokio_stream::empty::<Frame>()).into_response();
    assert_eq!(response.status(), StatusCode::OK);
    let headers: BTreeMap<_, _> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let expected = BTreeMap::from([
        ("cache-control", "no-cache"),
        ("content-type", "text/event-stream"),
        ("x-accel-buffering", "no"),
    ]);
    assert_eq!(headers, expected);
    assert_eq!(response.headers().len(), 3, "each once");
    assert_eq!(response.body().size_hint().exact(), None, "no length is told");
}

#[tokio::test]
async fn what_is_sent_is_what_was_written() {
    let frames = [event("a\nb"), Frame::comment("c"), Frame::retry(seconds(1))];
    let pointers = frames.clone().map(|frame| frame.as_bytes().as_ptr());
    let mut body = Box::pin(SseBody::new(tokio_stream::iter(frames)));
    let mut sent = Vec::new();
    while let Some(frame) = body.frame().await {
        sent.push(frame.unwrap().into_data().unwrap());
    }
    assert_eq!(sent.concat(), b"data: a\ndata: b\n\n: c\n\nretry: 1000\n\n");
    assert!(sent.iter().map(|data| data.as_ptr()).eq(pointers), "nothing is copied");
}

#[tokio::test(start_paused = true)]
async fn deliveries_are_sent_as_they_come() {
    let hub = Hub::in_memory();
    let events = hub.subscribe(Subscribe::to("log")).await.unwrap();
    let mut body = Box::pin(SseBody::new(events).keep_alive(every(seconds(10))));
    let mut decoder = Decoder::new();
    let mut next = async || body.frame().await.unwrap().unwrap().into_data().unwrap();
    let first = next().await;
    assert!(first.starts_with(b"id: ") && first.ends_with(b".0.00000000\n\n"), "{first:?}");
    decoder.feed(&first);
    let position = hub.publish(Publish::to("log", Event::new("x"))).await.unwrap();
    decoder.feed(&next().await);
    let message = decoder.message().unwrap().unwrap();
    assert_eq!((message.data, message.last_event_id), ("x", &*position.to_string()));
    // Nobody is told that nothing happens.
    decoder.feed(&next().await);
    assert_eq!(decoder.message().unwrap(), None);
    assert_eq!(decoder.last_event_id(), position.to_string());
}

#[tokio::test(start_paused = true)]
async fn streams_that_begin_together_do_not_go_on_together() {
    let mut firsts = BTreeSet::new();
    for _ in 0..200 {
        let mut written = Written::new(every(seconds(10)));
        let (sent, at) = written.next().await;
        assert_eq!(sent, QUIET);
        assert!((seconds(5)..=seconds(10) + TICK).contains(&at), "{at:?}");
        firsts.insert(at);
        // And from then on exactly.
        for times in 1..4 {
            let (sent, then) = written.next().await;
            assert_eq!(sent, QUIET);
            assert!(is_about(then - at, times * seconds(10)), "{then:?}");
        }
    }
    // Two hundred draws out of five thousand.
    assert!(firsts.len() > 100, "{firsts:?}");
    let (early, late) = (firsts.first().unwrap(), firsts.last().unwrap());
    assert!(*early < seconds(6) && *late > seconds(9), "{early:?} {late:?}");
}

#[tokio::test(start_paused = true)]
async fn it_is_quiet_since_the_last_event() {
    for reads_on in [true, false] {
        let mut written = Written::new(every(seconds(10)));
        // Whenever that was; the first time may be half as long.
        for pauses in [&[4, 4, 9, 0, 9, 9, 3, 9][..], &[1], &[9, 9, 9, 0], &[0], &[5, 8]] {
            for pause in pauses {
                let pause = seconds(*pause);
                match reads_on {
                    true => assert!(pause.is_zero() || written.is_quiet(pause).await),
                    false => tokio::time::sleep(pause).await,
                }
                written.events.send(event("x")).await.unwrap();
                assert_eq!(written.next().await.0, "data: x\n\n");
            }
            let last = written.clock.monotonic();
            for times in 1..3 {
                let (sent, at) = written.next().await;
                assert_eq!(sent, QUIET);
                assert!(is_about(at - last, times * seconds(10)), "{pauses:?} {at:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn never_is_never_and_long_is_long() {
    let mut written = Written::new(KeepAlive::never());
    assert!(written.is_quiet(seconds(10_000_000)).await);
    let mut written = Written::new(every(Duration::MAX));
    assert!(written.is_quiet(seconds(10_000_000)).await);
    written.events.send(event("x")).await.unwrap();
    assert_eq!(written.next().await.0, "data: x\n\n");
    assert!(written.is_quiet(seconds(10_000_000)).await);
}

#[tokio::test(start_paused = true)]
async fn it_is_sent_every_15_seconds_unless_something_else_is_said() {
    let (_events, frames) = mpsc::channel::<Frame>(1);
    let mut body = Box::pin(SseBody::new(ReceiverStream::new(frames)));
    body.frame().await.unwrap().unwrap();
    let clock = TokioClock::new();
    body.frame().await.unwrap().unwrap();
    assert!(is_about(clock.monotonic(), seconds(15)));
    assert_eq!(KeepAlive::default(), every(seconds(15)));
}

#[test]
fn what_would_be_sent_without_end_is_refused() {
    let error = KeepAlive::every(Duration::ZERO).unwrap_err();
    assert_eq!((error.setting, &*error.value), ("KeepAlive::every", "0ns"));
    assert!(error.reason.contains("use a time such as 15 seconds, or never()"), "{error}");
    assert!(KeepAlive::every(Duration::from_nanos(1)).is_ok());
}

/// Gives these, and holds on to something until it is dropped.
struct Holding(Vec<Frame>, #[allow(dead_code)] Arc<()>);

impl Stream for Holding {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Frame>> {
        Poll::Ready(self.0.pop())
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_holds_on_to_is_free_at_its_end() {
    let held = Arc::new(());
    let still: Weak<()> = Arc::downgrade(&held);
    let body = SseBody::new(Holding(vec![event("x")], held)).keep_alive(every(TICK));
    let mut body = Box::pin(body);
    assert!(!body.is_end_stream());
    assert_eq!(text(&body.frame().await.unwrap().unwrap().into_data().unwrap()), "data: x\n\n");
    assert!(still.upgrade().is_some() && !body.is_end_stream());
    assert!(body.frame().await.is_none());
    assert!(still.upgrade().is_none() && body.is_end_stream());
    // It is over, and nothing is sent after that either.
    tokio::time::sleep(seconds(1)).await;
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn debug_tells_nothing_of_what_is_sent() {
    let mut body = Box::pin(SseBody::new(tokio_stream::iter([event("secret")])));
    assert_eq!(format!("{body:?}"), "SseBody { is_over: false, .. }");
    while body.frame().await.is_some() {}
    assert_eq!(format!("{body:?}"), "SseBody { is_over: true, .. }");
}
