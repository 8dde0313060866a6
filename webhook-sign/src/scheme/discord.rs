use std::borrow::Cow;

use super::grammar::{Grammar, Kind};
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part};
use crate::keys::SecretFormat;
use crate::{Algorithm, Encoding, Unit};

/// Discord's interactions: `X-Signature-Ed25519` over the timestamp and the body. Needs the feature `ed25519`.
///
/// The secret is the application's public key, in hexadecimal digits. Nothing stands between timestamp and body; what
/// keeps digits from moving is that the timestamp has to be fresh.
pub const DISCORD: HmacScheme = HmacScheme {
    name: "discord",
    names: [Names::timed("x-signature-ed25519", "x-signature-timestamp"), None],
    grammar: Grammar::Bare,
    kind: Kind { algorithm: Algorithm::Ed25519, encoding: Encoding::Hex },
    parts: Cow::Borrowed(&[Part::Timestamp, Part::Body]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: Some("id"),
    secret: SecretFormat::Ed25519Hex,
    url: None,
};
