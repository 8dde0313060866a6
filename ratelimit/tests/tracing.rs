//! Events: that they are there, and that they keep secrets.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(all(feature = "memory", feature = "tracing"))]

mod support;

use std::fmt::Debug;
use std::future::ready;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use stonework_core::StoreErrorKind;
use stonework_ratelimit::{Outage, RateLimitLayer};
use support::app::{app, by, get, ok, send};
use support::faulty::{Fault, Faulty};
use support::limits::{SECOND, policy, still};
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
        if event.metadata().target() == "stonework_ratelimit" {
            let mut line = Line(format!("{} ", event.metadata().level()));
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

#[tokio::test]
async fn every_rejection_is_an_event_with_its_reason_and_without_the_key() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(lines.clone()));
    let store = Faulty::new(still().1);
    let builder = RateLimitLayer::builder().store(store.clone()).on_outage(Outage::Closed);
    let app = ok(builder.policy(policy("a").burst(1)));
    send(&app, by("secret-key")).await;
    assert_eq!(lines.0.lock().unwrap().len(), 0, "what is granted is no event");
    send(&app, by("secret-key")).await;
    send(&app, get("/")).await;
    store.set(Fault::Fails(StoreErrorKind::Refused));
    send(&app, by("secret-key")).await;
    let lines = lines.0.lock().unwrap();
    let expected = [
        "DEBUG message=a request was rejected reason=\"quota-exceeded\"",
        "DEBUG message=a request was rejected reason=\"key-missing\"",
        "WARN message=the store of rate limits failed error=the store refused the operation",
        "DEBUG message=a request was rejected reason=\"store-unavailable\"",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_could_not_be_corrected_is_a_warning() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(lines.clone()));
    for (fault, expected) in [
        (Fault::Fails(StoreErrorKind::Refused), "the store refused the operation"),
        (Fault::FailsLate(StoreErrorKind::Refused), "the store refused the operation"),
        (Fault::Fails(StoreErrorKind::Unavailable), "the store could not be reached"),
        (Fault::Silent, "the store did not answer in time"),
    ] {
        let store = Faulty::new(still().1);
        let builder = RateLimitLayer::builder().store(store.clone()).refund_when(|_| true);
        let app = app(&builder.policy(policy("a")).build().unwrap(), move |_| {
            // Granted, and then it goes away.
            store.set(fault);
            ready(Response::new(Full::<Bytes>::default()))
        });
        assert!(send(&app, by("secret-key")).await.is_ok());
        tokio::time::sleep(60 * SECOND).await;
        let told = std::mem::take(&mut *lines.0.lock().unwrap());
        let message = format!("WARN message=a charge could not be corrected error={expected} ");
        assert_eq!(told, [message], "{fault:?}");
    }
}
