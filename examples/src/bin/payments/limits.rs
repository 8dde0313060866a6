//! How much a client may ask for.

use stonework_core::{Key, RequestHead};
use stonework_ratelimit::store::redis1::RedisStore;
use stonework_ratelimit::{ClientIp, Outage, Policy, RateLimitLayer};

use crate::account::Account;
use crate::config::Failure;
use crate::connection::Redis;
use crate::rate::Rate;

const PREFIX: &str = "payments:ratelimit:";

/// Below this path other services call, and any of them may send any token.
const WEBHOOKS: &str = "/webhooks/";

/// One limit, the same for all. While Redis is away, each process counts by itself.
pub(crate) fn layer(rate: Rate, redis: Option<Redis>) -> Result<RateLimitLayer, Failure> {
    layer_of("requests", rate, PREFIX, redis)
}

pub(crate) fn layer_of(
    policy: &'static str,
    rate: Rate,
    prefix: &str,
    redis: Option<Redis>,
) -> Result<RateLimitLayer, Failure> {
    let policy = Policy::new(policy).rate(rate.requests()).per(rate.per()).key(client);
    let builder = RateLimitLayer::builder().policy(policy);
    let builder = match redis {
        Some(redis) => builder
            .store_timeout(redis.within(100))
            .store(RedisStore::new(redis.connection).key_prefix(prefix))
            .on_outage(Outage::LocalFallback { nodes: 1 }),
        None => builder,
    };
    builder.build().map_err(|errors| Failure::Config(errors.to_string()))
}

/// Whom a request counts for: the account, or the address of those who have none.
///
/// A real service, which knows good tokens from bad ones, counts the bad ones for the address.
fn client(head: &RequestHead<'_>) -> Option<Key> {
    match head.extensions.get::<Account>() {
        Some(account) if !head.uri.path().starts_with(WEBHOOKS) => {
            Some(key(b'a', account.name().as_bytes()))
        }
        // Of the one who connects: no header is believed.
        _ => ClientIp::peer().key(head).map(|address| key(b'i', address.as_bytes())),
    }
}

/// Keys of another kind are other keys, whatever an account calls itself.
fn key(kind: u8, of: &[u8]) -> Key {
    Key::copy_from_slice(&[&[kind], of].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    use axum::extract::{ConnectInfo, Request};
    use axum::http::HeaderValue;

    #[test]
    fn any_rate_makes_a_layer() {
        for text in ["1/s", "1/h", "4294967295/s", "4294967295/h"] {
            assert!(layer(text.parse().unwrap(), None).is_ok(), "{text}");
        }
        assert!(layer(Rate::GENEROUS, None).unwrap().warnings().is_empty());
    }

    /// The key of a request from this address, with this token.
    fn counted(peer: &str, path: &str, token: Option<&str>) -> Key {
        let mut request = Request::new(());
        *request.uri_mut() = path.parse().unwrap();
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(token) = token {
            request.extensions_mut().insert(Account::named(token));
        }
        let forged = HeaderValue::from_static("6.6.6.6");
        request.headers_mut().insert("x-forwarded-for", forged);
        client(&RequestHead::of(&request)).unwrap()
    }

    #[test]
    fn an_account_counts_as_one_wherever_it_is() {
        let alice = counted("192.0.2.1", "/v1/account", Some("alice"));
        assert_eq!(alice, counted("2001:db8::7", "/v1/transfers", Some("alice")));
        assert_ne!(alice, counted("192.0.2.1", "/v1/account", Some("bob")));
        assert_ne!(alice, counted("192.0.2.1", "/v1/account", None));
    }

    #[test]
    fn strangers_count_by_address_and_in_ipv6_by_network() {
        let stranger = |peer| counted(peer, "/", None);
        assert_eq!(stranger("192.0.2.1"), stranger("::ffff:192.0.2.1"));
        assert_ne!(stranger("192.0.2.1"), stranger("192.0.2.2"));
        assert_eq!(stranger("2001:db8::1"), stranger("2001:db8::ffff:0:1"));
        assert_ne!(stranger("2001:db8::1"), stranger("2001:db8:0:1::1"));
    }

    #[test]
    fn below_webhooks_accounts_count_by_address_too() {
        let stranger = counted("192.0.2.1", "/", None);
        assert_eq!(counted("192.0.2.1", "/webhooks/bank", Some("alice")), stranger);
        assert_eq!(counted("192.0.2.1", "/webhooks/", Some("bob")), stranger);
        for path in ["/webhooks", "/webhooksy/x", "/v1/webhooks/x"] {
            assert_ne!(counted("192.0.2.1", path, Some("alice")), stranger, "{path}");
        }
    }

    #[test]
    fn no_account_has_the_name_of_an_address() {
        // The address 48.48.48.48 is four zeros as text.
        assert_ne!(counted("48.48.48.48", "/", None), counted("192.0.2.1", "/", Some("0000")));
        assert_ne!(counted("48.48.48.48", "/", None), counted("192.0.2.1", "/", Some("i0000")));
    }
}
