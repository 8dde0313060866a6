use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{HmacScheme, Names, Part, SHA256_BASE64};
use crate::Unit;
use crate::keys::SecretFormat;

/// Shopify: `X-Shopify-Hmac-Sha256` over the body, in Base64; newer events have `shopify-hmac-sha256`.
///
/// No time is signed, nor is `X-Shopify-Event-Id`: keep a replay store.
pub const SHOPIFY: HmacScheme = HmacScheme {
    name: "shopify",
    names: [Names::only("x-shopify-hmac-sha256"), Names::only("shopify-hmac-sha256")],
    grammar: Grammar::Bare,
    kind: SHA256_BASE64,
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
    use super::SHOPIFY;
    use crate::vector::Vector;

    /// Computed with Python's `hmac`.
    #[test]
    fn both_headers_are_read() {
        for header in ["x-shopify-hmac-sha256", "shopify-hmac-sha256"] {
            Vector::new(SHOPIFY, "shpss_0123456789abcdef")
                .header(header, "WgzR7rq62vUNCmcicvvYrYZJZaD2hIzKWpcvIVtnpEg=")
                .body(r#"{"id":820982911946154508}"#)
                .holds();
        }
    }
}
