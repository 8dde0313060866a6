//! Events: that they are there, and that they keep secrets.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(all(feature = "memory", feature = "tracing"))]

#[path = "../../core/tests/support/lines.rs"]
mod lines;
mod support;

use std::future::ready;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use lines::Lines;
use stonework_core::StoreErrorKind;
use stonework_ratelimit::{Outage, RateLimitLayer};
use support::app::{app, by, get, ok, send};
use support::faulty::{Fault, Faulty};
use support::limits::{SECOND, policy, still};

#[tokio::test]
async fn every_rejection_is_an_event_with_its_reason_and_without_the_key() {
    let (lines, _guard) = Lines::of("stonework_ratelimit");
    let store = Faulty::new(still().1);
    let builder = RateLimitLayer::builder().store(store.clone()).on_outage(Outage::Closed);
    let app = ok(builder.policy(policy("a").burst(1)));
    send(&app, by("secret-key")).await;
    assert_eq!(lines.take().len(), 0, "what is granted is no event");
    send(&app, by("secret-key")).await;
    send(&app, get("/")).await;
    store.set(Fault::Fails(StoreErrorKind::Refused));
    send(&app, by("secret-key")).await;
    let lines = lines.take();
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
    let (lines, _guard) = Lines::of("stonework_ratelimit");
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
        let told = lines.take();
        let message = format!("WARN message=a charge could not be corrected error={expected} ");
        assert_eq!(told, [message], "{fault:?}");
    }
}
