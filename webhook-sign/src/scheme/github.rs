use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// GitHub: `X-Hub-Signature-256: sha256=…` over the body. Also what Meta, Bitbucket and others took over.
///
/// No time is signed, so a request that was captured fits for ever: keep a replay store. The delivery id in
/// `X-GitHub-Delivery` is not signed either, and is therefore not what requests are told apart by.
pub const GITHUB: HmacScheme = HmacScheme {
    name: "github",
    names: [Names::only("x-hub-signature-256"), None],
    grammar: Grammar::Prefixed("sha256="),
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
    use super::GITHUB;
    use crate::vector::Vector;

    #[test]
    fn the_vector_of_the_documentation() {
        Vector::new(GITHUB, "It's a Secret to Everybody")
            .header(
                "x-hub-signature-256",
                "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            )
            .body("Hello, World!")
            .holds();
    }
}
