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

#[cfg(all(test, feature = "ed25519"))]
mod tests {
    use super::DISCORD;
    use crate::vector::Vector;

    /// Signed with PyNaCl 1.6; discord-interactions for Node verifies it.
    #[test]
    fn the_vector_that_the_sdk_accepts() {
        let key = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
        let code = "1626c3181ae1a781d957b7e369e60f8a553d37a6e575d2117056bf0c6ea03ae3\
            867d398d8a23983498c7a6ee6e45026100ecf67dc90a2ced6b33553bbc99a807";
        Vector::new(DISCORD, key)
            .header("x-signature-timestamp", "1800000000")
            .header("x-signature-ed25519", code)
            .body(r#"{"type":1,"id":"100"}"#)
            .holds();
    }
}
