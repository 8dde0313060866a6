//! Entry points for fuzzing. No part of the public API.
//!
//! Each takes any bytes and says whether they could be read. What cannot hold is an assertion.

use bytes::Bytes;
use http::HeaderMap;

use crate::answer::{self, Filter, Head};
use crate::key::{self, KeyError};
use crate::store::Stored;

/// Reads bytes as a key. What can be read must be the same key in its canonical spelling, and bare
/// where that is possible. Gives the key, for comparison with other parsers.
///
/// # Errors
///
/// When the bytes are no key.
///
/// # Panics
///
/// When two spellings of a key differ.
pub fn key(bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
    let key = key::parse(bytes)?.as_bytes().to_vec();
    assert!((1..=key::MAX_LEN).contains(&key.len()), "the length");
    assert!(key.iter().all(|b| matches!(b, b' '..=b'~')), "the characters");
    assert_eq!(reread(&quote(&key)), Ok(key.clone()), "another key when quoted");
    if !key.iter().any(|b| b" \",;".contains(b)) {
        assert_eq!(reread(&key), Ok(key.clone()), "another key when bare");
    }
    Ok(key)
}

fn reread(bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
    key::parse(bytes).map(|key| key.as_bytes().to_vec())
}

/// RFC 9651, section 4.1.6.
fn quote(key: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &byte in key {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    out
}

/// Reads bytes as the head of an answer. What can be read must be written so that it reads the same
/// again, short of what is never replayed.
///
/// # Panics
///
/// When it is not.
pub fn answer(bytes: &[u8]) -> bool {
    let Ok(first) = answer::decode(Bytes::copy_from_slice(bytes)) else {
        return false;
    };
    let written = encode(&first);
    let second = answer::decode(written.clone()).expect("our own head is not readable");
    assert_eq!(encode(&second), written, "two spellings of what we wrote");
    assert_eq!(second.status, first.status);
    // A head never grows by being written, so a small one has no reason to be cut.
    if bytes.len() <= answer::MAX_HEAD || !is_bare(&second) {
        assert_eq!(second.trailers, first.trailers);
        assert_eq!(second.headers, replayed(&first.headers));
    }
    true
}

fn encode(head: &Head) -> Bytes {
    let headers = Filter::new(&head.headers, true);
    let encoded = answer::encode(head.status, &headers, head.trailers.as_ref());
    encoded.unwrap_or_else(|| answer::encode_status(head.status))
}

fn is_bare(head: &Head) -> bool {
    head.headers.is_empty() && head.trailers.is_none()
}

fn replayed(headers: &HeaderMap) -> HeaderMap {
    let kept = Filter::new(headers, true);
    kept.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Reads bytes as a record. What can be read must be written in the same way again.
///
/// # Panics
///
/// When it is not.
pub fn record(bytes: &[u8]) -> bool {
    let Ok(stored) = Stored::decode(Bytes::copy_from_slice(bytes)) else {
        return false;
    };
    assert_eq!(stored.encode(), bytes, "two spellings of one record");
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn hostile_bytes_are_survived() {
        for len in 0..200 {
            for fill in [0, 1, b'"', 0xff] {
                let bytes = vec![fill; len];
                drop(super::key(&bytes));
                super::answer(&bytes);
                super::record(&bytes);
            }
        }
    }
}
