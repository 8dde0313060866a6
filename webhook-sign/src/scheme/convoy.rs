use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Convoy in its simple form: `X-Convoy-Signature` over the body. No time is signed: keep a replay store.
///
/// Header, hash and encoding are settings of a Convoy project; say so with
/// [`signature_header`](HmacScheme::signature_header), [`algorithm`](HmacScheme::algorithm) and
/// [`encoding`](HmacScheme::encoding).
pub const CONVOY: HmacScheme = HmacScheme {
    name: "convoy",
    names: [Names::only("x-convoy-signature"), None],
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

/// Convoy in its advanced form: `X-Convoy-Signature: t=…,v1=…` over `t,body`. The settings are those of [`CONVOY`].
pub const CONVOY_ADVANCED: HmacScheme = HmacScheme {
    name: "convoy",
    names: [Names::only("x-convoy-signature"), None],
    grammar: Grammar::Pairs { separator: b',', time: "t", signature: "v1" },
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Timestamp, Part::Text(","), Part::Body]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: None,
    secret: SecretFormat::Verbatim,
    url: None,
};
