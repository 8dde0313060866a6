//! Events.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../../core/tests/support/lines.rs"]
mod lines;
#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;
#[path = "support/spoiled.rs"]
mod spoiled;

use lines::Lines;
use post::{loopback, post, post_with, soon};
use receiver::{Receiver, Reply, SECRET};
use spoiled::Spoiled;
use stonework_webhook_delivery::Event;
use stonework_webhook_delivery::store::MemoryOutbox;

#[tokio::test]
async fn what_happens_is_told_and_no_secret() {
    let (lines, _guard) = Lines::of("stonework_webhook_delivery");
    let receiver = Receiver::start(|nth, _| match nth {
        0 => Reply::Close,
        1 => Reply::Status(503),
        2 => Reply::Status(200),
        _ => Reply::Status(410),
    })
    .await;
    let mut post = post(&receiver);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    post.delivered().await;
    post.send("msg_2").await;
    post.event_of(|event| matches!(event, Event::Disabled { .. })).await;
    let lines = lines.take();
    let told = ["not answered", "failed", "failed", "delivered", "dead", "disabled"];
    assert_eq!(lines.len(), told.len(), "{lines:?}");
    for (line, told) in lines.iter().zip(told) {
        assert!(line.contains(told), "{line}");
        for secret in [SECRET, "secret-path", "{\"message\"", "v1,"] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[tokio::test]
async fn a_panic_of_the_outbox_is_told() {
    let (lines, _guard) = Lines::of("stonework_webhook_delivery");
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let spoiled = Spoiled::new(MemoryOutbox::new());
    let mut post = post_with(&receiver, spoiled.clone(), soon(), |b| b.guard(loopback()));
    spoiled.panic_claiming(1);
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    post.delivered().await;
    let lines = lines.take();
    assert!(lines[0].contains("ERROR") && lines[0].contains("the outbox panicked"), "{lines:?}");
}
