//! What is wrong with a configuration, and what may surprise.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::time::Duration;

use stonework_webhook_delivery::egress::EgressGuard;
use stonework_webhook_delivery::store::MemoryOutbox;
use stonework_webhook_delivery::{Delivery, MemoryEndpoints, Policy, Warning};

#[test]
fn the_defaults_are_fine() {
    let delivery =
        Delivery::builder().endpoints(MemoryEndpoints::new()).outbox(MemoryOutbox::new());
    assert_eq!(delivery.deny_warnings().build().unwrap().warnings(), []);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let errors = Delivery::builder()
        .concurrency(0)
        .per_endpoint(0)
        .lease(Duration::ZERO)
        .poll_every(Duration::ZERO)
        .policy(Policy::standard().attempt_timeout(Duration::ZERO))
        .build()
        .unwrap_err();
    let settings = ["concurrency", "per_endpoint", "lease", "poll_every", "attempt_timeout"];
    for setting in settings.into_iter().chain(["endpoints"]) {
        assert!(errors.iter().any(|error| error.setting == setting), "{setting}: {errors}");
    }
    assert_eq!(errors.as_slice().len(), settings.len() + 1, "{errors}");
}

#[test]
fn surprises_are_warned_of() {
    let delivery = Delivery::builder()
        .endpoints(MemoryEndpoints::new())
        .lease(Duration::from_secs(1))
        .keep_delivered(Duration::from_secs(60))
        .build()
        .unwrap();
    let warnings = [
        Warning::NoOutbox,
        Warning::ShortLease(Duration::from_secs(1)),
        Warning::ShortKeep(Duration::from_secs(60)),
    ];
    assert_eq!(delivery.warnings(), warnings);
    for warning in warnings {
        assert!(warning.to_string().contains(';'), "names the remedy: {warning}");
    }
}

#[test]
fn a_guard_beside_a_client_that_has_one_is_a_mistake() {
    let client = stonework_webhook_delivery::client::HttpClient::builder().build().unwrap();
    let errors = Delivery::builder()
        .endpoints(MemoryEndpoints::new())
        .outbox(MemoryOutbox::new())
        .http_client(client)
        .guard(EgressGuard::new())
        .build()
        .unwrap_err();
    assert_eq!(errors.as_slice()[0].setting, "guard");
}
