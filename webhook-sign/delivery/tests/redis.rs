//! The outbox over Redis keeps the contract, on real servers.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/fenced.rs"]
mod fenced;
#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;
#[allow(dead_code)] // Another crate's, of which a part is used.
#[path = "../../../idempotency/tests/support/redis.rs"]
mod redis_server;
#[path = "support/same.rs"]
mod same;
#[path = "support/spoiled.rs"]
mod spoiled;

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use post::{ep, loopback, post_with, soon};
use receiver::{Receiver, Reply};
use redis::cmd;
use redis_server::{Cluster, Counting, Server, Twice, until};
use stonework_webhook_delivery::store::redis1::RedisOutbox;
use stonework_webhook_delivery::store::{
    Ack, Change, Claim, EndpointChange, Enqueue, Enqueued, Entry, LeaseToken, List, Outbox,
    Payload, Purge, Requeue, Requeued, Settled, State, StateKind, StoreErrorKind,
};
use stonework_webhook_delivery::testing::outbox_conformance;
use stonework_webhook_delivery::{DeadReason, DeliveryId, Event, MessageId, OrderKey, fuzz};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_outbox_keeps_the_contract() {
    let server = Server::start().await;
    outbox_conformance(RedisOutbox::new(server.manager().await), tokio::time::sleep).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_outbox_keeps_the_contract_when_every_command_is_sent_twice() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(Twice(server.connection().await));
    outbox_conformance(outbox, tokio::time::sleep).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_outbox_keeps_the_contract_on_a_cluster() {
    let cluster = Cluster::start().await;
    outbox_conformance(RedisOutbox::new(cluster.connection().await), tokio::time::sleep).await;
}

/// Whatever is done in whatever order, both outboxes answer the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_answers_as_the_one_in_memory_does() {
    let server = Server::start().await;
    for seed in 0..40 {
        let outbox = RedisOutbox::new(server.manager().await).key_prefix(format!("seed-{seed}"));
        same::history(seed, outbox).await;
    }
}

fn message(name: &str) -> Enqueue {
    let id = DeliveryId::new(ep("a"), MessageId::new(name)).unwrap();
    let json = HeaderValue::from_static("application/json");
    Enqueue::new(id, Payload::new(json, Bytes::from_static(b"{}")).unwrap())
}

fn claim(max: usize) -> Claim {
    Claim::new(LeaseToken::random(), max, MINUTE, 100)
}

#[tokio::test]
async fn each_operation_is_one_round_trip_also_after_a_flush_of_scripts() {
    let server = Server::start().await;
    let connection = Counting::new(server.connection().await);
    let outbox = RedisOutbox::new(connection.clone());
    outbox.enqueue(message("warm")).await.unwrap();
    connection.take();
    outbox.enqueue(message("m")).await.unwrap();
    assert_eq!(connection.take(), 1, "a message");
    server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
    let leased = outbox.claim(claim(10)).await.unwrap().leased;
    assert_eq!((leased.len(), connection.take()), (2, 2), "by a script that the server forgot");
    let ack = Ack::new(leased[0].lease.clone(), MINUTE);
    assert!(matches!(outbox.ack(ack.clone()).await.unwrap(), Settled::Done(_)));
    connection.take();
    assert!(matches!(outbox.ack(ack).await.unwrap(), Settled::Done(_)));
    assert_eq!(connection.take(), 1, "an acknowledgement");
}

#[tokio::test]
async fn a_full_server_takes_no_messages_and_goes_on_with_those_that_it_has() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    outbox.enqueue(message("m")).await.unwrap();
    server.config_set("maxmemory", "1").await;
    assert_eq!(outbox.enqueue(message("n")).await.unwrap(), Enqueued::Full);
    let leased = outbox.claim(claim(10)).await.unwrap().leased.remove(0);
    let ack = outbox.ack(Ack::new(leased.lease, MINUTE)).await.unwrap();
    assert!(matches!(ack, Settled::Done(_)));
    server.config_set("maxmemory", "0").await;
    assert_eq!(outbox.enqueue(message("n")).await.unwrap(), Enqueued::Queued);
}

