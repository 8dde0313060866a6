//! How much a client may ask for.

use axum::http::Method;
use stonework_core::{Key, RequestHead};
use stonework_ratelimit::store::redis1::RedisStore;
use stonework_ratelimit::{ClientIp, Concurrency, Outage, Policy, RateLimitLayer};

use crate::account::Account;
use crate::config::Failure;
use crate::connection::Redis;
use crate::rate::Rate;

const PREFIX: &str = "jobs:ratelimit:";

/// Requests with a body that one client may have under way. All together they have more places, so that nobody fills
/// these with images that never arrive.
const UPLOADS_EACH: u32 = 16;

/// Limits, the same for all. While Redis is away, each process counts by itself.
pub(crate) fn layer(rate: Rate, redis: Option<Redis>) -> Result<RateLimitLayer, Failure> {
    let policy = Policy::new("requests").rate(rate.requests()).per(rate.per()).key(client);
    let uploads = Concurrency::new("uploads").at_most(UPLOADS_EACH).key(client);
    let uploads = uploads.only(|head| *head.method == Method::POST);
    let builder = RateLimitLayer::builder().policy(policy).concurrency(uploads);
    let builder = match redis {
        Some(redis) => builder
            .store_timeout(redis.within(100))
            .store(RedisStore::new(redis.connection).key_prefix(PREFIX))
            .on_outage(Outage::LocalFallback { nodes: 1 }),
        None => builder,
    };
    builder.build().map_err(Failure::config)
}

/// Whom a request counts for: the account, or the address of those who have none.
///
/// A real service, which knows good tokens from bad ones, counts the bad ones for the address.
fn client(head: &RequestHead<'_>) -> Option<Key> {
    match head.extensions.get::<Account>() {
        Some(account) => Some(key(b'a', account.name().as_bytes())),
        // Of the one who connects: no header is believed.
        None => ClientIp::peer().key(head).map(|address| key(b'i', address.as_bytes())),
    }
}

/// Keys of another kind are other keys, whatever an account calls itself.
fn key(kind: u8, of: &[u8]) -> Key {
    Key::copy_from_slice(&[&[kind], of].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_rate_makes_a_layer() {
        for text in ["1/s", "1/h", "4294967295/s", "4294967295/h"] {
            assert!(layer(text.parse().unwrap(), None).is_ok(), "{text}");
        }
        assert!(layer(Rate::GENEROUS, None).unwrap().warnings().is_empty());
    }
}
