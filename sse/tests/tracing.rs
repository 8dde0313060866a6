//! Events for `tracing`: that they are there, and what they tell.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/faulty.rs"]
mod faulty;
#[path = "../../core/tests/support/lines.rs"]
mod lines;

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use faulty::{Faults, Faulty};
use http::{Request, Response};
use http_body_util::BodyExt;
use lines::Lines;
use stonework_core::{Key, RequestHead};
use stonework_sse::store::{Append, EventLog, Head, MemoryLog};
use stonework_sse::{
    Drain, Event, Frame, Hub, LastEventId, Poll, Position, Publish, SlowClients, SseBody, SseLayer,
    Subscribe, Subscription,
};
use tower::{Layer as _, ServiceExt, service_fn};

const LOG: &str = "secret_7";

fn lines() -> (Lines, tracing::subscriber::DefaultGuard) {
    Lines::of("stonework_sse")
}

async fn publish(hub: &Hub) -> Position {
    hub.publish(Publish::to(LOG, Event::new("secret"))).await.unwrap()
}

async fn after(hub: &Hub, position: Position) -> Subscription {
    hub.subscribe(Subscribe::to(LOG).after(position)).await.unwrap()
}

/// Reads what there is for it now.
fn read(events: &mut Subscription) -> usize {
    let mut read = 0;
    while let std::task::Poll::Ready(Some(_)) = tokio_test::task::spawn(events.next()).poll() {
        read += 1;
    }
    read
}

