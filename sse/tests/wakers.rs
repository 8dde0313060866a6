//! Who is woken: whoever polled last, and nobody who has gone. Paused time.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use http::Request;
use http_body::Body;
use stonework_sse::{Drain, Event, Hub, KeepAlive, Publish, SseBody, SseLayer, Subscribe};
use tokio_stream::Stream;
use tower::{Layer, ServiceExt, service_fn};

const LOG: &str = "acct_7";

/// As the task of a connection is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    fn take(self: &Arc<Self>) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Polls until nothing is there, and says how often something was.
fn poll(woken: &Arc<Woken>, mut poll: impl FnMut(&mut Context<'_>) -> bool) -> usize {
    let waker = Waker::from(Arc::clone(woken));
    let mut cx = Context::from_waker(&waker);
    std::iter::from_fn(|| poll(&mut cx).then_some(())).count()
}

fn frame(body: &mut Pin<Box<impl Body>>, cx: &mut Context<'_>) -> bool {
    matches!(body.as_mut().poll_frame(cx), Poll::Ready(Some(Ok(_))))
}

async fn publish(hub: &Hub) {
    hub.publish(Publish::to(LOG, Event::new("a"))).await.unwrap();
    // Whoever listens to the log is a task of its own.
    tokio::task::yield_now().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_wakes_whoever_polled_last() {
    let hub = Hub::in_memory();
    let mut events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    let mut next = |cx: &mut Context<'_>| Pin::new(&mut events).poll_next(cx).is_ready();
    let (one, other) = (Arc::<Woken>::default(), Arc::<Woken>::default());
    assert_eq!(poll(&one, &mut next), 1, "a checkpoint");
    publish(&hub).await;
    assert_eq!((one.take(), other.take()), (1, 0));
    // What it is not asked for wakes nobody anew.
    publish(&hub).await;
    assert_eq!((one.take(), other.take()), (0, 0));
    assert_eq!(poll(&one, &mut next), 2);
    assert_eq!(poll(&other, &mut next), 0);
    publish(&hub).await;
    assert_eq!((one.take(), other.take()), (0, 1));
    assert_eq!(poll(&one, &mut next), 1);
}

/// Streams that come and go while nothing happens would else be kept until something does.
#[tokio::test(start_paused = true)]
async fn who_has_gone_is_forgotten() {
    let hub = Hub::in_memory();
    let mut stays = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    let (here, gone) = (Arc::<Woken>::default(), Arc::<Woken>::default());
    poll(&here, |cx| Pin::new(&mut stays).poll_next(cx).is_ready());
    for _ in 0..3 {
        let mut goes = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
        poll(&gone, |cx| Pin::new(&mut goes).poll_next(cx).is_ready());
        assert!(Arc::strong_count(&gone) > 1, "it waits");
        drop(goes);
        assert_eq!(Arc::strong_count(&gone), 1);
    }
    publish(&hub).await;
    assert_eq!((here.take(), gone.take()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_quiet_time_wakes_whoever_polled_last() {
    let every = Duration::from_secs(10);
    let quiet = SseBody::new(tokio_stream::pending::<stonework_sse::Frame>());
    let mut body = Box::pin(quiet.keep_alive(KeepAlive::every(every).unwrap()));
    let (one, other) = (Arc::<Woken>::default(), Arc::<Woken>::default());
    assert_eq!(poll(&one, |cx| frame(&mut body, cx)), 0);
    assert_eq!(poll(&other, |cx| frame(&mut body, cx)), 0);
    tokio::time::sleep(every).await;
    assert_eq!((one.take(), other.take()), (0, 1));
    assert_eq!(poll(&one, |cx| frame(&mut body, cx)), 1, "a comment");
    tokio::time::sleep(every * 2).await;
    assert_eq!((one.take(), other.take()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_drain_wakes_whoever_polled_last() {
    let drain = Drain::new();
    let layer = SseLayer::builder().drain(&drain).build().unwrap();
    let service = layer.layer(service_fn(async |_: Request<()>| {
        let frames = tokio_stream::pending::<stonework_sse::Frame>();
        Ok::<_, Infallible>(SseBody::new(frames).keep_alive(KeepAlive::never()).into_response())
    }));
    let response = service.oneshot(Request::get("/").body(()).unwrap()).await.unwrap();
    let mut body = Box::pin(response.into_body());
    let (one, other) = (Arc::<Woken>::default(), Arc::<Woken>::default());
    assert_eq!(poll(&one, |cx| frame(&mut body, cx)), 0);
    assert_eq!(poll(&other, |cx| frame(&mut body, cx)), 0);
    drain.now(Duration::ZERO);
    assert_eq!((one.take(), other.take()), (0, 1));
    assert_eq!(poll(&one, |cx| frame(&mut body, cx)), 1, "when to come back");
}
