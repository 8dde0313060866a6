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

#[cfg(test)]
mod tests {
    use super::LINEAR;
    use crate::vector::Vector;
    use crate::{Field, Refusal};

    fn vector(code: &str, body: &str) -> Vector {
        Vector::new(LINEAR, "lin_wh_secret").header("linear-signature", code).body(body)
    }

    /// Computed with Python's `hmac`; @linear/sdk finds the signature right.
    #[test]
    fn the_time_is_in_the_body() {
        let code = "fb38e9ff35fd25977da0e3b633343c1df4214ff53eab1d1e6b800bf93624300c";
        let body = r#"{"action":"create","webhookTimestamp":1800000000123}"#;
        vector(code, body).holds();
        vector(code, body).at(1_800_000_061).fails(Refusal::TooOld);
        vector(code, body).at(1_799_999_940).fails(Refusal::TooNew);
        // A header with a fresh time changes nothing.
        let replayed = vector(code, body).header("linear-timestamp", "1800009999000");
        replayed.at(1_800_009_999).fails(Refusal::TooOld);
    }

    #[test]
    fn a_body_without_a_time_is_refused_once_it_is_known_to_be_linears() {
        let code = "c94d8a63c3c8d9bb0fd2bd7b3ee0a0b0b38e8a32d9f4e3c29a1f6f5f0fa2f6b8";
        vector(code, "{}").fails(Refusal::Mismatch);
        let code = "451f912983620893321285f30f27adf8ea14dd17aa66023afb44d122b8f0a857";
        vector(code, "{}").fails(Refusal::Malformed(Field::Timestamp));
    }
}
