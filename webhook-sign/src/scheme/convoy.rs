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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CONVOY, CONVOY_ADVANCED};
    use crate::scheme::HmacScheme;
    use crate::vector::Vector;
    use crate::{Algorithm, Encoding, Field, Refusal};

    fn vector(scheme: HmacScheme, header: &str) -> Vector {
        Vector::new(scheme, "convoy-webhook-secret")
            .at(1_700_000_000)
            .header("x-convoy-signature", header)
            .body(r#"{"event":"charge.success","amount":1000,"currency":"NGN"}"#)
    }

    fn kinds(scheme: &HmacScheme) -> [HmacScheme; 4] {
        let sha512 = scheme.clone().algorithm(Algorithm::HmacSha512);
        [
            scheme.clone(),
            scheme.clone().encoding(Encoding::Base64),
            sha512.clone(),
            sha512.encoding(Encoding::Base64),
        ]
    }

    const HEX: &str = "77b8b9269f25a199846a55a2bd25b3fba151c70fdae60bb1dcd87fbbc943c55c";
    const OTHER: &str = "449623e4897bbde05e35358293f97b8c2f697367ffa3e7466e98178dfba44d19";

    /// Convoy's own vectors, but for those of its tolerance.
    #[test]
    fn what_is_valid() {
        let simple = [
            "244449b7f48cbc2709060c9dcdc2b3aa47a78f540430579015c579fb12defbb4",
            "JERJt/SMvCcJBgydzcKzqkenj1QEMFeQFcV5+xLe+7Q=",
            "6cc772dc81942ae1b5ffa91c3a6a07b0d37edc8dc6bd83e3518a219f1f19ff71ae1b76d6b320940d414c236a1aad7f7930b63e0f1928951955d31219545e1b66",
            "bMdy3IGUKuG1/6kcOmoHsNN+3I3GvYPjUYohnx8Z/3GuG3bWsyCUDUFMI2oarX95MLY+DxkolRlV0xIZVF4bZg==",
        ];
        for (scheme, code) in kinds(&CONVOY).into_iter().zip(simple) {
            vector(scheme, code).holds();
        }
        let advanced = [
            HEX,
            "d7i5Jp8loZmEalWivSWz+6FRxw/a5gux3Nh/u8lDxVw=",
            "b2122e252cd2582cf225cb2b8d4ceede9e34329e2fe95c02619c3ed5d4a3d9a73e6beaf2dff8e76d71a693ae198cee40685eed12ad4ee2e033dc2d0399ede057",
            "shIuJSzSWCzyJcsrjUzu3p40Mp4v6VwCYZw+1dSj2ac+a+ry3/jnbXGmk64ZjO5AaF7tEq1O4uAz3C0Dme3gVw==",
        ];
        for (scheme, code) in kinds(&CONVOY_ADVANCED).into_iter().zip(advanced) {
            vector(scheme, &format!("t=1700000000,v1={code}")).holds();
        }
        vector(CONVOY_ADVANCED, &format!("v1={HEX},t=1700000000")).holds();
        vector(CONVOY_ADVANCED, &format!("t=1700000000,v1={OTHER},v1={HEX}")).holds();
    }

    #[test]
    fn what_is_not_valid() {
        let fails = |header: &str, refusal| vector(CONVOY_ADVANCED, header).fails(refusal);
        fails(&format!("t=1700000000,v1={}0", &HEX[..63]), Refusal::Mismatch);
        fails(&format!("t=1700000000,v1={OTHER}"), Refusal::Mismatch);
        fails(&format!("t=Infinity,v1={HEX}"), Refusal::Malformed(Field::Timestamp));
        fails("t=1700000000,v1=1234567890", Refusal::Malformed(Field::Signature));
        fails(&format!("v1={HEX},v2={HEX}"), Refusal::Missing(Field::Timestamp));
        let scheme = CONVOY_ADVANCED.default_tolerance(Duration::from_secs(300));
        vector(scheme, &format!("t=1700000000,v1={HEX}")).at(1_700_000_301).fails(Refusal::TooOld);
        let changed = "244449b7f48cbc2709060c9dcdc2b3aa47a78f540430579015c579fb12defbb0";
        vector(CONVOY, changed).fails(Refusal::Mismatch);
    }
}
