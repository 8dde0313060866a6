//! A Redis that has no memory left.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;
#[allow(dead_code)] // Another crate's, of which a part is used.
#[path = "../../../idempotency/tests/support/redis.rs"]
mod redis_server;

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use post::{ep, loopback, post_with, soon};
use receiver::{Receiver, Reply};
use redis::cmd;
use redis_server::{Server, until};
use stonework_webhook_delivery::store::redis1::RedisOutbox;
use stonework_webhook_delivery::store::{
    Ack, Became, Change, Claim, Dead, EndpointChange, Enqueue, Enqueued, Entry, Extend, Held,
    Lease, LeaseToken, Leased, List, MemoryOutbox, Outbox, Payload, Requeue, Requeued, Retry,
    Settled, State, StateKind,
};
use stonework_webhook_delivery::{
    Attempt, DeadReason, DeliveryId, EnqueueError, Event, Message, MessageId, OrderKey,
};

/// Longer than a test takes.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A server that keeps what it has, and takes no more.
async fn fill(server: &Server) {
    server.config_set("maxmemory-policy", "noeviction").await;
    server.config_set("maxmemory", "1").await;
    let refused = server.try_ask::<()>(cmd("SET").arg("a").arg("b")).await.unwrap_err();
    assert_eq!(refused.code(), Some("OOM"), "{refused}");
}

async fn empty(server: &Server) {
    server.config_set("maxmemory", "0").await;
}

fn id(name: &str) -> DeliveryId {
    DeliveryId::new(ep("a"), MessageId::new(name)).unwrap()
}

fn message(name: &str) -> Enqueue {
    let json = HeaderValue::from_static("application/json");
    Enqueue::new(id(name), Payload::new(json, Bytes::from_static(b"{}")).unwrap())
}

async fn claim(outbox: &impl Outbox) -> Vec<Leased> {
    let claim = Claim::new(LeaseToken::random(), 100, HOUR, 100);
    let mut leased = outbox.claim(claim).await.unwrap().leased;
    leased.sort_by_key(|leased| leased.lease.id.to_string());
    leased
}

/// All there is, but for the times.
async fn all(outbox: &impl Outbox) -> Vec<Entry> {
    let mut entries = outbox.list(List::new(100)).await.unwrap().entries;
    entries.sort_by_key(|entry| entry.id.to_string());
    for entry in &mut entries {
        entry.age = Duration::ZERO;
        if let State::Queued { due_in } = &mut entry.state {
            *due_in = if due_in.is_zero() { Duration::ZERO } else { HOUR };
        }
    }
    entries
}

/// What both outboxes have, before there is no memory left: one of each kind that is to be settled, and an order.
async fn prepare(outbox: &impl Outbox) {
    for name in ["acked", "dead", "extended", "requeued", "retried"] {
        assert_eq!(outbox.enqueue(message(name)).await.unwrap(), Enqueued::Queued);
    }
    for name in ["first", "second"] {
        let mut ordered = message(name);
        ordered.order = Some(OrderKey::new("x").unwrap());
        outbox.enqueue(ordered).await.unwrap();
    }
}

fn given_up(lease: Lease) -> Dead {
    let mut dead = Dead::new(lease, DeadReason::Exhausted, HOUR);
    dead.attempt = Some(Attempt::new(Duration::from_millis(1)).answered(500));
    dead
}

