//! Deliveries over real sockets.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use post::{endpoint, ep, loopback, post, post_to, post_with, soon};
use receiver::{Receiver, Reply, SECRET, is_signed};
use stonework_webhook_delivery::store::{MemoryOutbox, State, StateKind};
use stonework_webhook_delivery::{
    Breaker, Clock, DeadReason, DisableReason, Endpoint, EnqueueError, Event, Fault, Message,
    OrderKey, Policy, Schedule, Signer, scheme,
};

const OTHER_SECRET: &str = "whsec_b3RoZXIgc2VjcmV0IG9mIDI0IGJ5dGVz";

/// A clock whose Unix time is another, by any amount, each time it is read.
#[derive(Debug, Default)]
struct Jumping(AtomicU64);

impl Clock for Jumping {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn unix(&self) -> Duration {
        let nth = self.0.fetch_add(1, Ordering::SeqCst);
        Duration::from_secs(1_790_000_000 + nth * 40 * (nth % 3))
    }
}

#[tokio::test]
async fn a_message_arrives_as_it_was_enqueued_and_signed() {
    let mut receiver = Receiver::start(|_, _| Reply::Status(204)).await;
    let mut post = post(&receiver);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let received = receiver.next().await;
    assert_eq!(received.body, r#"{"message":"msg_1"}"#);
    assert_eq!(received.uri.path(), "/hooks/secret-path");
    assert_eq!(received.id(), "msg_1");
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(received.header("content-length"), "19");
    assert_eq!(received.header("user-agent"), "stonework-webhooks");
    assert!(is_signed(&received, &scheme::STANDARD, SECRET));
    assert!(!is_signed(&received, &scheme::STANDARD, OTHER_SECRET));
    let Event::Delivered { id, tries, .. } = post.event().await else { panic!("delivered") };
    assert_eq!((id.message().as_str(), tries), ("msg_1", 1));
    let entry = post.entry().await;
    assert_eq!(entry.state, State::Delivered);
    assert_eq!(entry.attempts[0].status, Some(204));
}

#[tokio::test]
async fn each_attempt_has_the_same_id_and_a_time_of_its_own() {
    let mut receiver = Receiver::start(|nth, _| Reply::Status([500, 503, 404, 200][nth])).await;
    let mut post = post(&receiver);
    let clock = Arc::new(Jumping::default());
    let jumping = Endpoint::builder(receiver.url())
        .signer(Signer::new(scheme::STANDARD).secret(OTHER_SECRET).secret(SECRET))
        .clock(clock);
    post.endpoints.insert(ep("a"), jumping.build().unwrap());
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let mut times = Vec::new();
    for _ in 0..4 {
        let received = receiver.next().await;
        assert_eq!(received.id(), "msg_1");
        for secret in [SECRET, OTHER_SECRET] {
            assert!(is_signed(&received, &scheme::STANDARD, secret), "both sign while one goes");
        }
        times.push(received.header("webhook-timestamp").to_owned());
    }
    times.dedup();
    assert!(times.len() > 1, "{times:?}");
    let Event::Delivered { tries, .. } = post.delivered().await else { unreachable!() };
    assert_eq!(tries, 4);
    let statuses: Vec<_> = post.entry().await.attempts.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [Some(500), Some(503), Some(404), Some(200)]);
}

#[tokio::test]
async fn each_endpoint_has_its_scheme() {
    let mut receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let post = post(&receiver);
    let github = Endpoint::builder(receiver.url())
        .signer(Signer::new(scheme::GITHUB).secret("a secret of some length"))
        .header("authorization", "Bearer x");
    post.endpoints.insert(ep("github"), github.build().unwrap());
    let _workers = post.delivery.start();
    post.send_to("github", "msg_1").await;
    let received = receiver.next().await;
    assert!(is_signed(&received, &scheme::GITHUB, "a secret of some length"));
    assert_eq!(received.header("authorization"), "Bearer x");
}

