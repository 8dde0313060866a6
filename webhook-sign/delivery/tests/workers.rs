//! Workers that end, hang or die in the midst of it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/fenced.rs"]
mod fenced;
#[path = "support/hand.rs"]
mod hand;
#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;
#[path = "support/silent.rs"]
mod silent;
#[path = "support/spoiled.rs"]
mod spoiled;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hand::Hand;
use post::{ep, loopback, post_to, post_with, soon};
use receiver::{Receiver, Reply};
use silent::Silent;
use spoiled::Spoiled;
use stonework_webhook_delivery::store::{
    Claim, Counts, Dead, LeaseToken, MemoryOutbox, Outbox, Retry, State, StateKind,
};
use stonework_webhook_delivery::{
    DeadReason, Delivery, DeliveryBuilder, Endpoint, EndpointId, Endpoints, Event, Fault, Message,
    Schedule, StoreError, StoreErrorKind, StoreFuture,
};

/// Longer than a busy machine stalls.
const LEASE: Duration = Duration::from_secs(60);

/// An outbox whose leases run out when its clock is turned.
fn by_hand() -> (MemoryOutbox, Hand) {
    let hand = Hand::default();
    (MemoryOutbox::builder().clock(Arc::new(hand.clone())).build().unwrap(), hand)
}

fn with_lease(lease: Duration) -> impl FnOnce(DeliveryBuilder) -> DeliveryBuilder {
    move |builder| builder.guard(loopback()).lease(lease)
}

/// Answers nothing to the first attempt, and takes the second.
async fn hanging_once() -> Receiver {
    Receiver::start(|nth, _| if nth == 0 { Reply::Nothing } else { Reply::Status(200) }).await
}

#[tokio::test]
async fn what_a_worker_leaves_behind_another_delivers_under_the_same_id() {
    let mut receiver = hanging_once().await;
    let (outbox, hand) = by_hand();
    let died = post_with(&receiver, outbox.clone(), soon(), with_lease(LEASE));
    let workers = died.delivery.start();
    died.send("msg_1").await;
    assert_eq!(receiver.next().await.id(), "msg_1");
    drop(workers);
    hand.turn(2 * LEASE.as_secs());
    let mut post = post_with(&receiver, outbox, soon(), with_lease(LEASE));
    let _workers = post.delivery.start();
    let Event::Delivered { tries, .. } = post.event().await else { panic!("delivered") };
    assert_eq!(tries, 2, "the attempt that died counts");
    assert_eq!(receiver.next().await.id(), "msg_1");
}

/// The last attempt of a schedule that died with its worker is made up for.
#[tokio::test]
async fn a_last_attempt_that_dies_is_made_again() {
    let mut receiver = hanging_once().await;
    let (outbox, hand) = by_hand();
    let once = || soon().schedule(Schedule::new([]));
    let died = post_with(&receiver, outbox.clone(), once(), with_lease(LEASE));
    let workers = died.delivery.start();
    died.send("msg_1").await;
    receiver.next().await;
    drop(workers);
    hand.turn(2 * LEASE.as_secs());
    let mut post = post_with(&receiver, outbox, once(), with_lease(LEASE));
    let _workers = post.delivery.start();
    assert!(matches!(post.event().await, Event::Delivered { tries: 2, .. }));
}

/// The one message that there is, so often.
async fn try_in_vain(outbox: &MemoryOutbox, counts: Counts, times: usize) {
    for _ in 0..times {
        let claim = Claim::new(LeaseToken::random(), 1, LEASE, 1);
        let leased = outbox.claim(claim).await.unwrap().leased.remove(0);
        let mut retry = Retry::new(leased.lease, Duration::ZERO);
        retry.counts = counts;
        outbox.retry(retry).await.unwrap();
    }
}

/// A message that is begun again and again, and never ends, is given up without being sent.
#[tokio::test]
async fn a_message_that_workers_die_of_is_given_up() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let outbox = MemoryOutbox::new();
    let once = soon().schedule(Schedule::new([]));
    let mut post = post_with(&receiver, outbox.clone(), once, with_lease(LEASE));
    post.send("msg_1").await;
    try_in_vain(&outbox, Counts::Lost, 6).await;
    let _workers = post.delivery.start();
    let event = post.event().await;
    let Event::Dead { tries: 7, reason: DeadReason::Interrupted, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(receiver.connections(), 0);
    let health = post.delivery.endpoint(&ep("a")).await.unwrap().health;
    assert_eq!((health.failures, health.refusals), (0, 0), "it was not asked");
}

