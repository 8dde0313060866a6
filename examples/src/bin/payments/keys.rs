//! One effect and one answer per idempotency key.

use axum::http::HeaderName;
use redis::aio::ConnectionManager;
use stonework_idempotency::IdempotencyLayer;
use stonework_idempotency::store::redis1::RedisStore;

use crate::config::Failure;
use crate::{LARGEST_BODY, account, versions};

/// A retry is one in the same version: in another, the answer has another shape.
const VERSION: HeaderName = HeaderName::from_static(versions::HEADER);

const PREFIX: &str = "payments:idempotency:";

/// A key belongs to the account that sends it. All else is as the builder has it by default: a
/// retry while the first request runs gets 409, and so does one whose outcome nobody knows. While
/// Redis is away, requests with keys get 503.
pub(crate) fn layer(redis: Option<ConnectionManager>) -> Result<IdempotencyLayer, Failure> {
    let builder = IdempotencyLayer::builder()
        .scope(account::scope)
        .max_request_body(LARGEST_BODY)
        // One in the path or the query is part of the URI.
        .fingerprint_with(|head, input| input.header(head, &VERSION));
    let builder = match redis {
        Some(connection) => builder.store(RedisStore::new(connection).key_prefix(PREFIX)),
        None => builder,
    };
    builder.build().map_err(|errors| Failure::Config(errors.to_string()))
}
