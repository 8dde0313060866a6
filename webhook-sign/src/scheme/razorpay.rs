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

#[cfg(test)]
mod tests {
    use super::RAZORPAY;
    use crate::vector::Vector;

    /// razorpay-python 2.0 accepts it.
    #[test]
    fn the_vector_that_the_sdk_accepts() {
        let code = "b9498662cdac6e6a1a10b521ade6c2e38e978a42ec4b6507e9125a6081d3432d";
        Vector::new(RAZORPAY, "razorpay secret")
            .header("x-razorpay-signature", code)
            .body(r#"{"event":"payment.captured"}"#)
            .holds();
    }
}