/// Until nothing else happens: paused time goes on then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// What it is and why, without what was sent.
#[tokio::test(start_paused = true)]
async fn every_refusal_of_the_layer_is_an_event() {
    let (lines, _guard) = lines();
    let drain = Drain::new();
    let key = |head: &RequestHead<'_>| head.headers.get("account").map(|_| Key::from("secret"));
    let layer = SseLayer::builder().max_streams(2).max_streams_of(1, key).drain(&drain);
    let service = layer.build().unwrap().layer(service_fn(|_: Request<()>| {
        let body = SseBody::new(tokio_stream::pending::<Frame>());
        ready(Ok::<_, Infallible>(body.into_response()))
    }));
    let ask = async |target: &str, accept: &str| {
        let request = Request::get(target).header("account", "secret").header("accept", accept);
        service.clone().oneshot(request.body(()).unwrap()).await.unwrap()
    };
    let held = ask("/", "*/*").await;
    let refused = ask("/?last_event_id=secret", "*/*").await;
    let anonymous = Request::get("/").body(()).unwrap();
    let second = service.clone().oneshot(anonymous).await.unwrap();
    drop((refused, ask("/", "text/event-stream").await));
    drain.now(Duration::ZERO);
    drop(ask("/", "text/event-stream").await);
    drop(second);
    held.into_body().collect().await.unwrap();
    let expected = [
        "DEBUG message=refused reason=\"too-many-streams-of-one\" ",
        "DEBUG message=refused reason=\"too-many-streams\" ",
        "DEBUG message=refused reason=\"draining\" ",
        "DEBUG message=refused reason=\"drained\" ",
    ];
    assert_eq!(lines.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_cursor_is_refused_with_an_event() {
    let (lines, _guard) = lines();
    let request = Request::new(());
    let events = Subscribe::to(LOG).after(LastEventId::new("secret"));
    let head = RequestHead::of(&request);
    let refused = Poll::new().answer(&Hub::in_memory(), &head, events).await;
    drop::<Response<_>>(refused.unwrap());
    assert_eq!(lines.take(), ["DEBUG message=refused reason=\"cursor-invalid\" "]);
}

#[tokio::test(start_paused = true)]
async fn every_gap_is_an_event() {
    let (lines, _guard) = lines();
    let log = MemoryLog::builder().max_events(2).max_logs(1).build().unwrap();
    let hub = Hub::builder(log.clone()).window_events(2).max_lag(2).slow_clients(SlowClients::Drop);
    let hub = hub.build().unwrap();
    let first = publish(&hub).await;
    for _ in 0..3 {
        publish(&hub).await;
    }
    assert_eq!(read(&mut after(&hub, first).await), 3);
    assert_eq!(lines.take(), ["WARN message=gap reason=\"trimmed\" "]);
    let other = Position::new(first.epoch ^ 1, 1, 1);
    assert_eq!(read(&mut after(&hub, other).await), 3);
    assert_eq!(lines.take(), ["WARN message=gap reason=\"replaced\" "]);
    let unknown = Subscribe::to(LOG).after(LastEventId::new("secret"));
    let mut events = hub.subscribe(unknown).await.unwrap();
    assert_eq!(read(&mut events), 1);
    assert_eq!(lines.take(), ["WARN message=gap reason=\"unknown\" "]);
    for _ in 0..3 {
        publish(&hub).await;
        settle().await;
    }
    assert_eq!(read(&mut events), 3);
    assert_eq!(lines.take(), ["WARN message=gap reason=\"skipped\" "]);
    // The log is lost: told once for those who read along, and once for each of them.
    log.head(Head::new(&Key::from("other"))).await.unwrap();
    settle().await;
    assert_eq!(read(&mut events), 1);
    assert_eq!(lines.take(), ["WARN message=gap reason=\"replaced\" "; 2]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_subscription_is_an_event() {
    let (lines, _guard) = lines();
    let hub = Hub::builder(MemoryLog::new()).window_events(1).max_lag(1).build().unwrap();
    let mut events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    assert_eq!(read(&mut events), 1);
    for _ in 0..3 {
        publish(&hub).await;
        settle().await;
    }
    assert_eq!(read(&mut events), 0);
    assert_eq!(read(&mut events), 0, "it is told once");
    assert_eq!(lines.take(), ["DEBUG message=refused reason=\"slow\" "]);
    let expired = Subscribe::to(LOG).expires_at(Duration::ZERO);
    assert_eq!(hub.subscribe(expired).await.unwrap().next().await, None);
    assert_eq!(lines.take(), ["DEBUG message=refused reason=\"expired\" "]);
}

/// Somebody else has appended, and nobody has told it.
#[tokio::test(start_paused = true)]
async fn every_repair_is_an_event() {
    let (lines, _guard) = lines();
    let log = Faulty::default();
    log.set(Faults { is_mute: true, ..Faults::default() });
    let hub = Hub::builder(log.clone()).build().unwrap();
    let mut events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    assert_eq!(read(&mut events), 1);
    for id in 0..3 {
        let (log_key, topic) = (Key::from(LOG), Key::from("t"));
        let body = bytes::Bytes::from("data: secret\n\n");
        log.append(Append::new(&log_key, [id; 16], &topic, body)).await.unwrap();
    }
    assert_eq!((read(&mut events), lines.take()), (0, vec![]));
    // It is looked at now and then.
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(read(&mut events), 3);
    assert_eq!(lines.take(), ["DEBUG message=repaired events=3 "]);
}

#[tokio::test(start_paused = true)]
async fn every_failure_of_the_store_is_an_event() {
    const FAILED: &str = "WARN message=store failed error=\"the store could not be reached\" ";
    let (lines, _guard) = lines();
    let log = Faulty::default();
    let hub = Hub::builder(log.clone()).looks_every(Duration::from_secs(10)).build().unwrap();
    let first = publish(&hub).await;
    let last = publish(&hub).await;
    let mut along = after(&hub, last).await;
    assert_eq!((read(&mut along), lines.take()), (0, vec![]));

    // Of whoever comes back: the stream ends, and is come back to.
    log.set(Faults { reads_fail: true, ..Faults::default() });
    let mut behind = after(&hub, first).await;
    assert_eq!(read(&mut behind), 0);
    assert_eq!(lines.take(), [FAILED, "DEBUG message=refused reason=\"failed\" "]);

    // Of whoever comes: it is told, and turned away.
    log.set(Faults { fails: true, ..Faults::default() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let error = hub.subscribe(Subscribe::to("secret_8")).await.unwrap_err();
    assert_eq!(lines.take(), [FAILED]);
    drop(error.to_response());
    assert_eq!(lines.take(), ["DEBUG message=refused reason=\"log-unavailable\" "]);
    let error = hub.publish(Publish::to(LOG, Event::new("secret"))).await.unwrap_err();
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(lines.take().len(), 1, "what was not published is told too");

    // Of the look that is taken now and then.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let told = lines.take();
    assert!(
        !told.is_empty() && told.iter().all(|line| line.starts_with("WARN message=store failed"))
    );
    log.set(Faults::default());
    tokio::time::sleep(Duration::from_secs(10)).await;
    lines.take();
    publish(&hub).await;
    settle().await;
    // One of them was appended for all that.
    assert_eq!((read(&mut along), lines.take()), (2, vec![]), "all is well");
}

#[tokio::test(start_paused = true)]
async fn who_cannot_listen_any_more_says_so() {
    let (lines, _guard) = lines();
    let mut log = Faulty::default();
    log.log = MemoryLog::builder().max_logs(1).build().unwrap();
    let hub = Hub::builder(log.clone()).build().unwrap();
    let _events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    log.set(Faults { listens_fail: true, ..Faults::default() });
    // The log is lost, and with it who told.
    log.head(Head::new(&Key::from("other"))).await.unwrap();
    settle().await;
    let failed = "WARN message=store failed error=\"the store could not be reached\" ";
    assert_eq!(lines.take(), [failed, "WARN message=gap reason=\"replaced\" "]);
}
