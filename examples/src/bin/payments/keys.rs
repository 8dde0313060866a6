//! One effect and one answer per idempotency key.

use std::time::Duration;

use axum::http::{HeaderName, Method};
use stonework_idempotency::store::redis1::RedisStore;
use stonework_idempotency::{IdempotencyLayer, Keyring};

use crate::config::Failure;
use crate::connection::Redis;
use crate::ledger::Ledger;
use crate::{LARGEST_BODY, account, versions};

/// A retry is one in the same version: in another, the answer has another shape.
const VERSION: HeaderName = HeaderName::from_static(versions::HEADER);

const PREFIX: &str = "payments:idempotency:";

/// As the builder has it by default.
const LONGEST_RUN: Duration = Duration::from_secs(600);

/// An extension of a response that has a secret in it.
#[derive(Clone)]
pub(crate) struct ShownOnce;

/// A key belongs to the account that sends it. All else is as the builder has it by default: a
/// retry while the first request runs gets 409, and so does one whose outcome nobody knows. While
/// Redis is away, requests with keys get 503.
///
/// One answer has a secret that is shown once. With a ledger that processes share, they share a key too, and seal all
/// answers with it. Where they share Redis alone, that answer is not kept: a retry is another request.
pub(crate) async fn layer(
    ledger: &Ledger,
    redis: Option<Redis>,
    is_shared: bool,
    remember: Option<Duration>,
) -> Result<IdempotencyLayer, Failure> {
    let builder = IdempotencyLayer::builder();
    let builder = if is_shared || redis.is_none() {
        builder.seal(Keyring::new(1, &ledger.answers_key().await?))
    } else {
        builder.release_when(|parts| parts.extensions.get::<ShownOnce>().is_some())
    };
    let builder = builder
        .scope(account::scope)
        // There is no other that does anything; a PATCH with a key is a wrong method, and no more.
        .methods([Method::POST])
        .max_request_body(LARGEST_BODY)
        // One in the path or the query is part of the URI.
        .fingerprint_with(|head, input| input.header(head, &VERSION));
    let builder = match remember {
        // No run outlives its key.
        Some(time) => builder.retention(time).max_run(LONGEST_RUN.min(time / 2)),
        None => builder,
    };
    let builder = match redis {
        Some(redis) => builder
            .store_timeout(redis.within(400))
            .store(RedisStore::new(redis.connection).key_prefix(PREFIX)),
        None => builder,
    };
    builder.build().map_err(|errors| Failure::Config(errors.to_string()))
}
