use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Dropbox: `X-Dropbox-Signature` over the body. No time and no id is signed: keep a replay store.
pub const DROPBOX: HmacScheme = HmacScheme {
    name: "dropbox",
    names: [Names::only("x-dropbox-signature"), None],
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
