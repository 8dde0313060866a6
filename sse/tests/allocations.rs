//! Allocations, counted exactly.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../core/tests/support/bare.rs"]
mod bare;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use bare::{Bare, Body, call};
use http::{Method, Request};
use http_body::Body as _;
use stonework_sse::{
    Decoder, Drain, Event, Frame, Hub, Publish, SseBody, SseLayer, Subscribe, Subscription,
};
use tokio::runtime::{Builder, Runtime};
use tower::Layer;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Whatever is said, and in however many lines.
#[test]
fn an_event_is_written_into_one_allocation() {
    let long = "x".repeat(10_000);
    let lines = "line\r\n".repeat(1_000);
    for data in ["", "a", "a\nb", "\r\n\r", "\u{20ac}", &long, &lines] {
        let bare = Event::new(data);
        let full = Event::new(data).event_type("transfer").unwrap().id("0000c0de.42.00c0ffee");
        let full = full.unwrap().retry(Duration::from_millis(1_500));
        for event in [bare, full] {
            let mut frame = None;
            let info = measure(|| frame = Some(event.frame()));
            let len = frame.unwrap().as_bytes().len();
            assert_eq!((info.count_total, info.bytes_total), (1, len as u64), "{event:?}");
        }
    }
    assert_eq!(measure(|| drop(Frame::retry(Duration::from_secs(5)))).count_total, 1);
}

/// The first clone makes the bytes shared.
#[test]
fn clones_of_a_frame_cost_nothing_after_the_first() {
    let frame = Event::new("a").frame();
    let mut clones = Vec::with_capacity(1_000);
    assert_eq!(measure(|| clones.push(frame.clone())).count_total, 1);
    assert_eq!(measure(|| clones.extend((0..999).map(|_| frame.clone()))).count_total, 0);
}

/// As a connection polls it, until nothing is there.
fn read(body: Pin<&mut SseBody<Subscription>>) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    let (mut frames, mut body) = (0, body);
    while let Poll::Ready(frame) = body.as_mut().poll_frame(&mut cx) {
        frame.unwrap().unwrap();
        frames += 1;
    }
    frames
}

/// Publishes so many events, each of which all read.
async fn publish(hub: &Hub, bodies: &mut [Pin<Box<SseBody<Subscription>>>], events: usize) {
    for _ in 0..events {
        let event = Event::new("{\"amount\":\"1.00\"}").event_type("transfer").unwrap();
        hub.publish(Publish::to("acct_7", event)).await.unwrap();
        // Whoever listens to the log is a task of its own.
        tokio::task::yield_now().await;
        for body in &mut *bodies {
            assert_eq!(read(body.as_mut()), 1);
        }
    }
}

/// The event; the event with its position, whose bytes are shared; and that it is shared with its topic and place: for
/// one client and for a hundred.
#[test]
fn an_event_costs_four_allocations_however_many_read_it() {
    for clients in [1, 10, 100] {
        let (runtime, hub) = (runtime(), Hub::in_memory());
        let mut bodies: Vec<_> = runtime.block_on(async {
            let mut bodies = Vec::new();
            for _ in 0..clients {
                let events = hub.subscribe(Subscribe::to("acct_7")).await.unwrap();
                bodies.push(Box::pin(SseBody::new(events)));
            }
            bodies
        });
        // Until the log and the window have as many as they keep.
        let unconstrained = tokio::task::unconstrained(async {
            bodies.iter_mut().for_each(|body| assert_eq!(read(body.as_mut()), 1));
            publish(&hub, &mut bodies, 3_000).await;
        });
        runtime.block_on(unconstrained);
        let publishing = tokio::task::unconstrained(publish(&hub, &mut bodies, 1_000));
        let info = measure(|| runtime.block_on(publishing));
        // The rest is for the whole, such as a list of timers that grows.
        assert_eq!(info.count_total / 1_000, 4, "{clients} clients");
    }
}

#[test]
fn a_quiet_stream_costs_nothing() {
    let (runtime, hub) = (runtime(), Hub::in_memory());
    runtime.block_on(async {
        let events = hub.subscribe(Subscribe::to("acct_7")).await.unwrap();
        let mut body = Box::pin(SseBody::new(events));
        assert_eq!(read(body.as_mut()), 1, "a checkpoint");
        let info = measure(|| (0..1_000).for_each(|_| assert_eq!(read(body.as_mut()), 0)));
        assert_eq!(info.count_total, 0);
    });
}

/// What asks for no stream is none of the layer's business.
#[test]
fn what_is_no_get_passes_for_nothing() {
    let layer = SseLayer::builder().drain(&Drain::new()).build().unwrap();
    let mut service = layer.layer(Bare);
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let request = || {
            let request = Request::builder().method(&method).uri("/events?last_event_id=7");
            Some(request.header("accept", "text/event-stream").body(Body::default()).unwrap())
        };
        let [mut bare, mut ours] = [request(), request()];
        let floor = measure(|| call(&mut Bare, bare.take().unwrap())).count_total;
        let all = measure(|| call(&mut service, ours.take().unwrap())).count_total;
        assert_eq!(all - floor, 0, "{method}");
    }
}

/// Once its buffers are as large as they have to be.
#[test]
fn a_decoder_reads_for_nothing() {
    let stream = b"\
        id: 1\nevent: note\ndata: one\ndata: two\n\n: comment\n\nid: 2\n\nretry: 5\n\
        data: \xff\xe2\x82 three\r\n\r\nevent: \xff\nid: \xff\ndata\n\n";
    let mut decoder = Decoder::new();
    let mut read = || {
        let mut events = 0;
        for piece in stream.chunks(7) {
            decoder.feed(piece);
            while decoder.message().unwrap().is_some() {
                events += 1;
            }
        }
        assert_eq!(events, 3);
    };
    read();
    read();
    assert_eq!(measure(|| (0..1_000).for_each(|_| read())).count_total, 0);
}