fn key(name: &str) -> String {
    format!("{{stonework:webhook-delivery}}:{name}")
}

/// Something else has written there.
async fn spoil(server: &Server, hash: &str, field: &str) {
    server.ask::<()>(cmd("HSET").arg(key(hash)).arg(field).arg("something")).await;
}

fn of(endpoint: &str, name: &str) -> Enqueue {
    let mut enqueue = message(name);
    enqueue.id = DeliveryId::new(ep(endpoint), MessageId::new(name)).unwrap();
    enqueue
}

async fn unreadable<C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static>(
    outbox: &RedisOutbox<C>,
) -> Vec<String> {
    let dead = outbox.list(List::new(10).in_state(StateKind::Dead)).await.unwrap().entries;
    let is_unreadable = |entry: &Entry| entry.state == State::Dead(DeadReason::Unreadable);
    assert!(dead.iter().all(is_unreadable), "{dead:?}");
    dead.into_iter().map(|entry| entry.id.to_string()).collect()
}

#[tokio::test]
async fn a_record_that_it_did_not_write_is_a_dead_letter_with_its_body() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    outbox.enqueue(message("m")).await.unwrap();
    spoil(&server, "records", "a\0m").await;
    assert_eq!(outbox.claim(claim(1)).await.unwrap().leased.len(), 0);
    assert_eq!(unreadable(&outbox).await, ["m to a"]);
    let requeue = Requeue::new(message("m").id);
    assert_eq!(outbox.requeue(requeue).await.unwrap(), Requeued::Queued);
    let leased = outbox.claim(claim(1)).await.unwrap().leased.remove(0);
    assert_eq!(leased.payload, message("m").payload);
    // Another type of key is no outbox.
    server.ask::<()>(cmd("DEL").arg(key("records"))).await;
    server.ask::<()>(cmd("SET").arg(key("records")).arg("something")).await;
    let error = outbox.enqueue(message("n")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error:?}");
}

/// Whatever it was when it was spoiled, a list shows it, and whoever holds it settles nothing.
#[tokio::test]
async fn what_cannot_be_read_is_listed() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    outbox.enqueue(message("sending")).await.unwrap();
    let leased = outbox.claim(claim(1)).await.unwrap().leased.remove(0);
    outbox.enqueue(message("queued")).await.unwrap();
    for name in ["sending", "queued"] {
        spoil(&server, "records", &format!("a\0{name}")).await;
    }
    let error = outbox.ack(Ack::new(leased.lease.clone(), MINUTE)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    assert_eq!(outbox.list(List::new(10)).await.unwrap().entries.len(), 2);
    assert_eq!(unreadable(&outbox).await.len(), 2);
    assert_eq!(outbox.endpoint(ep("a")).await.unwrap().sending, 0);
    assert_eq!(outbox.ack(Ack::new(leased.lease, MINUTE)).await.unwrap(), Settled::Lost);
}

