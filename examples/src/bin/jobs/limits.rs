//! How much a client may ask for.

use std::str::FromStr;
use std::time::Duration;

use redis::aio::ConnectionManager;
use stonework_core::{Key, RequestHead};
use stonework_ratelimit::store::redis1::RedisStore;
use stonework_ratelimit::{ClientIp, Outage, Policy, RateLimitLayer};

use crate::account::Account;
use crate::config::Failure;

const PREFIX: &str = "jobs:ratelimit:";

/// So many requests per unit of time, and as many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    requests: u32,
    per: Duration,
}

impl Rate {
    /// What no client reaches by hand, nor by fifty at once that do not wait between two tries.
    pub(crate) const GENEROUS: Self = Self { requests: 10_000, per: Duration::from_secs(1) };
}

/// Not a rate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRate;

impl FromStr for Rate {
    type Err = NoRate;

    fn from_str(text: &str) -> Result<Self, NoRate> {
        let (number, unit) = text.split_once('/').ok_or(NoRate)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return Err(NoRate),
        };
        // `parse` would take a sign.
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        match number.parse() {
            Ok(requests) if digits && requests > 0 => {
                Ok(Self { requests, per: Duration::from_secs(seconds) })
            }
            _ => Err(NoRate),
        }
    }
}

/// One limit, the same for all. While Redis is away, each process counts by itself.
pub(crate) fn layer(
    rate: Rate,
    redis: Option<ConnectionManager>,
) -> Result<RateLimitLayer, Failure> {
    let policy = Policy::new("requests").rate(rate.requests).per(rate.per).key(client);
    let builder = RateLimitLayer::builder().policy(policy);
    let builder = match redis {
        Some(connection) => builder
            .store(RedisStore::new(connection).key_prefix(PREFIX))
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

    fn rate(text: &str) -> Option<(u32, u64)> {
        text.parse::<Rate>().ok().map(|rate| (rate.requests, rate.per.as_secs()))
    }

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        assert_eq!(rate("1/s"), Some((1, 1)));
        assert_eq!(rate("30/m"), Some((30, 60)));
        assert_eq!(rate("4294967295/h"), Some((u32::MAX, 3_600)));
        assert_eq!(rate("007/h"), Some((7, 3_600)), "leading zeros change nothing");
    }

    #[test]
    fn all_else_is_no_rate() {
        for text in [
            "",
            "/",
            "5",
            "5/",
            "/s",
            "0/s",
            "000/s",
            "-1/s",
            "+1/s",
            "1 /s",
            " 1/s",
            "1/s ",
            "1/ s",
            "5/d",
            "5/S",
            "5/sec",
            "1/s/s",
            "1.5/s",
            "1e3/s",
            "0x5/s",
            "1_000/s",
            "٣/s",
            "４/s",
            "4294967296/s",
            "99999999999999999999/s",
        ] {
            assert_eq!(rate(text), None, "{text:?}");
        }
    }

    #[test]
    fn any_rate_makes_a_layer() {
        for text in ["1/s", "1/h", "4294967295/s", "4294967295/h"] {
            assert!(layer(text.parse().unwrap(), None).is_ok(), "{text}");
        }
        assert!(layer(Rate::GENEROUS, None).unwrap().warnings().is_empty());
    }
}
