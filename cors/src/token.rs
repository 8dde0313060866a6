//! Tokens of HTTP (RFC 9110, section 5.6.2): what names of methods and headers are made of.

/// Longer names are nobody's. It keeps what has to be looked at small.
pub(crate) const LONGEST: usize = 128;

pub(crate) fn is_token(bytes: &[u8]) -> bool {
    (1..=LONGEST).contains(&bytes.len()) && bytes.iter().copied().all(is_token_byte)
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_http_takes_for_a_method() {
        for byte in 0..=u8::MAX {
            let bytes = [b'A', byte];
            assert_eq!(is_token(&bytes), http::Method::from_bytes(&bytes).is_ok(), "{byte}");
        }
        assert!(!is_token(b""));
        assert!(is_token(&[b'a'; LONGEST]) && !is_token(&[b'a'; LONGEST + 1]));
    }
}
