use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{HmacScheme, Names, Part, SHA256_BASE64};
use super::public_url::PublicUrl;
use crate::Unit;
use crate::keys::SecretFormat;

/// Square: `x-square-hmacsha256-signature` over the URL of the subscription and the body, in Base64.
///
/// The URL is the one that the subscription names, to the letter. No time is signed; events are told apart by
/// `event_id`.
pub fn square(notification_url: impl Into<String>) -> HmacScheme {
    HmacScheme {
        name: "square",
        names: [Names::only("x-square-hmacsha256-signature"), None],
        grammar: Grammar::Bare,
        kind: SHA256_BASE64,
        parts: Cow::Borrowed(&[Part::Url, Part::Body]),
        unit: Unit::Seconds,
        tolerance: None,
        time_member: None,
        event_member: Some("event_id"),
        secret: SecretFormat::Verbatim,
        url: Some(PublicUrl::exact(notification_url)),
    }
}

#[cfg(test)]
mod tests {
    use super::square;
    use crate::vector::Vector;

    #[test]
    fn the_vector_that_the_sdk_accepts() {
        Vector::new(square("https://example.com/webhook"), "asdf1234")
            .header("x-square-hmacsha256-signature", "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=")
            .body(r#"{"hello":"world"}"#)
            .holds();
    }
}
