use std::borrow::Cow;

use super::grammar::Grammar;
use super::hmac::{HmacScheme, Names, Part, SHA256_HEX};
use crate::Unit;
use crate::keys::SecretFormat;

/// Dropbox: `X-Dropbox-Signature` over the body. No time and no id is signed.
///
/// The body names the accounts in which something changed, and no more: two changes to one account are, byte for byte, one
/// notification. **A replay store takes the second for the first come again**, and keeps it from the handler for days. Say
/// [`danger_accept_replays`](crate::Sender::danger_accept_replays) of this sender; a notification that comes once more does
/// no more than to have the account looked at.
pub const DROPBOX: HmacScheme = HmacScheme {
    name: "dropbox",
    names: [Names::only("x-dropbox-signature"), None],
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
    use super::DROPBOX;
    use crate::vector::Vector;

    /// Computed from Dropbox's documentation with Python's `hmac`.
    #[test]
    fn the_construction_of_the_documentation() {
        let code = "f9fa8ef1b0aa5de0877bb66d008ad366e89c9cdc2a1ff8127de0d7084ec22a6f";
        Vector::new(DROPBOX, "dropbox app secret")
            .header("x-dropbox-signature", code)
            .body(r#"{"list_folder":{}}"#)
            .holds();
    }
}
