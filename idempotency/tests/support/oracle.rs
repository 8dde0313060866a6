//! A second opinion on keys, by the crate `sfv`.

use sfv::{BareItem, Item, ItemSerializer, Parser, StringRef};
use stonework_idempotency::{KeyError, fuzz};

/// Reads bytes as a key, twice, and says whether they are one.
///
/// # Panics
///
/// When the two parsers differ in more than we mean them to.
pub(crate) fn key(bytes: &[u8]) -> bool {
    // HTTP's: whitespace around a field value is no part of it.
    let value = bytes.trim_ascii();
    let ours = fuzz::key(bytes);
    if let Some(text) = string(value) {
        let expected = match text.len() {
            0 => Err(KeyError::Empty),
            1..=255 => Ok(text),
            _ => Err(KeyError::TooLong),
        };
        assert_eq!(ours, expected, "sfv reads another key");
    }
    let Ok(key) = ours else { return false };
    if value.starts_with(b"\"") {
        let text = string(&without_values(value));
        assert_eq!(text.as_deref(), Some(&key[..]), "sfv reads no such key");
    } else {
        assert_eq!(key, value, "a bare key is itself");
        assert!(!key.iter().any(|b| b" \",;".contains(b)), "a bare key could be a list");
    }
    let text = str::from_utf8(&key).expect("a key that is not ASCII");
    let text = StringRef::from_str(text).expect("a key that no string can hold");
    let written = ItemSerializer::new().bare_item(text).finish();
    assert_eq!(fuzz::key(written.as_bytes()), Ok(key), "another key when sfv writes it");
    true
}

/// The text, if the value is a String item.
fn string(value: &[u8]) -> Option<Vec<u8>> {
    match Parser::new(value).parse::<Item>().ok()?.bare_item {
        BareItem::String(text) => Some(text.as_str().into()),
        _ => None,
    }
}

/// Writes 1 for the values of parameters that are no strings: we skip them without asking whether,
/// say, a number has too many digits.
fn without_values(value: &[u8]) -> Vec<u8> {
    let (mut quoted, mut escaped) = (false, false);
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        out.push(byte);
        rest = after;
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'=' if !quoted && after.first() != Some(&b'"') => {
                let end = end_of_value(after);
                if end > 0 {
                    out.push(b'1');
                }
                rest = &after[end..];
            }
            _ => {}
        }
    }
    out
}

fn end_of_value(rest: &[u8]) -> usize {
    if let Some(display) = rest.strip_prefix(b"%\"") {
        return display.iter().position(|&b| b == b'"').map_or(rest.len(), |at| at + 3);
    }
    rest.iter().position(|b| b" \t\",;".contains(b)).unwrap_or(rest.len())
}
