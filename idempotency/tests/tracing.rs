//! Events and spans.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(all(feature = "memory", feature = "tracing"))]

#[path = "support/app.rs"]
mod app;
#[path = "../../core/tests/support/lines.rs"]
mod lines;

use app::{app, body, counting, post, send, send_key, single};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use lines::Lines;
use tracing::Instrument;

#[tokio::test]
async fn every_rejection_is_an_event_with_its_reason() {
    let (lines, _guard) = Lines::of("stonework_idempotency");
    let (_, handler) = counting();
    let app = app(&single().build().unwrap(), handler);
    send_key(&app, "a,b").await;
    send_key(&app, "secret-key").await;
    send(&app, body(post("secret-key"), "another request")).await;
    send_key(&app, "secret-key").await;
    let lines = lines.take();
    let reasons = ["key-malformed", "key-reused", "an answer was replayed"];
    assert_eq!(lines.len(), reasons.len(), "{lines:?}");
    for (line, reason) in lines.iter().zip(reasons) {
        assert!(line.contains(reason), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
}

#[tokio::test]
async fn the_handler_runs_in_the_span_of_its_request() {
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
    let app = app(&single().build().unwrap(), |_| async {
        let name = tracing::Span::current().metadata().map(tracing::Metadata::name);
        Response::new(Full::<Bytes>::from(name.unwrap_or("none")))
    });
    let span = tracing::info_span!("the request");
    assert_eq!(send_key(&app, "k").instrument(span).await.text(), "the request");
}
