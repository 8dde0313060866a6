//! One spelling for each sequence of bytes (RFC 4648, sections 3.5 and 5).

use data_encoding::BASE64URL_NOPAD;

/// Only unreserved characters of a URI (RFC 3986, section 2.3).
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// How long that is.
pub(crate) fn encoded_len(bytes: usize) -> usize {
    BASE64URL_NOPAD.encode_len(bytes)
}

/// Nothing for padding, white space, another alphabet, or bits that say nothing.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_spelling() {
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        assert_eq!(decode("-_8"), Some(vec![0xfb, 0xff]));
        for other in ["-_8=", "+/8", "-_9", "-_8 ", " -_8", "-_8\n", "-_", "-", "-_8a", "\u{e9}"] {
            assert_ne!(decode(other), Some(vec![0xfb, 0xff]), "{other:?}");
        }
        for wrong in ["-_8=", "+/8", "-_9", "-_8 ", "-", "\u{e9}"] {
            assert_eq!(decode(wrong), None, "{wrong:?}");
        }
    }
}
