use std::borrow::Cow;
use std::time::Duration;

use super::grammar::Grammar;
use super::hmac::{HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Paddle Billing: `Paddle-Signature: ts=…;h1=…` over `ts:body`, at most 5 s from now.
///
/// Five seconds are what Paddle's own SDKs allow; a slow network or clock may need more. Events are told apart by
/// `event_id`.
pub const PADDLE: HmacScheme = HmacScheme {
    name: "paddle",
    names: [Names::only("paddle-signature"), None],
    grammar: Grammar::Pairs { separator: b';', time: "ts", signature: "h1" },
    kind: SHA256_HEX,
    parts: Cow::Borrowed(&[Part::Timestamp, Part::Text(":"), Part::Body]),
    unit: Unit::Seconds,
    tolerance: Some(Duration::from_secs(5)),
    time_member: None,
    event_member: Some("event_id"),
    secret: SecretFormat::Verbatim,
    url: None,
};

#[cfg(test)]
mod tests {
    use super::PADDLE;
    use crate::Refusal;
    use crate::vector::Vector;

    const CODE: &str = "34dcd9dab4b739c799ea6fdec433d69b7c302afe319cb86f6a6865836c2a5787";

    fn vector(signature: &str) -> Vector {
        Vector::new(PADDLE, "pdl_ntfset_secret")
            .header("paddle-signature", signature)
            .body(r#"{"event_id":"evt_01h"}"#)
    }

    /// Computed with Python's `hmac`, as Paddle's SDK does it.
    #[test]
    fn the_construction_of_the_sdk() {
        vector(&format!("ts=1800000000;h1={CODE}")).holds();
        vector(&format!("ts=1800000000;h1={};h1={CODE}", CODE.replace('3', "4"))).holds();
        let late = vector(&format!("ts=1800000000;h1={CODE}")).at(1_800_000_006);
        late.fails(Refusal::TooOld);
    }
}