#[tokio::test]
async fn what_always_fails_is_a_dead_letter_that_can_be_replayed() {
    let mut receiver = Receiver::start(|nth, _| match nth {
        0..4 => Reply::Status(500),
        _ => Reply::Status(200),
    })
    .await;
    let mut post = post(&receiver);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let dead = post.event_of(|event| matches!(event, Event::Dead { .. })).await;
    let Event::Dead { tries: 4, reason: DeadReason::Exhausted, .. } = dead else {
        panic!("{dead:?}")
    };
    assert_eq!(post.entry().await.state, State::Dead(DeadReason::Exhausted));
    assert_eq!(post.delivery.replay(&ep("a")).await.unwrap(), 1);
    post.delivered().await;
    for _ in 0..5 {
        assert_eq!(receiver.next().await.id(), "msg_1");
    }
    assert_eq!(post.entry().await.attempts.len(), 5, "the old ones are still told");
}

#[tokio::test]
async fn a_body_without_an_end_is_cut() {
    let mut receiver = Receiver::start(|nth, _| match nth {
        0 => Reply::Endless(500),
        _ => Reply::Endless(200),
    })
    .await;
    let mut post = post(&receiver);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let Event::Failed { status: Some(500), .. } = post.event().await else { panic!("failed") };
    post.delivered().await;
    assert_eq!(receiver.next().await.id(), "msg_1");
    assert_eq!(receiver.connections(), 2, "such a connection is not used again");
}

#[tokio::test]
async fn silence_is_a_failure() {
    let receiver = Receiver::start(|_, _| Reply::Nothing).await;
    let policy = soon().attempt_timeout(Duration::from_millis(100));
    let mut post = post_with(&receiver, MemoryOutbox::new(), policy, |b| b.guard(loopback()));
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let Event::Failed { fault, .. } = post.event().await else { panic!("failed") };
    assert_eq!(fault, Some(Fault::Timeout));
}

#[tokio::test]
async fn a_broken_connection_is_a_failure() {
    let receiver = Receiver::start(|nth, _| match nth {
        0 => Reply::Close,
        _ => Reply::Status(200),
    })
    .await;
    let mut post = post(&receiver);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let Event::Failed { fault, .. } = post.event().await else { panic!("failed") };
    assert_eq!(fault, Some(Fault::Broken));
    assert!(matches!(post.event().await, Event::Delivered { tries: 2, .. }));
}

#[tokio::test]
async fn nobody_listens() {
    // Bound, so that nobody else takes the port, and not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let mut post = post_to(&url, MemoryOutbox::new(), soon(), |b| b.guard(loopback()));
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let Event::Failed { fault, .. } = post.event().await else { panic!("failed") };
    assert_eq!(fault, Some(Fault::Connect));
}