#[tokio::test]
async fn what_cannot_be_read_holds_nobody_up() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    // The worst that can be: it was leased, its lease has run out, and its payload is gone.
    outbox.enqueue(of("spoiled", "m")).await.unwrap();
    outbox.enqueue(of("bare", "m")).await.unwrap();
    outbox.enqueue(of("gone", "m")).await.unwrap();
    let brief = Claim::new(LeaseToken::random(), 3, Duration::from_millis(1), 1);
    assert_eq!(outbox.claim(brief).await.unwrap().leased.len(), 3);
    spoil(&server, "records", "spoiled\0m").await;
    server.ask::<()>(cmd("HDEL").arg(key("payloads")).arg("bare\0m")).await;
    server.ask::<()>(cmd("HDEL").arg(key("records")).arg("gone\0m")).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    for endpoint in ["a", "spoiled", "bare", "gone"] {
        assert_eq!(outbox.enqueue(of(endpoint, "n")).await.unwrap(), Enqueued::Queued);
        let leased =
            outbox.claim(Claim::new(LeaseToken::random(), 10, MINUTE, 1)).await.unwrap().leased;
        assert_eq!((leased.len(), leased[0].tries), (1, 1), "{endpoint}");
        assert_eq!(leased[0].lease.id, of(endpoint, "n").id);
        outbox.ack(Ack::new(leased[0].lease.clone(), MINUTE)).await.unwrap();
        assert_eq!(outbox.endpoint(ep(endpoint)).await.unwrap().sending, 0);
    }
    assert_eq!(unreadable(&outbox).await, ["m to bare", "m to gone", "m to spoiled"]);
    // One that looks like a record, and has another thing in each place.
    outbox.enqueue(of("odd", "m")).await.unwrap();
    let script = "local it = {1} for at = 2, 13 do it[at] = true end \
                  redis.call('HSET', KEYS[1], 'odd\\0m', cmsgpack.pack(it))";
    server.ask::<()>(cmd("EVAL").arg(script).arg(1).arg(key("records"))).await;
    assert_eq!(outbox.claim(claim(10)).await.unwrap().leased.len(), 0);
    outbox.purge(Purge::new(ep("odd"), 10)).await.unwrap();
    assert_eq!(unreadable(&outbox).await.len(), 3);
    // Without a body it is what it was, and nobody waits for it.
    outbox.requeue(Requeue::new(of("bare", "m").id)).await.unwrap();
    assert_eq!(outbox.claim(claim(10)).await.unwrap().leased.len(), 0);
    assert_eq!(unreadable(&outbox).await.len(), 3);
}

/// Of an order, whether it is the first or waits: what comes behind it comes.
#[tokio::test]
async fn what_cannot_be_read_keeps_no_order_waiting() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    for name in ["first", "second", "third", "last"] {
        let mut enqueue = message(name);
        enqueue.order = Some(OrderKey::new("order").unwrap());
        outbox.enqueue(enqueue).await.unwrap();
    }
    spoil(&server, "records", "a\0first").await;
    spoil(&server, "records", "a\0third").await;
    let next = async || {
        let mut leased = outbox.claim(claim(10)).await.unwrap().leased;
        assert_eq!(leased.len(), 1);
        leased.remove(0)
    };
    let second = next().await;
    assert_eq!(second.lease.id.message().as_str(), "second");
    let acked = outbox.ack(Ack::new(second.lease.clone(), MINUTE)).await.unwrap();
    assert!(matches!(acked, Settled::Done(_)), "all of it, or nothing");
    let entries = outbox.list(List::new(10).in_state(StateKind::Delivered)).await.unwrap().entries;
    assert_eq!(entries[0].id, second.lease.id);
    let last = next().await;
    assert_eq!(last.lease.id.message().as_str(), "last");
    outbox.ack(Ack::new(last.lease, MINUTE)).await.unwrap();
    assert_eq!(unreadable(&outbox).await, ["first to a", "third to a"]);
    assert!(!server.ask::<bool>(cmd("EXISTS").arg(key("lanes"))).await, "the order is free");
}