/// With a policy of fewer attempts than a message has had, it is not given up unsent.
#[tokio::test]
async fn a_schedule_that_was_made_shorter_ends_with_an_attempt() {
    let mut receiver = Receiver::start(|_, _| Reply::Status(500)).await;
    let outbox = MemoryOutbox::new();
    let once = soon().schedule(Schedule::new([]));
    let mut post = post_with(&receiver, outbox.clone(), once, with_lease(LEASE));
    post.send("msg_1").await;
    try_in_vain(&outbox, Counts::Tried, 3).await;
    let _workers = post.delivery.start();
    let event = post.event().await;
    let Event::Dead { tries: 4, reason: DeadReason::Exhausted, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(receiver.next().await.id(), "msg_1");
}

/// The lease is renewed while the receiver takes its time, and nobody else sends.
#[tokio::test(start_paused = true)]
async fn a_slow_send_keeps_its_lease() {
    let silent = Silent::default();
    let policy = soon().attempt_timeout(LEASE * 4);
    let outbox = MemoryOutbox::new();
    let [mut post, mut other] = [(); 2].map(|()| {
        let more = |builder: DeliveryBuilder| builder.client(silent.clone()).lease(LEASE);
        post_to("http://example.com/", outbox.clone(), policy.clone(), more)
    });
    let _workers = (post.delivery.start(), other.delivery.start());
    post.send("msg_1").await;
    // Four leases later it has timed out, in the one attempt that there was.
    let event = tokio::select! {
        event = post.event() => event,
        event = other.event() => event,
    };
    let Event::Failed { fault: Some(Fault::Timeout), tries: 1, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(silent.asked(), 1, "it was sent once");
}

#[tokio::test]
async fn a_lease_that_ends_during_a_send_is_fenced() {
    fenced::what_is_said_too_late_has_no_effect(MemoryOutbox::new()).await;
}

#[tokio::test]
async fn a_drain_waits_for_what_is_under_way_and_begins_nothing_more() {
    let (sender, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let receiver = Receiver::start(move |_, _| {
        sender.send(()).unwrap();
        Reply::Status(200)
    })
    .await;
    let mut post = post_with(&receiver, MemoryOutbox::new(), soon(), with_lease(LEASE));
    let workers = post.delivery.start();
    post.send("msg_1").await;
    begun.recv().await.unwrap();
    let drained = workers.drain(Duration::from_secs(30)).await;
    assert_eq!(drained.interrupted, 0);
    assert!(matches!(post.event().await, Event::Delivered { .. }));
    post.send("msg_2").await;
    let states: Vec<_> = post.entries().await.iter().map(|entry| entry.state.kind()).collect();
    assert_eq!(states, [StateKind::Queued, StateKind::Delivered]);
}

#[tokio::test]
async fn a_drain_breaks_off_what_does_not_end_and_queues_it_at_once() {
    let mut receiver = hanging_once().await;
    let mut post = post_with(&receiver, MemoryOutbox::new(), soon(), with_lease(LEASE));
    let workers = post.delivery.start();
    post.send("msg_1").await;
    receiver.next().await;
    assert_eq!(workers.drain(Duration::ZERO).await.interrupted, 1);
    let entry = post.entry().await;
    assert_eq!(entry.state, State::Queued { due_in: Duration::ZERO });
    assert_eq!(entry.attempts[0].fault, Some(Fault::Interrupted));
    let health = post.delivery.endpoint(&ep("a")).await.unwrap().health;
    assert_eq!((health.failures, health.refusals), (0, 0), "it has failed nothing");
    let _workers = post.delivery.start();
    assert!(matches!(post.event().await, Event::Delivered { tries: 2, .. }));
}

/// Drains use nothing of a schedule up, five times; then each is an attempt of it, so that there is an end.
#[tokio::test]
async fn a_drain_that_interrupts_uses_no_attempt_of_the_schedule_up() {
    let mut receiver =
        Receiver::start(|nth, _| if nth < 5 { Reply::Nothing } else { Reply::Status(500) }).await;
    let policy = soon().schedule(Schedule::new([Duration::ZERO]));
    let mut post = post_with(&receiver, MemoryOutbox::new(), policy, with_lease(LEASE));
    post.send("msg_1").await;
    for _ in 0..5 {
        let workers = post.delivery.start();
        receiver.next().await;
        assert_eq!(workers.drain(Duration::ZERO).await.interrupted, 1);
    }
    let _workers = post.delivery.start();
    let Event::Failed { tries: 6, .. } = post.event().await else {
        panic!("the first that counts")
    };
    let event = post.event().await;
    let Event::Dead { tries: 7, reason: DeadReason::Exhausted, .. } = event else {
        panic!("{event:?}")
    };
}

#[tokio::test]
async fn an_outage_of_the_outbox_loses_nothing() {
    let mut receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let spoiled = Spoiled::new(MemoryOutbox::new());
    let mut post = post_with(&receiver, spoiled.clone(), soon(), with_lease(LEASE));
    let _workers = post.delivery.start();
    spoiled.fail_settling(2);
    post.send("msg_1").await;
    let Event::Delivered { tries: 1, .. } = post.event().await else { panic!("delivered") };
    receiver.next().await;
    spoiled.fail_claiming(5);
    post.send("msg_2").await;
    let Event::Delivered { tries: 1, .. } = post.event().await else { panic!("delivered") };
    assert_eq!(receiver.next().await.id(), "msg_2");
}

/// Two who share an outbox share the work, and nothing is sent twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_share_an_outbox_without_doubling() {
    let mut receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let outbox = MemoryOutbox::new();
    let lease = || with_lease(LEASE);
    let mut posts = [(); 2].map(|()| post_with(&receiver, outbox.clone(), soon(), lease()));
    for at in 0..200 {
        let message = Message::new("{}").id(format!("msg_{at}"));
        posts[at % 2].delivery.enqueue(&ep("a"), message).await.unwrap();
    }
    let _workers = [posts[0].delivery.start(), posts[1].delivery.start()];
    let mut ids = std::collections::HashSet::new();
    for _ in 0..200 {
        assert!(ids.insert(receiver.next().await.id().to_owned()), "sent twice");
    }
    let [one, other] = &mut posts;
    for _ in 0..200 {
        tokio::select! {
            event = one.event() => assert!(matches!(event, Event::Delivered { .. })),
            event = other.event() => assert!(matches!(event, Event::Delivered { .. })),
        }
    }
    assert!(receiver.webhooks.try_recv().is_err());
    let claimed = outbox.claim(Claim::new(LeaseToken::random(), 10, LEASE, 10)).await.unwrap();
    assert!(claimed.leased.is_empty());
}

/// What is given up again while it is replayed is not replayed again.
#[tokio::test]
async fn a_replay_ends_whatever_becomes_of_what_it_queues() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let spoiled = Spoiled::new(MemoryOutbox::new());
    let post = post_with(&receiver, spoiled.clone(), soon(), with_lease(LEASE));
    for at in 0..250 {
        post.send(&format!("msg_{at}")).await;
    }
    let claim = Claim::new(LeaseToken::random(), 250, LEASE, 250);
    for leased in spoiled.claim(claim).await.unwrap().leased {
        let dead = Dead::new(leased.lease, DeadReason::NoEndpoint, Duration::from_secs(60));
        spoiled.dead(dead).await.unwrap();
    }
    spoiled.kill_what_is_requeued(1_000);
    assert_eq!(post.delivery.replay(&ep("a")).await.unwrap(), 250);
}

/// One that cannot tell where an endpoint is.
struct NobodyKnows(Arc<AtomicUsize>, StoreErrorKind);

impl Endpoints for NobodyKnows {
    fn find(&self, _: &EndpointId) -> StoreFuture<Result<Option<Endpoint>, StoreError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        StoreFuture::ready(Err(StoreError::new(self.1)))
    }
}

