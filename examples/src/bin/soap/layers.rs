//! Who may send how many messages, in which version, and that each happens once. All that these refuse is a fault.

use stonework_core::{Key, RequestHead};
use stonework_idempotency::IdempotencyLayer;
use stonework_ratelimit::{ClientIp, Policy, RateLimitLayer};
use stonework_versioning::{Major, PathSegment, VersionLayer};

use crate::account::{self, Account};
use crate::env::{Failure, Rate};
use crate::envelope::{Message, Operation};
use crate::fault;
use crate::read::LARGEST_BODY;

/// For the account, or the address of those who have none.
pub(crate) fn limits(rate: Rate) -> Result<RateLimitLayer, Failure> {
    let policy = Policy::new("messages").rate(rate.many).per(rate.per).key(client);
    RateLimitLayer::builder()
        .policy(policy)
        .render(|_, problem, _| fault::of(problem))
        .build()
        .map_err(|errors| Failure::Config(errors.to_string()))
}

fn client(head: &RequestHead<'_>) -> Option<Key> {
    match head.extensions.get::<Account>() {
        Some(account) => Some(Key::copy_from_slice(&[b"a", account.name().as_bytes()].concat())),
        None => ClientIp::peer()
            .key(head)
            .map(|address| Key::copy_from_slice(&[b"i", address.as_bytes()].concat())),
    }
}

/// A client of SOAP that sends a message again does so under the same `wsa:MessageID`: so that is its key. Those who cannot
/// write one may send the header instead, which counts if both are there.
pub(crate) fn idempotency() -> Result<IdempotencyLayer, Failure> {
    IdempotencyLayer::builder()
        .scope(account::owner)
        .key_with(key)
        .skip_when(|head| !writes(head))
        .max_request_body(LARGEST_BODY)
        .render(|_, problem, _| fault::of(problem))
        .build()
        .map_err(|errors| Failure::Config(errors.to_string()))
}

fn key(head: &RequestHead<'_>) -> Option<Key> {
    let header = head.headers.get("idempotency-key");
    let header = header.map(|value| Key::copy_from_slice(value.as_bytes()));
    header.or_else(|| head.extensions.get::<Message>()?.id.as_ref().map(Key::from))
}

fn writes(head: &RequestHead<'_>) -> bool {
    let message = head.extensions.get::<Message>();
    message.is_some_and(|message| matches!(message.operation, Operation::Transfer { .. }))
}

/// One so far: `/v1/soap`.
pub(crate) fn versions() -> Result<VersionLayer, Failure> {
    VersionLayer::builder::<Major>()
        .version("1", |v| v)
        .read(PathSegment::first().strip(true))
        .render(|_, problem, _| fault::of(problem))
        .build()
        .map_err(|errors| Failure::Config(errors.to_string()))
}
