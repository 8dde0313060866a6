//! The outbox over Redis keeps the contract, on real servers.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;
#[allow(dead_code)] // Another crate's, of which a part is used.
#[path = "../../../idempotency/tests/support/redis.rs"]
mod redis_server;
#[path = "support/same.rs"]
mod same;

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
    Ack, Claim, Enqueue, Enqueued, LeaseToken, List, Outbox, Payload, Settled, StateKind,
    StoreErrorKind,
};
use stonework_webhook_delivery::testing::outbox_conformance;
use stonework_webhook_delivery::{DeliveryId, Event, Message, MessageId};

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

#[tokio::test]
async fn what_it_did_not_write_it_does_not_read() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    outbox.enqueue(message("m")).await.unwrap();
    let records = "{stonework:webhook-delivery}:records";
    server.ask::<()>(cmd("HSET").arg(records).arg("a\0m").arg("something")).await;
    let error = outbox.claim(claim(1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error:?}");
    server.ask::<()>(cmd("DEL").arg(records)).await;
    server.ask::<()>(cmd("SET").arg(records).arg("something")).await;
    let error = outbox.enqueue(message("n")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Incompatible, "{error:?}");
}

/// Of a message that a later version wrote, say. Its endpoint waits, and nobody else.
#[tokio::test]
async fn what_cannot_be_read_holds_no_other_endpoint_up() {
    let server = Server::start().await;
    let outbox = RedisOutbox::new(server.connection().await);
    let of = |endpoint: &str, name: &str| {
        let mut enqueue = message(name);
        enqueue.id = DeliveryId::new(ep(endpoint), MessageId::new(name)).unwrap();
        enqueue
    };
    // The worst that can be: it was leased, its lease has run out, and its payload is gone.
    outbox.enqueue(of("spoiled", "m")).await.unwrap();
    outbox.enqueue(of("bare", "m")).await.unwrap();
    let brief = Claim::new(LeaseToken::random(), 2, Duration::from_millis(1), 1);
    assert_eq!(outbox.claim(brief).await.unwrap().leased.len(), 2);
    let key = |name: &str| format!("{{stonework:webhook-delivery}}:{name}");
    server.ask::<()>(cmd("HSET").arg(key("records")).arg("spoiled\0m").arg("x")).await;
    server.ask::<()>(cmd("HDEL").arg(key("payloads")).arg("bare\0m")).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    for (at, name) in ["m", "n", "o"].into_iter().enumerate() {
        assert_eq!(outbox.enqueue(of("a", name)).await.unwrap(), Enqueued::Queued);
        let leased = outbox.claim(claim(10)).await.unwrap().leased;
        assert_eq!((leased.len(), leased[0].tries), (1, 1), "{at}");
        assert_eq!(leased[0].lease.id, of("a", name).id);
        outbox.ack(Ack::new(leased[0].lease.clone(), MINUTE)).await.unwrap();
    }
    let error = outbox.claim(claim(10)).await.unwrap_err();
    assert_eq!(
        error.kind(),
        StoreErrorKind::Incompatible,
        "it is told of when there is nothing else"
    );
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
    let script = "local e = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'a')) e[7] = e[7] + 3600000000 \
                  redis.call('HSET', KEYS[1], 'a', cmsgpack.pack(e))";
    let endpoints = "{stonework:webhook-delivery}:endpoints";
    server.ask::<()>(cmd("EVAL").arg(script).arg(1).arg(endpoints)).await;
    outbox.enqueue(message("n")).await.unwrap();
    assert_eq!(outbox.claim(claim(1)).await.unwrap().leased.len(), 1);
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
    let lease = |builder: stonework_webhook_delivery::DeliveryBuilder| {
        builder.guard(loopback()).lease(Duration::from_secs(2))
    };
    let post = post_with(&receiver, outbox, soon(), lease);
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

/// Two connections, as of two processes, share the work, and nothing is sent twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_share_the_work_without_doubling_it() {
    let server = Server::start().await;
    let mut receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let mut posts = Vec::new();
    for _ in 0..2 {
        let outbox = RedisOutbox::new(server.manager().await);
        posts.push(post_with(&receiver, outbox, soon(), |b| b.guard(loopback())));
    }
    for at in 0..100 {
        let message = Message::new("{}").id(format!("msg_{at}"));
        posts[at % 2].delivery.enqueue(&ep("a"), message).await.unwrap();
    }
    let _workers: Vec<_> = posts.iter().map(|post| post.delivery.start()).collect();
    let [one, other] = &mut posts[..] else { unreachable!() };
    for _ in 0..100 {
        tokio::select! {
            event = one.event() => assert!(matches!(event, Event::Delivered { .. }), "{event:?}"),
            event = other.event() => assert!(matches!(event, Event::Delivered { .. }), "{event:?}"),
        }
    }
    let mut ids = HashSet::new();
    for _ in 0..100 {
        assert!(ids.insert(receiver.next().await.id().to_owned()), "sent twice");
    }
    assert!(receiver.webhooks.try_recv().is_err());
}

/// Where the process that is killed finds the server and the receiver.
const CHILD: &str = "STONEWORK_TEST_CHILD";

/// A process of its own, which the test below starts and kills.
#[tokio::test]
async fn a_worker_by_itself() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (redis, url) = told.split_once(' ').unwrap();
    let connection = redis::Client::open(redis).unwrap().get_connection_manager().await.unwrap();
    let lease = |builder: stonework_webhook_delivery::DeliveryBuilder| {
        builder.guard(loopback()).lease(Duration::from_secs(2))
    };
    let post = post::post_to(url, RedisOutbox::new(connection), soon(), lease);
    let _workers = post.delivery.start();
    std::future::pending::<()>().await;
}

/// The process of a worker is killed in the midst of an attempt; another takes its message over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_loses_nothing() {
    let server = Server::start().await;
    let mut receiver =
        Receiver::start(|nth, _| if nth == 0 { Reply::Nothing } else { Reply::Status(200) }).await;
    let outbox = RedisOutbox::new(server.manager().await);
    let mut post = post_with(&receiver, outbox, soon(), |b| b.guard(loopback()));
    post.send("msg_1").await;
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["a_worker_by_itself", "--exact"])
        .env(CHILD, format!("{} {}", server.url(), receiver.url()))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(receiver.next().await.id(), "msg_1");
    child.kill().unwrap();
    child.wait().unwrap();
    let _workers = post.delivery.start();
    let Event::Delivered { tries: 2, .. } = post.event().await else { panic!("delivered") };
    assert_eq!(receiver.next().await.id(), "msg_1", "the same id");
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
