//! Events: that they are there, and what they tell.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../core/tests/support/lines.rs"]
mod lines;

use std::convert::Infallible;
use std::future::ready;

use http::{Request, Response};
use lines::Lines;
use stonework_pagination::{AnyPage, Cursors, Keys, PageError, PageLayer};
use tower::{Layer as _, ServiceExt, service_fn};

/// What is wrong with a cursor is told here and nowhere else.
#[tokio::test]
async fn every_refusal_is_an_event_with_its_reason_and_without_what_was_sent() {
    let (lines, _guard) = Lines::of("stonework_pagination");
    let cursors = Cursors::signed(Keys::new(1, &[7; 32])).build().unwrap();
    let layer = PageLayer::builder().cursors(cursors).build().unwrap();
    let service = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(http_body_util::Empty::<bytes::Bytes>::new())))
    }));
    let unknown_key = format!("cursor=EQI{}", "A".repeat(57));
    let forged = format!("cursor=EQE{}", "A".repeat(57));
    for query in ["limit=5", "limit=secret", "cursor=%2Bsecret", &unknown_key, &forged] {
        let request = Request::get(format!("/orders?{query}")).body(()).unwrap();
        service.clone().oneshot(request).await.unwrap();
    }
    let lines = lines.take();
    assert_eq!(
        lines,
        [
            "DEBUG message=refused reason=\"limit-invalid\" ",
            "DEBUG message=refused reason=\"cursor-invalid\" error=the cursor is no token of this format ",
            "DEBUG message=refused reason=\"cursor-invalid\" error=the key of the cursor is not known ",
            "DEBUG message=refused reason=\"cursor-invalid\" error=the cursor was changed, or is for something else ",
        ]
    );
}

/// Clients are told nothing of it.
#[test]
fn what_a_handler_fails_at_is_an_event_too() {
    let (lines, _guard) = Lines::of("stonework_pagination");
    assert!(AnyPage::of(&http::Extensions::new()).is_err());
    let error = PageError::internal("the disk is full");
    assert!(!error.to_string().contains("disk"));
    assert_eq!(
        lines.take(),
        [
            "DEBUG message=refused reason=\"page-misused\" error=there is no PageLayer around ",
            "DEBUG message=refused reason=\"page-misused\" error=the disk is full ",
        ]
    );
}
