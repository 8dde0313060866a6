use std::borrow::Cow;
use std::time::Duration;

use super::grammar::Grammar;
use super::hmac::{HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Paddle Billing: `Paddle-Signature: ts=…;h1=…` over `ts:body`, at most 5 s from now.
///
/// Five seconds are what Paddle's own SDKs allow; a slow network or clock may need more. Events are told apart by
/// `event_id`.
pub const PADDLE: HmacScheme = HmacScheme {
    name: "paddle",
    names: [Names::only("paddle-signature"), None],
    grammar: Grammar::Pairs { separator: b';', time: "ts", signature: "h1" },
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Timestamp, Part::Text(":"), Part::Body]),
    unit: Unit::Seconds,
    tolerance: Some(Duration::from_secs(5)),
    time_member: None,
    event_member: Some("event_id"),
    secret: SecretFormat::Verbatim,
    url: None,
};