#[tokio::test]
async fn redirects_are_failures_and_not_followed() {
    let elsewhere = Receiver::start(|_, _| Reply::Status(200)).await;
    let to = elsewhere.url();
    let statuses = [301, 302, 307, 308];
    let receiver = Receiver::start(move |nth, _| Reply::Redirect(statuses[nth], to.clone())).await;
    let mut post = post(&receiver);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    post.event_of(|event| matches!(event, Event::Dead { .. })).await;
    let told: Vec<_> = post.entry().await.attempts.iter().map(|a| a.status.unwrap()).collect();
    assert_eq!(told, statuses);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn hostile_hints_are_capped() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for (status, hint) in [
        (429, "99999999999999999999999999"),
        (503, "18446744073709551615"),
        (429, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        let headers: &'static [_] = Box::leak(Box::new([("retry-after", hint)]));
        let receiver = Receiver::start(move |_, _| Reply::Headers(status, headers)).await;
        let mut post = post(&receiver);
        let _workers = post.delivery.start();
        post.send("msg_1").await;
        let Event::Failed { after, .. } = post.event().await else { panic!("failed") };
        assert!(after >= DAY && after <= DAY * 11 / 10, "{hint}: {after:?}");
        let State::Queued { due_in } = post.entry().await.state else { panic!("queued") };
        assert!(due_in <= DAY * 11 / 10);
        let paused = post.delivery.endpoint(&ep("a")).await.unwrap().paused_for;
        assert_eq!(paused.is_some(), status == 429, "{hint}");
    }
}

#[tokio::test]
async fn who_is_gone_is_disabled_until_somebody_enables_it() {
    let mut receiver = Receiver::start(|nth, _| match nth {
        0 => Reply::Status(410),
        _ => Reply::Status(200),
    })
    .await;
    let mut post = post(&receiver);
    let workers = post.delivery.start();
    post.send("msg_1").await;
    let Event::Dead { reason: DeadReason::Unwanted, .. } = post.event().await else {
        panic!("dead")
    };
    let Event::Disabled { reason: DisableReason::Gone, .. } = post.event().await else {
        panic!("disabled")
    };
    let refused = post.delivery.enqueue(&ep("a"), Message::new("{}")).await;
    assert!(matches!(refused, Err(EnqueueError::Disabled)));
    assert_eq!(receiver.next().await.id(), "msg_1");
    post.delivery.enable(&ep("a")).await.unwrap();
    assert_eq!(post.delivery.replay(&ep("a")).await.unwrap(), 1);
    post.delivered().await;
    drop(workers);
}

#[tokio::test]
async fn the_control_header_is_heard() {
    let receiver = Receiver::start(|nth, _| match nth {
        0 => Reply::Headers(400, &[("webhook-delivery", "abort-message")]),
        _ => Reply::Headers(200, &[("webhook-delivery", "disable")]),
    })
    .await;
    let mut post = post(&receiver);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let Event::Dead { reason: DeadReason::Aborted, tries: 1, .. } = post.event().await else {
        panic!("aborted")
    };
    post.send("msg_2").await;
    assert!(matches!(post.event().await, Event::Delivered { .. }));
    let Event::Disabled { reason: DisableReason::Asked, .. } = post.event().await else {
        panic!("disabled")
    };
}

#[tokio::test]
async fn who_fails_is_left_alone_and_recovers() {
    let receiver = Receiver::start(|nth, _| Reply::Status(if nth < 3 { 500 } else { 200 })).await;
    let breaker = Breaker::new(2, Duration::from_millis(10), Duration::from_millis(20));
    let policy = soon().breaker(breaker);
    let mut post = post_with(&receiver, MemoryOutbox::new(), policy, |b| b.guard(loopback()));
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    post.event_of(|event| matches!(event, Event::Recovered { .. })).await;
    let state = post.delivery.endpoint(&ep("a")).await.unwrap();
    assert_eq!((state.health.failures, state.paused_for), (0, None));
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_any_more_gives_dead_letters() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let mut post = post(&receiver);
    post.endpoints.remove(&ep("a"));
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let Event::Dead { reason: DeadReason::NoEndpoint, .. } = post.event().await else {
        panic!("dead")
    };
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_message_that_cannot_be_signed_is_not_sent() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let mut post = post(&receiver);
    let ended = scheme::Scheme::key(&scheme::STANDARD, SECRET).unwrap();
    let ended = ended.until(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    let signer = Signer::new(scheme::STANDARD).key(ended);
    post.endpoints
        .insert(ep("a"), Endpoint::builder(receiver.url()).signer(signer).build().unwrap());
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let Event::Failed { fault, .. } = post.event().await else { panic!("failed") };
    assert_eq!(fault, Some(Fault::NotSigned));
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn an_order_is_kept_whatever_fails() {
    let mut receiver = Receiver::start(|nth, _| {
        // Every other attempt fails.
        Reply::Status(if nth.is_multiple_of(2) { 500 } else { 200 })
    })
    .await;
    let post = post(&receiver);
    for at in 0..5 {
        let order = OrderKey::new("invoice").unwrap();
        let message = Message::new("{}").id(format!("msg_{at}")).order(order);
        post.delivery.enqueue(&ep("a"), message).await.unwrap();
    }
    let _workers = post.delivery.start();
    for at in 0..5 {
        for _ in 0..2 {
            assert_eq!(receiver.next().await.id(), format!("msg_{at}"));
        }
    }
}

#[tokio::test]
async fn a_dead_and_a_slow_endpoint_hold_nobody_up() {
    let slow = Receiver::start(|_, _| Reply::Nothing).await;
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let outbox = MemoryOutbox::new();
    let more = |builder: stonework_webhook_delivery::DeliveryBuilder| {
        builder.guard(loopback()).concurrency(4).per_endpoint(2)
    };
    let mut post = post_with(&receiver, outbox, soon(), more);
    post.endpoints.insert(ep("slow"), endpoint(&slow.url()));
    for at in 0..50 {
        post.send_to("slow", &format!("slow_{at}")).await;
    }
    let _workers = post.delivery.start();
    for at in 0..50 {
        post.send(&format!("msg_{at}")).await;
    }
    for _ in 0..50 {
        // None of the slow one's has even timed out.
        assert!(matches!(post.event().await, Event::Delivered { .. }));
    }
}

#[tokio::test]
async fn more_than_fits_is_refused() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let outbox = MemoryOutbox::builder().max_messages(2).max_bytes(100).build().unwrap();
    let post = post_with(&receiver, outbox, soon(), |b| b.guard(loopback()).max_body(90));
    let enqueue =
        async |bytes: usize| post.delivery.enqueue(&ep("a"), Message::new(vec![b'x'; bytes])).await;
    assert!(matches!(enqueue(91).await, Err(EnqueueError::TooLarge { max: 90 })));
    enqueue(90).await.unwrap();
    assert!(matches!(enqueue(11).await, Err(EnqueueError::Full)), "no room for the bytes");
    enqueue(10).await.unwrap();
    assert!(matches!(enqueue(0).await, Err(EnqueueError::Full)), "no room for the message");
    let bad = post.delivery.enqueue(&ep("a"), Message::new("").id("a.b")).await;
    assert!(matches!(bad, Err(EnqueueError::Id(_))));
    let long = http::HeaderValue::try_from("a".repeat(70_000)).unwrap();
    let long = post.delivery.enqueue(&ep("a"), Message::new("").content_type(long)).await;
    assert!(matches!(long, Err(EnqueueError::ContentType(_))));
}

/// A day passes in no time, and the clock on the wall jumps meanwhile.
#[tokio::test(start_paused = true)]
async fn a_schedule_of_days_is_kept_whatever_the_wall_clock_says() {
    let receiver = Receiver::start(|_, _| Reply::Status(500)).await;
    // Time stands still while sockets are waited for, unless nothing else is to be done: the timeout must not be near.
    let policy = Policy::standard()
        .schedule(Schedule::standard())
        .attempt_timeout(Duration::from_secs(1_000_000))
        .disable_after(None)
        .breaker(Breaker::new(100, Duration::ZERO, Duration::ZERO));
    let more = |builder: stonework_webhook_delivery::DeliveryBuilder| {
        builder
            .client(Failing)
            .lease(Duration::from_secs(2_000_000))
            .poll_every(Duration::from_secs(1_000_000))
            .clock(Arc::new(JumpingWall(stonework_core::TokioClock::new(), Jumping::default())))
    };
    let mut post = post_with(&receiver, MemoryOutbox::new(), policy, more);
    let clock = stonework_core::TokioClock::new();
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let mut tries = Vec::new();
    loop {
        match post.event().await {
            Event::Failed { tries: at, .. } => tries.push(at),
            Event::Dead { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(tries, (1..10).collect::<Vec<_>>());
    assert!(clock.monotonic() >= Schedule::standard().span());
    assert_eq!(post.entry().await.state.kind(), StateKind::Dead);
}

#[derive(Debug)]
struct JumpingWall(stonework_core::TokioClock, Jumping);

impl Clock for JumpingWall {
    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn unix(&self) -> Duration {
        self.1.unix()
    }
}

/// A tower client of somebody's own, which answers without a network.
#[derive(Clone)]
struct Failing;

type Request =
    http::Request<stonework_webhook_delivery::StoneBody<stonework_webhook_delivery::WebhookBody>>;

impl tower::Service<Request> for Failing {
    type Response = http::Response<http_body_util::Empty<bytes::Bytes>>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert!(request.headers().contains_key("webhook-signature"));
        let mut response = http::Response::new(http_body_util::Empty::new());
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        std::future::ready(Ok(response))
    }
}
