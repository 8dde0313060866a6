use std::borrow::Cow;
use std::time::Duration;

use super::grammar::Grammar;
use super::hmac::{HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Linear: `linear-signature` over the body, whose `webhookTimestamp` is at most a minute from now.
///
/// The header `linear-timestamp` is not signed, and not looked at: with a new one an old body would pass.
pub const LINEAR: HmacScheme = HmacScheme {
    name: "linear",
    names: [Names::only("linear-signature"), None],
    grammar: Grammar::Bare,
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Body]),
    unit: Unit::Millis,
    tolerance: Some(Duration::from_secs(60)),
    time_member: Some("webhookTimestamp"),
    event_member: None,
    secret: SecretFormat::Verbatim,
    url: None,
};
