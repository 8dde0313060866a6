use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Stripe: `Stripe-Signature: t=…,v1=…` over `t.body`, with one `v1` for each secret of an endpoint.
///
/// The secret is the text as the dashboard shows it, `whsec_` included. `v0` is a test signature and is passed over.
/// Events are told apart by the `id` in the body, which is the same for all attempts.
pub const STRIPE: HmacScheme = HmacScheme {
    name: "stripe",
    names: [Names::only("stripe-signature"), None],
    grammar: Grammar::Pairs { separator: b',', time: "t", signature: "v1" },
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Timestamp, Part::Text("."), Part::Body]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: Some("id"),
    secret: SecretFormat::Verbatim,
    url: None,
};

#[cfg(test)]
mod tests {
    use super::STRIPE;
    use crate::scheme::Scheme;
    use crate::vector::Vector;
    use crate::{Field, Refusal};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const CODE: &str = "223dabacbd006b55dcfbfaef5407088fe5b0de46b5520473d72044f7fad910e9";

    fn vector(signature: &str) -> Vector {
        Vector::new(STRIPE, SECRET)
            .header("stripe-signature", signature)
            .body(r#"{"id":"evt_1","object":"event"}"#)
    }

    /// As stripe-python 16.1 signs it, and verifies it.
    #[test]
    fn the_vector_of_the_sdk() {
        vector(&format!("t=1800000000,v1={CODE}")).holds();
        vector(&format!("t=1800000000,v1={},v1={CODE},v0=abc", CODE.replace('2', "3"))).holds();
        let event = STRIPE.event(br#"{"id":"evt_1","object":"event"}"#);
        assert_eq!(event, Some(stonework_core::Key::from("evt_1")));
    }

    #[test]
    fn what_stripe_does_not_write_is_refused() {
        let malformed = Refusal::Malformed(Field::Signature);
        vector("").fails(malformed);
        vector("t=1800000000").fails(Refusal::NoKnownSignature);
        vector("t=1800000000,v0=abc").fails(Refusal::NoKnownSignature);
        vector(&format!("v1={CODE}")).fails(Refusal::Missing(Field::Timestamp));
        let twice = format!("t=1800000000,t=1800000001,v1={CODE}");
        vector(&twice).fails(Refusal::Repeated(Field::Timestamp));
        vector(&format!("t=+1800000000,v1={CODE}")).fails(Refusal::Malformed(Field::Timestamp));
        vector(&format!("t=1800000000 v1={CODE}")).fails(Refusal::Malformed(Field::Timestamp));
        vector(&format!("t=1800000000,v1={}", &CODE[1..])).fails(malformed);
        vector(&format!("t=1799999699,v1={CODE}")).fails(Refusal::TooOld);
        vector(&format!("t=1800000301,v1={CODE}")).fails(Refusal::TooNew);
        let many = format!("t=1800000000{}", ",v0=".repeat(17));
        vector(&many).fails(Refusal::TooManySignatures);
    }
}
