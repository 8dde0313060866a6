//! Events.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;
#[path = "../../core/tests/support/lines.rs"]
mod lines;
#[path = "support/slow.rs"]
mod slow;

use app::{Counter, Hand, SECRET, STANDARD_SECRET, count, send, standard_request, standard_sender};
use http_body_util::Full;
use lines::Lines;
use slow::{Op, Slow};
use stonework_webhook_sign::VerifyLayer;
use stonework_webhook_sign::store::StoreErrorKind;
use tower::Layer;

#[tokio::test]
async fn every_rejection_is_an_event_with_its_reason_and_without_a_secret() {
    let (lines, _guard) = Lines::of("stonework_webhook_sign");
    let slow = Slow::default();
    let layer = VerifyLayer::builder().sender(standard_sender()).clock(Hand::default().clock());
    let service = layer.store(slow.clone()).build().unwrap().layer(count(&Counter::default()));
    let mut unsigned = standard_request("msg_1", "{}");
    unsigned.headers_mut().clear();
    send(&service, unsigned).await;
    let mut forged = standard_request("msg_1", "{}");
    *forged.body_mut() = Full::from("[]");
    let signature = forged.headers()["webhook-signature"].to_str().unwrap().to_owned();
    send(&service, forged).await;
    send(&service, standard_request("msg_1", "{}")).await;
    send(&service, standard_request("msg_1", "{}")).await;
    slow.fail(Op::Claim, Some(StoreErrorKind::Unavailable));
    send(&service, standard_request("msg_2", "{}")).await;
    let lines = lines.take();
    let reasons =
        ["not-signed", "mismatch", "duplicate", "could not be claimed", "store-unavailable"];
    assert_eq!(lines.len(), reasons.len(), "{lines:?}");
    for (line, reason) in lines.iter().zip(reasons) {
        assert!(line.contains(reason), "{line}");
        for secret in [SECRET, STANDARD_SECRET, &signature] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