/// Of an endpoint, what was disabled is not to be known any more: it waits until somebody enables it.
#[tokio::test]
async fn an_endpoint_that_cannot_be_read_waits_until_it_is_enabled() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    for name in ["m", "n", "o"] {
        outbox.enqueue(of("a", name)).await.unwrap();
    }
    let leased = outbox.claim(claim(1)).await.unwrap().leased.remove(0);
    spoil(&server, "endpoints", "a").await;
    outbox.enqueue(of("b", "m")).await.unwrap();
    assert_eq!(outbox.claim(claim(10)).await.unwrap().leased.len(), 1, "of the other");
    let error = outbox.claim(claim(10)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Incompatible, "it is told of");
    let change = |to| outbox.change(Change::new(ep("a"), to));
    change(EndpointChange::Pause(MINUTE)).await.unwrap_err();
    change(EndpointChange::Enable).await.unwrap();
    assert_eq!(outbox.endpoint(ep("a")).await.unwrap().sending, 1, "what is leased is counted");
    assert_eq!(outbox.claim(claim(10)).await.unwrap().leased.len(), 2);
    assert!(matches!(outbox.ack(Ack::new(leased.lease, MINUTE)).await.unwrap(), Settled::Done(_)));
    assert_eq!(outbox.endpoint(ep("a")).await.unwrap().sending, 2);
}

#[tokio::test]
async fn a_pause_of_an_endpoint_that_has_nothing_is_forgotten_when_it_is_over() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    for at in 0..50 {
        let pause = EndpointChange::Pause(Duration::from_millis(50));
        outbox.change(Change::new(ep(&format!("ep_{at}")), pause)).await.unwrap();
    }
    until("they are forgotten", async || {
        outbox.claim(claim(1)).await.unwrap();
        let keys: Vec<String> = server.ask(cmd("KEYS").arg("*")).await;
        keys.is_empty()
    })
    .await;
}

#[tokio::test]
async fn nothing_is_left_of_what_was_purged() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    for name in ["m", "n", "o", "p"] {
        let mut enqueue = message(name);
        enqueue.order = Some(OrderKey::new("order").unwrap());
        outbox.enqueue(enqueue).await.unwrap();
    }
    assert_eq!(outbox.claim(claim(10)).await.unwrap().leased.len(), 1);
    spoil(&server, "records", "a\0n").await;
    let purge = async || outbox.purge(Purge::new(ep("a"), 2)).await.unwrap();
    let purged = [purge().await, purge().await, purge().await];
    let purged = purged.map(|purged| (purged.removed, purged.more));
    assert_eq!(purged, [(2, true), (2, false), (0, false)]);
    let keys: Vec<String> = server.ask(cmd("KEYS").arg("*")).await;
    for key in keys.iter().filter(|key| !key.contains(":claim:")) {
        // What is left is the number of the last message.
        assert!(key.ends_with(":endpoints"), "{keys:?}");
        assert_eq!(server.ask::<usize>(cmd("HLEN").arg(key)).await, 1);
    }
}

/// The server's clock goes back: what is enqueued then is due then, whenever its endpoint was served last.
#[tokio::test]
async fn a_clock_that_went_back_does_not_hold_up_what_is_new() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    outbox.enqueue(message("m")).await.unwrap();
    let leased = outbox.claim(claim(1)).await.unwrap().leased.remove(0);
    outbox.ack(Ack::new(leased.lease, MINUTE)).await.unwrap();
    // As if it had been served an hour from now.
    let script = "local e = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'a')) e[8] = e[8] + 3600000000 \
                  redis.call('HSET', KEYS[1], 'a', cmsgpack.pack(e))";
    let endpoints = "{stonework:webhook-delivery}:endpoints";
    server.ask::<()>(cmd("EVAL").arg(script).arg(1).arg(endpoints)).await;
    outbox.enqueue(message("n")).await.unwrap();
    assert_eq!(outbox.claim(claim(1)).await.unwrap().leased.len(), 1);
}

/// What a client sends back as the place between two pages may be anything: a place of another endpoint, half of one, or
/// one that never was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_somebody_made_up_leads_to_nothing_that_was_not_asked_for() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.manager().await);
    fuzz::fill(&outbox).await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/webhook_delivery_cursor");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        read += usize::from(fuzz::leads(&outbox, &bytes).await);
    }
    assert!(read > 0, "none of them is a place of this one");
    // All that a place of its own can become by one byte.
    let page = outbox.list(List::new(4)).await.unwrap();
    let place = page.next.unwrap();
    for at in 0..place.as_bytes().len() {
        for byte in [0, b' ', b'0', b'9', b':', b'a', b'q', 0xff] {
            let mut bytes = place.as_bytes().to_vec();
            bytes[at] = byte;
            fuzz::leads(&outbox, &bytes).await;
            fuzz::leads(&outbox, &bytes[..at]).await;
        }
    }
}

