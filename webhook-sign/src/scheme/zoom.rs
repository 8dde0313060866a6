use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Zoom: `x-zm-signature: v0=…` over `v0:timestamp:body`.
pub const ZOOM: HmacScheme = HmacScheme {
    name: "zoom",
    names: [Names::timed("x-zm-signature", "x-zm-request-timestamp"), None],
    grammar: Grammar::Prefixed("v0="),
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Text("v0:"), Part::Timestamp, Part::Text(":"), Part::Body]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: None,
    secret: SecretFormat::Verbatim,
    url: None,
};
