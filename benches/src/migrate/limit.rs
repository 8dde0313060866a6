//! What no rewriter of text can do without: the text is checked and gone through once, and as many bytes are
//! written as were read. It edits nothing.

use serde::de::IgnoredAny;

pub(super) fn scan_and_copy(text: &[u8]) -> Option<Vec<u8>> {
    let checked = std::str::from_utf8(text).ok()?;
    let IgnoredAny = serde_json::from_str(checked).ok()?;
    Some(text.to_vec())
}
