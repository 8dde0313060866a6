use std::error::Error;
use std::fmt;

use http::HeaderValue;

/// The longest key, in characters after unquoting. Stripe's limit, which clients rely on.
pub(crate) const MAX_LEN: usize = 255;

/// Why a key could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyError {
    /// More than one field line.
    Repeated,
    /// No characters.
    Empty,
    /// More than 255 characters.
    TooLong,
    /// Neither a structured-field string (RFC 9651, section 3.3.3) nor a bare token.
    Malformed,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeated => "The key was sent more than once.",
            Self::Empty => "The key is empty.",
            Self::TooLong => "The key has more than 255 characters.",
            Self::Malformed => "The key is neither a quoted string nor a bare token.",
        })
    }
}

impl Error for KeyError {}

/// A key as the client meant it: unquoted, 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestKey {
    len: usize,
    bytes: [u8; MAX_LEN],
}

impl RequestKey {
    const EMPTY: Self = Self { len: 0, bytes: [0; MAX_LEN] };

    /// One that somebody else has read.
    pub(crate) fn given(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut key = Self::EMPTY;
        bytes.iter().try_for_each(|byte| key.push(*byte))?;
        key.not_empty()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, byte: u8) -> Result<(), KeyError> {
        *self.bytes.get_mut(self.len).ok_or(KeyError::TooLong)? = byte;
        self.len += 1;
        Ok(())
    }

    fn not_empty(self) -> Result<Self, KeyError> {
        if self.len == 0 { Err(KeyError::Empty) } else { Ok(self) }
    }
}

/// Reads the key from its field lines: `None` if there are none.
pub(crate) fn read<'a>(
    lines: impl IntoIterator<Item = &'a HeaderValue>,
) -> Result<Option<RequestKey>, KeyError> {
    let mut lines = lines.into_iter();
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    if lines.next().is_some() {
        return Err(KeyError::Repeated);
    }
    parse(line.as_bytes()).map(Some)
}

/// `"k"` and `k` are the same key: the draft asks for the first, the SDKs of Stripe and OpenAI
/// send the second.
pub(crate) fn parse(value: &[u8]) -> Result<RequestKey, KeyError> {
    let value = value.trim_ascii();
    match value.split_first() {
        None => Err(KeyError::Empty),
        Some((b'"', rest)) => quoted(rest),
        Some(_) => bare(value),
    }
}

fn bare(value: &[u8]) -> Result<RequestKey, KeyError> {
    let mut key = RequestKey::EMPTY;
    for &byte in value {
        // Visible ASCII, without what would make a list, parameters or a second string.
        if !byte.is_ascii_graphic() || matches!(byte, b'"' | b',' | b';') {
            return Err(KeyError::Malformed);
        }
        key.push(byte)?;
    }
    Ok(key)
}

fn quoted(mut rest: &[u8]) -> Result<RequestKey, KeyError> {
    let mut key = RequestKey::EMPTY;
    loop {
        let (&byte, after) = rest.split_first().ok_or(KeyError::Malformed)?;
        rest = after;
        match byte {
            b'"' => break,
            b'\\' => match rest.split_first() {
                Some((&escaped @ (b'"' | b'\\'), after)) => {
                    rest = after;
                    key.push(escaped)?;
                }
                _ => return Err(KeyError::Malformed),
            },
            b' '..=b'~' => key.push(byte)?,
            _ => return Err(KeyError::Malformed),
        }
    }
    skip_parameters(rest)?;
    key.not_empty()
}

/// Parameters mean nothing here, but what follows a string must be parameters and nothing else.
fn skip_parameters(mut rest: &[u8]) -> Result<(), KeyError> {
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b';' {
            return Err(KeyError::Malformed);
        }
        rest = skip_parameter(skip_while(after, |b| b == b' ')).ok_or(KeyError::Malformed)?;
    }
    Ok(())
}

