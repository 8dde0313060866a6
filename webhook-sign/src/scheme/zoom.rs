use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{FIVE_MINUTES, HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Zoom: `x-zm-signature: v0=…` over `v0:timestamp:body`.
pub const ZOOM: HmacScheme = HmacScheme {
    name: "zoom",
    names: [Names::timed("x-zm-signature", "x-zm-request-timestamp"), None],
    grammar: Grammar::Prefixed("v0="),
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Text("v0:"), Part::Timestamp, Part::Text(":"), Part::Body]),
    unit: Unit::Seconds,
    tolerance: FIVE_MINUTES,
    time_member: None,
    event_member: None,
    secret: SecretFormat::Verbatim,
    url: None,
};

#[cfg(test)]
mod tests {
    use super::ZOOM;
    use crate::vector::Vector;

    /// Computed from Zoom's documentation with Python's `hmac`; Zoom publishes no SDK that verifies.
    #[test]
    fn the_construction_of_the_documentation() {
        let code = "v0=ad2bfafcf532c81f94edce5b0655143bfa83e89a1d0d0953ec2d3eb4914d6b73";
        Vector::new(ZOOM, "zoom secret token")
            .header("x-zm-request-timestamp", "1800000000")
            .header("x-zm-signature", code)
            .body(r#"{"event":"meeting.started"}"#)
            .holds();
    }
}
