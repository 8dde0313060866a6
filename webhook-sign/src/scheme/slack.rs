use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Slack: `X-Slack-Signature: v0=…` over `v0:timestamp:body`. Events are told apart by `event_id`, where the body is
/// JSON.
pub const SLACK: HmacScheme = HmacScheme {
    name: "slack",
    names: [Names::timed("x-slack-signature", "x-slack-request-timestamp"), None],
    grammar: Grammar::Prefixed("v0="),
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Text("v0:"), Part::Timestamp, Part::Text(":"), Part::Body]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: Some("event_id"),
    secret: SecretFormat::Verbatim,
    url: None,
};
