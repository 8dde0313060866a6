//! Events: that they are there, and what they tell.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::ready;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use stonework_versioning::{Header, Major, VersionLayer};
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
        if event.metadata().target() == "stonework_versioning" {
            let mut line = Line(format!("{} ", event.metadata().level()));
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

#[tokio::test]
async fn every_refusal_is_an_event_with_its_reason_and_without_what_was_sent() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(lines.clone()));
    let layer = VersionLayer::builder::<Major>()
        .version("1", |v| v)
        .read(Header::named("api-version"))
        .build()
        .unwrap();
    let service = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(http_body_util::Empty::<bytes::Bytes>::new())))
    }));
    for version in ["1", "2", "nonsense"] {
        let request = Request::get("/").header("api-version", version).body(()).unwrap();
        service.clone().oneshot(request).await.unwrap();
    }
    let lines = lines.0.lock().unwrap();
    assert_eq!(
        *lines,
        [
            "DEBUG message=refused reason=\"version-unsupported\" ",
            "DEBUG message=refused reason=\"version-malformed\" ",
        ]
    );
}