fn skip_parameter(rest: &[u8]) -> Option<&[u8]> {
    if !matches!(rest.first()?, b'a'..=b'z' | b'*') {
        return None;
    }
    let rest =
        skip_while(rest, |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*'));
    match rest.split_first() {
        Some((b'=', value)) => skip_bare_item(value),
        _ => Some(rest),
    }
}

/// A string, a display string, or a run of what numbers, tokens, byte sequences, booleans and dates
/// consist of. Whether the run is one of these is not asked.
fn skip_bare_item(value: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = value.strip_prefix(b"\"") {
        return skip_string(rest);
    }
    if let Some(rest) = value.strip_prefix(b"%\"") {
        return skip_display_string(rest);
    }
    let rest =
        skip_while(value, |b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/=?@".contains(&b));
    (rest.len() < value.len()).then_some(rest)
}

fn skip_string(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = match byte {
            b'"' => return Some(after),
            b'\\' if matches!(after.first(), Some(b'"' | b'\\')) => &after[1..],
            b' '..=b'~' if byte != b'\\' => after,
            _ => return None,
        };
    }
}

/// RFC 9651, section 3.3.8: what would need an escape is written in hex, and a backslash is none.
fn skip_display_string(rest: &[u8]) -> Option<&[u8]> {
    skip_while(rest, |b| matches!(b, b' '..=b'~') && b != b'"').strip_prefix(b"\"")
}

fn skip_while(bytes: &[u8], keep: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|&b| !keep(b)).unwrap_or(bytes.len());
    &bytes[end..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ok(value: &str) -> String {
        String::from_utf8(parse(value.as_bytes()).unwrap().as_bytes().to_vec()).unwrap()
    }

    fn err(value: &[u8]) -> KeyError {
        parse(value).unwrap_err()
    }

    #[test]
    fn quoted_and_bare_are_the_same_key() {
        let uuid = "8e03978e-40d5-43e8-bc93-6894a57f9324";
        assert_eq!(ok(uuid), uuid);
        assert_eq!(ok(&format!("\"{uuid}\"")), uuid);
        assert_eq!(ok(&format!("  \"{uuid}\"  ")), uuid);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(ok(r#""a\"b\\c""#), r#"a"b\c"#);
        assert_eq!(err(br#""a\n""#), KeyError::Malformed);
        assert_eq!(err(br#""a\"#), KeyError::Malformed);
    }

    #[test]
    fn parameters_are_ignored_but_must_be_parameters() {
        for value in [
            r#""k";a"#,
            r#""k"; a=1;b="x,\"y";c=:YQ==:;d=?1;e=tok/en"#,
            r#""k";*x=@1659578233"#,
            r#""k";a=%"f%c3%bc; \";b"#,
        ] {
            assert_eq!(ok(value), "k", "{value}");
        }
        for value in [r#""k" "#.trim_end(), r#""k""#] {
            assert_eq!(ok(value), "k");
        }
        for value in [
            r#""k";"#,
            r#""k";A"#,
            r#""k";a="#,
            r#""k";a="x"#,
            r#""k";a=%"x"#,
            r#""k" ;a"#,
            r#""k"x"#,
            r#""k";a b"#,
        ] {
            assert_eq!(err(value.as_bytes()), KeyError::Malformed, "{value}");
        }
    }

    #[test]
    fn lists_controls_and_other_bytes_are_malformed() {
        for value in [
            &b"a, b"[..],
            b"a,b",
            br#""a", "b""#,
            b"a;b",
            b"a b",
            b"a\tb",
            b"a\x00",
            b"\x7f",
            b"\"a\x1f\"",
            "ü".as_bytes(),
            "\"ü\"".as_bytes(),
            b"\"open",
            b"a\"b",
        ] {
            assert_eq!(err(value), KeyError::Malformed, "{value:?}");
        }
    }

    #[test]
    fn the_length_counts_after_unquoting() {
        assert_eq!(err(b""), KeyError::Empty);
        assert_eq!(err(b"   "), KeyError::Empty);
        assert_eq!(err(br#""""#), KeyError::Empty);
        assert_eq!(ok(&"x".repeat(255)).len(), 255);
        assert_eq!(ok(&format!("\"{}\"", "\\\"".repeat(255))).len(), 255);
        assert_eq!(err("x".repeat(256).as_bytes()), KeyError::TooLong);
        assert_eq!(err(format!("\"{}\"", "x".repeat(256)).as_bytes()), KeyError::TooLong);
    }

    #[test]
    fn one_field_line_only() {
        let (a, b) = (HeaderValue::from_static("a"), HeaderValue::from_static("a"));
        assert_eq!(read([]).unwrap(), None);
        assert!(read([&a]).unwrap().is_some());
        assert_eq!(read([&a, &b]).unwrap_err(), KeyError::Repeated);
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_key_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(key) = parse(&bytes) {
                prop_assert!((1..=MAX_LEN).contains(&key.as_bytes().len()));
            }
        }

        #[test]
        fn what_a_serializer_writes_comes_back(text in "[ -~]{1,255}") {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assert_eq!(ok(&format!("\"{quoted}\"")), text);
        }
    }
}
