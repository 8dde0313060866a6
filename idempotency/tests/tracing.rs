//! Events and spans.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(all(feature = "memory", feature = "tracing"))]

#[path = "support/app.rs"]
mod app;

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use app::{app, body, counting, post, send, send_key, single};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tracing::Instrument;
use tracing::field::{Field, Visit};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Remembers events as lines of fields.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "stonework_idempotency" {
            let mut line = Line(format!("{} ", event.metadata().level()));
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

#[tokio::test]
async fn every_rejection_is_an_event_with_its_reason() {
    let lines = Lines::default();
    let subscriber = Registry::default().with(lines.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let (_, handler) = counting();
    let app = app(&single().build().unwrap(), handler);
    send_key(&app, "a,b").await;
    send_key(&app, "secret-key").await;
    send(&app, body(post("secret-key"), "another request")).await;
    send_key(&app, "secret-key").await;
    let lines = lines.0.lock().unwrap();
    let reasons = ["key-malformed", "key-reused", "an answer was replayed"];
    assert_eq!(lines.len(), reasons.len(), "{lines:?}");
    for (line, reason) in lines.iter().zip(reasons) {
        assert!(line.contains(reason), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
}

#[tokio::test]
async fn the_handler_runs_in_the_span_of_its_request() {
    let _guard = tracing::subscriber::set_default(Registry::default());
    let app = app(&single().build().unwrap(), |_| async {
        let name = tracing::Span::current().metadata().map(tracing::Metadata::name);
        Response::new(Full::<Bytes>::from(name.unwrap_or("none")))
    });
    let span = tracing::info_span!("the request");
    assert_eq!(send_key(&app, "k").instrument(span).await.text(), "the request");
}
