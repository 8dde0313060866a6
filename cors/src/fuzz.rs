//! Entry points for fuzzing. No part of the public API.
//!
//! Each takes any bytes and says whether they could be read. What cannot hold is an assertion.

use http::HeaderValue;

use crate::origin::Serialized;
use crate::policy::RequestHeaders;
use crate::{OriginPattern, OriginSet};

/// Some of each form, so that a set has something to look through.
const PATTERNS: [&str; 8] = [
    "https://example.com",
    "https://*.example.com",
    "http://localhost:*",
    "https://*.example.org:*",
    "https://*.b.example.com:8443",
    "http://[::1]:8080",
    "http://127.0.0.1:*",
    "capacitor://localhost",
];

/// Reads bytes as the value of `Origin`.
///
/// # Panics
///
/// When the parts do not make up the bytes, when an origin as a pattern does not match itself or
/// matches a neighbour, or when a set does not agree with its patterns.
pub fn origin(bytes: &[u8]) -> bool {
    agrees(&PATTERNS.iter().filter_map(|text| text.parse().ok()).collect(), bytes);
    let Some(origin) = Serialized::parse(bytes) else {
        return false;
    };
    let port = origin.port.map(|port| format!(":{port}")).unwrap_or_default();
    let parts = [origin.scheme, b"://", origin.host, port.as_bytes()].concat();
    assert_eq!(parts, bytes, "the parts are another origin");
    if let Some(pattern) = read(bytes) {
        assert!(pattern.matches(bytes), "it does not match itself");
        neighbours(bytes).for_each(|near| assert!(!pattern.matches(&near), "it matches another"));
        agrees(&OriginSet::from_iter([pattern]), bytes);
    }
    true
}

/// Reads bytes as a pattern.
///
/// # Panics
///
/// When a pattern has two spellings, when a set does not agree with it, when what it matches is no
/// origin, when what is suggested for a mistake is one as well, or when an error has several lines.
pub fn pattern(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else {
        return false;
    };
    let pattern = match text.parse::<OriginPattern>() {
        Ok(pattern) => pattern,
        Err(error) => {
            let suggested = error.suggestion().map(str::parse::<OriginPattern>);
            assert!(suggested.is_none_or(|parsed| parsed.is_ok()), "a bad suggestion");
            assert!(!error.to_string().contains(char::is_control), "more than a line");
            return false;
        }
    };
    assert_eq!(pattern.to_string(), text, "another spelling");
    let _ = (pattern.is_insecure(), pattern.public_suffix());
    expands(text, &pattern);
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

/// With a label or two for its star, and with a port or none, it matches; short of hosts that are
/// too long then.
fn expands(text: &str, pattern: &OriginPattern) {
    let set = OriginSet::from_iter([pattern.clone()]);
    agrees(&set, text.as_bytes());
    for host in ["", "a.", "a.b."] {
        for port in ["", ":8081"] {
            let origin = text.replacen("*.", host, 1).replacen(":*", port, 1);
            agrees(&set, origin.as_bytes());
            let is_meant = !text.contains("*.") || !host.is_empty();
            let is_long = origin.len() > 253;
            assert!(is_long || pattern.matches(origin.as_bytes()) == is_meant, "{origin}");
        }
    }
}

fn read(bytes: &[u8]) -> Option<OriginPattern> {
    str::from_utf8(bytes).ok()?.parse().ok()
}

/// Bytes that differ in one place.
fn neighbours(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let shorter = (0..bytes.len()).map(|at| [&bytes[..at], &bytes[at + 1..]].concat());
    let longer = b"/.:a0 \0"
        .iter()
        .flat_map(move |&byte| [[bytes, &[byte]].concat(), [&[byte], bytes].concat()]);
    shorter.chain(longer)
}

/// The set finds what one of its patterns matches, sends back what was sent, and can be asked what
/// was meant.
fn agrees(set: &OriginSet, origin: &[u8]) {
    let is_meant = set.iter().any(|pattern| pattern.matches(origin));
    assert_eq!(set.contains(origin), is_meant, "the set does not agree with its patterns");
    assert!(!is_meant || Serialized::parse(origin).is_some(), "no origin, but it matches");
    if let Ok(value) = HeaderValue::from_bytes(origin) {
        assert_eq!(set.echo(&value), is_meant.then_some(value), "another value is sent back");
    }
    let _ = set.nearest(origin);
}

#[cfg(test)]
mod tests {
    #[test]
    fn hostile_bytes_are_survived() {
        for len in 0..400 {
            for fill in [0, b'a', b'.', b':', b'*', b'[', b'/', b'0', 0xff] {
                let mut bytes = b"https://".to_vec();
                bytes.resize(8 + len, fill);
                for bytes in [&bytes[..], &bytes[8..]] {
                    super::origin(bytes);
                    super::pattern(bytes);
                }
            }
        }
    }
}
