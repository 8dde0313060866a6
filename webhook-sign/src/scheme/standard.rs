use std::borrow::Cow;

use http::HeaderName;

use super::grammar::Grammar;
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part, SHA256_BASE64};
use crate::Unit;
use crate::keys::SecretFormat;

/// [Standard Webhooks] 1.0.0, and Svix: `webhook-signature: v1,…` over `id.timestamp.body`, or `svix-signature`.
///
/// Secrets begin with `whsec_`. With the feature `ed25519`, `v1a` signatures are checked with keys that begin with
/// `whpk_`, and made with keys that begin with `whsk_`. Where both sets of headers are there, as Svix sends them, the
/// standard's count.
///
/// [Standard Webhooks]: https://www.standardwebhooks.com/
pub const STANDARD: HmacScheme = HmacScheme {
    name: "standard",
    names: [names("webhook-signature", "webhook-id", "webhook-timestamp"), SVIX],
    grammar: Grammar::Versions { version: "v1", ed25519: "v1a" },
    kind: SHA256_BASE64,
    parts: Cow::Borrowed(&[
        Part::Id,
        Part::Text("."),
        Part::Timestamp,
        Part::Text("."),
        Part::Body,
    ]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: None,
    secret: SecretFormat::Standard,
    url: None,
};

const SVIX: Option<Names> = names("svix-signature", "svix-id", "svix-timestamp");

const fn names(
    signature: &'static str,
    id: &'static str,
    timestamp: &'static str,
) -> Option<Names> {
    Some(Names {
        signature: HeaderName::from_static(signature),
        id: Some(HeaderName::from_static(id)),
        timestamp: Some(HeaderName::from_static(timestamp)),
    })
}

#[cfg(test)]
mod tests {
    use super::STANDARD;
    use crate::vector::Vector;
    use crate::{Field, Refusal};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const CODE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";

    fn vector(secret: &str, signature: &str) -> Vector {
        Vector::new(STANDARD, secret)
            .at(1_614_265_330)
            .header("webhook-id", ID)
            .header("webhook-timestamp", "1614265330")
            .header("webhook-signature", signature)
            .body(r#"{"test": 2432232314}"#)
    }

    /// The vector of all reference libraries.
    #[test]
    fn the_vector_of_the_specification() {
        vector(SECRET, CODE).holds();
        vector(SECRET, &format!("v1,{} v2,what {CODE}", "A".repeat(43) + "=")).holds();
        assert_eq!(vector(SECRET, CODE).check().unwrap().id(), Some(ID));
    }

    #[test]
    fn svix_has_names_of_its_own() {
        let svix = Vector::new(STANDARD, SECRET)
            .at(1_614_265_330)
            .header("svix-id", ID)
            .header("svix-timestamp", "1614265330")
            .header("svix-signature", CODE)
            .body(r#"{"test": 2432232314}"#);
        svix.check().unwrap();
        // Names of both kinds are not mixed.
        svix.header("webhook-signature", CODE).fails(Refusal::Missing(Field::Id));
    }

    #[test]
    fn an_id_cannot_run_into_the_time() {
        let dotted = Vector::new(STANDARD, SECRET)
            .header("webhook-id", "msg.1614265330")
            .header("webhook-timestamp", "1614265330")
            .header("webhook-signature", CODE);
        dotted.fails(Refusal::Malformed(Field::Id));
    }

    /// Signed with PyNaCl 1.6.
    #[cfg(feature = "ed25519")]
    #[test]
    fn v1a_is_checked_with_a_public_key() {
        let code = "v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ==";
        let public = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
        vector(public, &format!("{CODE} {code}")).holds();
        vector(public, CODE).fails(Refusal::NoKnownSignature);
        vector(SECRET, code).fails(Refusal::NoKnownSignature);
    }
}
