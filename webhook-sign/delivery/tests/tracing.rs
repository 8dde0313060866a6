//! Events.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../../core/tests/support/lines.rs"]
mod lines;
#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;

use lines::Lines;
use post::post;
use receiver::{Receiver, Reply, SECRET};
use stonework_webhook_delivery::Event;

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
