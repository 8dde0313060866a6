//! Step 3: no client takes what belongs to the others.

use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, map_request};
use stonework_core::{Key, RequestHead};
use stonework_ratelimit::{ClientIp, Policy, RateLimitLayer};
use tower::ServiceBuilder;

use crate::Error;
use crate::account::{account, identify, require};
use crate::bare::routes;
use crate::charges::Charges;
use crate::idempotency::idempotency;

pub(crate) fn policy() -> Policy {
    Policy::new("requests").rate(100).per(Duration::from_secs(60)).burst(20).key(client)
}

/// The account, or the address of those who have none. No account is named like an address.
fn client(head: &RequestHead<'_>) -> Option<Key> {
    match account(head) {
        Some(account) => Some(Key::copy_from_slice(&[b"account:", account.as_bytes()].concat())),
        None => ClientIp::peer().key(head),
    }
}

pub(crate) async fn app() -> Result<Router, Error> {
    let layers = ServiceBuilder::new()
        .layer(map_request(identify))
        .layer(RateLimitLayer::builder().policy(policy()).build()?)
        .layer(from_fn(require))
        .layer(idempotency()?);
    Ok(routes(Charges::open().await?).layer(layers))
}
