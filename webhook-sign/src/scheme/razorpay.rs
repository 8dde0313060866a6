use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Razorpay: `X-Razorpay-Signature` over the body. No time and no id is signed: keep a replay store.
pub const RAZORPAY: HmacScheme = HmacScheme {
    name: "razorpay",
    names: [Names::only("x-razorpay-signature"), None],
    grammar: Grammar::Bare,
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Body]),
    unit: Unit::Seconds,
    tolerance: None,
    time_member: None,
    event_member: None,
    secret: SecretFormat::Verbatim,
    url: None,
};
