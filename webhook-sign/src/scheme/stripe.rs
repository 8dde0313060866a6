use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Stripe: `Stripe-Signature: t=…,v1=…` over `t.body`, with one `v1` for each secret of an endpoint.
///
/// The secret is the text as the dashboard shows it, `whsec_` included. `v0` is a test signature and is passed over.
/// Events are told apart by the `id` in the body, which is the same for all attempts.
pub const STRIPE: HmacScheme = HmacScheme {
    name: "stripe",
    names: [Names::only("stripe-signature"), None],
    grammar: Grammar::Pairs { separator: b',', time: "t", signature: "v1" },
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Timestamp, Part::Text("."), Part::Body]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: Some("id"),
    secret: SecretFormat::Verbatim,
    url: None,
};