/// Every operation but to enqueue.
async fn settle(outbox: &impl Outbox) {
    let leased = claim(outbox).await;
    let names: Vec<_> = leased.iter().map(|leased| leased.lease.id.message().as_str()).collect();
    assert_eq!(names, ["acked", "dead", "extended", "first", "requeued", "retried"]);
    for leased in leased {
        let lease = leased.lease;
        let settled = match lease.id.message().as_str() {
            "extended" => {
                assert_eq!(outbox.extend(Extend::new(lease, HOUR)).await.unwrap(), Held::Held);
                continue;
            }
            "retried" => outbox.retry(Retry::new(lease, HOUR)).await,
            "dead" => outbox.dead(given_up(lease)).await,
            "requeued" => {
                let id = lease.id.clone();
                assert_eq!(
                    outbox.dead(given_up(lease)).await.unwrap(),
                    Settled::Done(Became::default())
                );
                let requeued = outbox.requeue(Requeue::new(id)).await.unwrap();
                assert_eq!(requeued, Requeued::Queued);
                continue;
            }
            // That of an order lets the next one go.
            _ => outbox.ack(Ack::new(lease, HOUR)).await,
        };
        assert_eq!(settled.unwrap(), Settled::Done(Became::default()));
    }
    outbox.change(Change::new(ep("a"), EndpointChange::Pause(HOUR))).await.unwrap();
}

/// Whether the server knows the scripts or is told them then.
#[tokio::test]
async fn what_is_there_is_settled_as_ever_and_nothing_is_half_written() {
    for knows_scripts in [true, false] {
        let server = Server::start().await;
        let (outbox, memory) = (RedisOutbox::new(server.connection().await), MemoryOutbox::new());
        prepare(&outbox).await;
        prepare(&memory).await;
        fill(&server).await;
        if !knows_scripts {
            server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
        }
        let before = all(&outbox).await;
        for name in ["new", "acked"] {
            assert_eq!(outbox.enqueue(message(name)).await.unwrap(), Enqueued::Full, "{name}");
        }
        assert_eq!(all(&outbox).await, before, "of one that is refused nothing is there");
        settle(&outbox).await;
        settle(&memory).await;
        let after = all(&memory).await;
        assert_eq!(all(&outbox).await, after);
        let paused = outbox.endpoint(ep("a")).await.unwrap();
        assert_eq!((paused.sending, paused.paused_for.is_some()), (1, true));

        empty(&server).await;
        assert_eq!(all(&outbox).await, after);
        assert_eq!(outbox.enqueue(message("acked")).await.unwrap(), Enqueued::Duplicate);
        assert_eq!(outbox.enqueue(message("new")).await.unwrap(), Enqueued::Queued);
        outbox.change(Change::new(ep("a"), EndpointChange::Enable)).await.unwrap();
        let leased = claim(&outbox).await;
        let names: Vec<_> =
            leased.iter().map(|leased| leased.lease.id.message().as_str()).collect();
        assert_eq!(names, ["new", "requeued", "second"]);
        assert!(leased.iter().all(|leased| leased.tries == 1 && leased.payload.body() == "{}"));
    }
}

/// A whole delivery: what it has it delivers, tries again and gives up, and what it cannot take it says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_goes_on_with_what_it_has_and_takes_more_when_there_is_room() {
    let server = Server::start().await;
    let receiver = Receiver::start(|nth, received| match received.id() {
        "aborted" => Reply::Headers(400, &[("webhook-delivery", "abort-message")]),
        _ => Reply::Status(if nth < 3 { 500 } else { 200 }),
    })
    .await;
    let outbox = RedisOutbox::new(server.manager().await);
    let mut post = post_with(&receiver, outbox, soon(), |b| b.guard(loopback()));
    for name in ["aborted", "msg_1", "msg_2"] {
        post.send(name).await;
    }
    fill(&server).await;
    let refused = post.delivery.enqueue(&ep("a"), Message::new("{}").id("late")).await;
    assert!(matches!(refused, Err(EnqueueError::Full)), "{refused:?}");
    let _workers = post.delivery.start();
    post.event_of(|event| matches!(event, Event::Dead { .. })).await;
    until("the others are delivered", async || {
        let delivered = List::new(10).in_state(StateKind::Delivered);
        post.delivery.list(delivered).await.unwrap().entries.len() == 2
    })
    .await;
    let kept: Vec<_> = post.entries().await.iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(kept.len(), 3, "and no more: {kept:?}");

    empty(&server).await;
    post.send("late").await;
    post.event_of(
        |event| matches!(event, Event::Delivered { id, .. } if id.message().as_str() == "late"),
    )
    .await;
}