#[tokio::test]
async fn nothing_is_left_of_what_was_forgotten() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    outbox.enqueue(message("m")).await.unwrap();
    let leased = outbox.claim(claim(1)).await.unwrap().leased.remove(0);
    outbox.ack(Ack::new(leased.lease, Duration::ZERO)).await.unwrap();
    until("it is forgotten", async || {
        outbox.claim(claim(1)).await.unwrap();
        outbox.list(List::new(10)).await.unwrap().entries.is_empty()
    })
    .await;
    let keys: Vec<String> = server.ask(cmd("KEYS").arg("*")).await;
    for key in keys.iter().filter(|key| !key.contains(":claim:")) {
        // What is left is the number of the last message.
        assert!(key.ends_with(":endpoints"), "{keys:?}");
        assert_eq!(server.ask::<usize>(cmd("HLEN").arg(key)).await, 1);
    }
}

#[tokio::test]
async fn an_evicting_server_is_told_of() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    assert_eq!(outbox.preflight().await, []);
    server.config_set("maxmemory", "100mb").await;
    server.config_set("maxmemory-policy", "allkeys-lru").await;
    assert_eq!(outbox.preflight().await.len(), 1);
}

/// The server dies in the midst of it, and comes back with what it had: nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_loses_nothing() {
    let mut server = Server::durable().await;
    let mut receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let outbox = RedisOutbox::new(server.manager().await);
    let leases = |builder: stonework_webhook_delivery::DeliveryBuilder| {
        // What is sent while the connection breaks may be answered by nobody, and must not take all the time there is.
        let builder = builder.store_timeout(Duration::from_secs(10));
        builder.guard(loopback()).lease(Duration::from_secs(2))
    };
    let post = post_with(&receiver, outbox, soon(), leases);
    let mut kept = HashSet::new();
    for at in 0..50 {
        post.send(&format!("msg_{at}")).await;
        kept.insert(format!("msg_{at}"));
    }
    let _workers = post.delivery.start();
    receiver.next().await;
    server.kill();
    server.restart().await;
    until("all are delivered", async || {
        let Ok(page) = post.delivery.list(List::new(100)).await else { return false };
        page.entries.len() == 50
            && page.entries.iter().all(|entry| entry.state.kind() == StateKind::Delivered)
    })
    .await;
    let mut came: HashSet<_> = HashSet::new();
    while let Ok(received) = receiver.webhooks.try_recv() {
        came.insert(received.id().to_owned());
    }
    assert!(came.len() >= 49 && came.is_subset(&kept), "the first was taken out before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_ends_during_a_send_is_fenced() {
    let server = Server::start().await;
    fenced::what_is_said_too_late_has_no_effect(RedisOutbox::new(server.manager().await)).await;
}

/// The receiver breaks off each attempt until the last, and is back at another address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_dies_is_told_when_it_is_back() {
    let server = Server::start().await;
    let mut dies = Receiver::start(|_, _| Reply::Close).await;
    let outbox = RedisOutbox::new(server.manager().await);
    let mut post = post_with(&dies, outbox, soon(), |b| b.guard(loopback()));
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    assert_eq!(dies.next().await.id(), "msg_1");
    post.event_of(|event| matches!(event, Event::Dead { .. })).await;
    let mut back = Receiver::start(|_, _| Reply::Status(200)).await;
    post.endpoints.insert(ep("a"), post::endpoint(&back.url()));
    assert_eq!(post.delivery.replay(&ep("a")).await.unwrap(), 1);
    post.delivered().await;
    assert_eq!(back.next().await.id(), "msg_1");
}