/// Its other messages are not tried one after the other meanwhile.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_cannot_be_found_out_is_left_alone_for_a_moment() {
    let asked = Arc::new(AtomicUsize::new(0));
    let delivery = Delivery::builder()
        .outbox(MemoryOutbox::new())
        .endpoints(NobodyKnows(Arc::clone(&asked), StoreErrorKind::Unavailable))
        .guard(loopback())
        .per_endpoint(4)
        .build()
        .unwrap();
    for at in 0..500 {
        let message = Message::new("{}").id(format!("msg_{at}"));
        delivery.enqueue(&ep("a"), message).await.unwrap();
    }
    let _workers = delivery.start();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let asked = asked.load(Ordering::SeqCst);
    assert!((4..=12).contains(&asked), "{asked}");
}

/// What is known of it cannot be used, and that will not change by itself: the message ends with its schedule.
#[tokio::test]
async fn an_endpoint_that_cannot_be_used_ends_its_messages() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    for kind in [StoreErrorKind::Incompatible, StoreErrorKind::Refused] {
        let asked = Arc::new(AtomicUsize::new(0));
        let knows = NobodyKnows(Arc::clone(&asked), kind);
        let more = |builder: DeliveryBuilder| builder.guard(loopback()).endpoints(knows);
        let mut post = post_with(&receiver, MemoryOutbox::new(), soon(), more);
        let _workers = post.delivery.start();
        post.send("msg_1").await;
        for tries in 1..4 {
            let event = post.event().await;
            let Event::Failed { fault: Some(Fault::BadEndpoint), tries: at, .. } = event else {
                panic!("{event:?}")
            };
            assert_eq!(at, tries);
        }
        let event = post.event().await;
        let Event::Dead { tries: 4, reason: DeadReason::BadEndpoint, .. } = event else {
            panic!("{event:?}")
        };
        assert_eq!(asked.load(Ordering::SeqCst), 4);
        let health = post.delivery.endpoint(&ep("a")).await.unwrap().health;
        assert_eq!((health.failures, health.refusals), (0, 0), "it has failed nothing");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn an_outbox_that_panics_is_asked_again() {
    let mut receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let spoiled = Spoiled::new(MemoryOutbox::new());
    let mut post = post_with(&receiver, spoiled.clone(), soon(), with_lease(LEASE));
    spoiled.panic_claiming(3);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    assert!(matches!(post.event().await, Event::Delivered { tries: 1, .. }));
    assert_eq!(receiver.next().await.id(), "msg_1");
}

/// Panics when it is asked for the first time, by which the lease has run out.
struct PanicsOnce(AtomicBool, Hand, Endpoint);

impl Endpoints for PanicsOnce {
    fn find(&self, _: &EndpointId) -> StoreFuture<Result<Option<Endpoint>, StoreError>> {
        if !self.0.swap(true, Ordering::SeqCst) {
            self.1.turn(2 * LEASE.as_secs());
            panic!("the first time");
        }
        StoreFuture::ready(Ok(Some(self.2.clone())))
    }
}

#[tokio::test]
async fn a_message_whose_attempt_panics_is_tried_again() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let (outbox, hand) = by_hand();
    let endpoints = PanicsOnce(AtomicBool::default(), hand, post::endpoint(&receiver.url()));
    let more =
        |builder: DeliveryBuilder| builder.guard(loopback()).lease(LEASE).endpoints(endpoints);
    let mut post = post_with(&receiver, outbox, soon(), more);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    assert!(matches!(post.event().await, Event::Delivered { tries: 2, .. }));
}

/// What an owner has deleted is not sent any more, however much of it there is.
#[tokio::test]
async fn a_purged_endpoint_is_as_new() {
    let mut receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let mut post = post_with(&receiver, MemoryOutbox::new(), soon(), with_lease(LEASE));
    for at in 0..1_200 {
        post.send(&format!("msg_{at}")).await;
    }
    assert_eq!(post.delivery.purge(&ep("a")).await.unwrap(), 1_200);
    assert_eq!(post.entries().await, []);
    let _workers = post.delivery.start();
    post.send("msg_7").await;
    assert!(matches!(post.event().await, Event::Delivered { tries: 1, .. }));
    assert_eq!(receiver.next().await.id(), "msg_7");
    assert!(receiver.webhooks.try_recv().is_err());
}
