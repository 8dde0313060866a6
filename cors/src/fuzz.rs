//! Entry points for fuzzing. No part of the public API.
//!
//! Each takes any bytes and says whether they could be read. What cannot hold is an assertion.

use http::HeaderValue;

use crate::origin::Serialized;
use crate::policy::RequestHeaders;
use crate::{OriginPattern, OriginSet};

/// Reads bytes as an origin that a client sends.
///
/// # Panics
///
/// When its parts do not make it up again, or the pattern of the same text does not match it alone.
pub fn origin(bytes: &[u8]) -> bool {
    let Some(parts) = Serialized::parse(bytes) else { return false };
    let mut whole = [parts.scheme, b"://", parts.host].concat();
    if let Some(port) = parts.port {
        whole.extend_from_slice(format!(":{port}").as_bytes());
    }
    assert_eq!(whole, bytes, "an origin has one spelling");
    if let Some(pattern) = text(bytes).and_then(|text| text.parse::<OriginPattern>().ok()) {
        assert!(pattern.is_exact() && pattern.matches(bytes));
        for other in neighbours(bytes) {
            assert_eq!(pattern.matches(&other), other == bytes);
        }
    }
    true
}

/// Reads the first line of bytes as a pattern, and the second as an origin.
///
/// # Panics
///
/// When the pattern written and read is another one, when a suggestion cannot be read, or when a set and
/// its only pattern disagree.
pub fn pattern(bytes: &[u8]) -> bool {
    let (first, second) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &b""[..]),
    };
    let Some(given) = text(first) else { return false };
    let pattern: OriginPattern = match given.parse() {
        Ok(pattern) => pattern,
        Err(error) => {
            if let Some(suggestion) = error.suggestion() {
                assert!(suggestion.parse::<OriginPattern>().is_ok(), "{error}");
                assert_ne!(suggestion, given, "{error}");
            }
            return false;
        }
    };
    assert_eq!(pattern.to_string(), given, "a pattern has one spelling");
    let set: OriginSet = std::iter::once(pattern.clone()).collect();
    for origin in [first, second] {
        assert_eq!(set.contains(origin), pattern.matches(origin));
        assert!(!pattern.matches(origin) || Serialized::parse(origin).is_some());
    }
    true
}

/// Reads bytes as the value of `Access-Control-Request-Headers`.
///
/// # Panics
///
/// When what is said differs from what a loop over all names says.
pub fn requested_headers(bytes: &[u8]) -> bool {
    let Ok(line) = HeaderValue::from_bytes(bytes) else { return false };
    let allowed = ["a", "authorization", "content-type", "x-a", "x-ab", "x-b"];
    let headers = RequestHeaders::of(&allowed);
    let verified = headers.verify(std::iter::once(&line)).is_ok();
    let names: Vec<_> = bytes.split(|byte| *byte == b',').collect();
    let bounded = names.len() <= 10 && names.iter().all(|name| name.len() < 16);
    let fits = |name: &&[u8]| {
        let name = trimmed(name).to_ascii_lowercase();
        name.is_empty() || allowed.iter().any(|allowed| allowed.as_bytes() == name)
    };
    if bounded {
        assert_eq!(verified, names.iter().all(fits), "{line:?}");
    } else if verified {
        assert!(names.iter().all(fits), "{line:?}");
    }
    verified
}

fn trimmed(mut name: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = name {
        name = rest;
    }
    name
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// One byte less, more, or changed, at either end.
fn neighbours(bytes: &[u8]) -> [Vec<u8>; 6] {
    let mut upper = bytes.to_vec();
    upper.make_ascii_uppercase();
    [
        bytes[1..].to_vec(),
        bytes[..bytes.len() - 1].to_vec(),
        [bytes, b"/"].concat(),
        [bytes, b"."].concat(),
        [b"x", bytes].concat(),
        upper,
    ]
}
