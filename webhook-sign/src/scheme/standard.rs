use std::borrow::Cow;

use http::HeaderName;

use super::grammar::Grammar;
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part, SHA256_BASE64};
use crate::Unit;
use crate::keys::SecretFormat;

/// [Standard Webhooks] 1.0.0, and Svix: `webhook-signature: v1,…` over `id.timestamp.body`, or `svix-signature`.
///
/// Secrets begin with `whsec_`. With the feature `ed25519`, `v1a` signatures are checked with keys that begin with
/// `whpk_`, and made with keys that begin with `whsk_`. Where both sets of headers are there, as Svix sends them, the
/// standard's count.
///
/// [Standard Webhooks]: https://www.standardwebhooks.com/
pub const STANDARD: HmacScheme = HmacScheme {
    name: "standard",
    names: [names("webhook-signature", "webhook-id", "webhook-timestamp"), SVIX],
    grammar: Grammar::Versions { version: "v1", ed25519: "v1a" },
    kind: SHA256_BASE64,
    parts: Cow::Borrowed(&[
        Part::Id,
        Part::Text("."),
        Part::Timestamp,
        Part::Text("."),
        Part::Body,
    ]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: None,
    secret: SecretFormat::Standard,
    url: None,
};

const SVIX: Option<Names> = names("svix-signature", "svix-id", "svix-timestamp");

const fn names(
    signature: &'static str,
    id: &'static str,
    timestamp: &'static str,
) -> Option<Names> {
    Some(Names {
        signature: HeaderName::from_static(signature),
        id: Some(HeaderName::from_static(id)),
        timestamp: Some(HeaderName::from_static(timestamp)),
    })
}
