//! Events: that they are there, and what they tell.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::ready;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use stonework_pagination::{AnyPage, Cursors, Keys, PageError, PageLayer};
use tower::{Layer as _, ServiceExt, service_fn};
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
        if event.metadata().target() == "stonework_pagination" {
            let mut line = Line(format!("{} ", event.metadata().level()));
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

/// What is wrong with a cursor is told here and nowhere else.
#[tokio::test]
async fn every_refusal_is_an_event_with_its_reason_and_without_what_was_sent() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(lines.clone()));
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
    let lines = lines.0.lock().unwrap();
    assert_eq!(
        *lines,
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
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(lines.clone()));
    assert!(AnyPage::of(&http::Extensions::new()).is_err());
    let error = PageError::internal("the disk is full");
    assert!(!error.to_string().contains("disk"));
    assert_eq!(
        *lines.0.lock().unwrap(),
        [
            "DEBUG message=refused reason=\"page-misused\" error=there is no PageLayer around ",
            "DEBUG message=refused reason=\"page-misused\" error=the disk is full ",
        ]
    );
}
