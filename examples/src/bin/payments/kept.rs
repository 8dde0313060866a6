//! Answers that a client may keep, and ask about again.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::Refusal;

/// By the client and by nobody on the way, and asked about each time: a transfer never changes, but who may see it does.
const KEPT: &str = "private, no-cache";

/// So many bytes of a hash, which nobody gains anything by finding twice.
const TAG: usize = 16;

/// This body, or word that the client has it (RFC 9110, section 13.1.2).
///
/// The tag is of the newest version. The migrations, which are further out, put a mark into it for each of the others, and
/// take that off what a client sends; whoever has one version is never told that another has not changed.
pub(crate) fn answer(request: &HeaderMap, body: &impl Serialize) -> Response {
    let Ok(body) = serde_json::to_vec(body) else { return Refusal::Interrupted.into_response() };
    let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(&Sha256::digest(&body)[..TAG]));
    let head = [(CACHE_CONTROL, KEPT), (ETAG, &*tag)];
    if is_among(request.get_all(IF_NONE_MATCH), &tag) {
        (StatusCode::NOT_MODIFIED, head, unsent()).into_response()
    } else {
        (head, [(CONTENT_TYPE, "application/json")], body).into_response()
    }
}

/// No body, of no length that is known. Of one that is known to be empty axum tells the length, which would have to be that
/// of the body that is not sent (RFC 9110, section 8.6).
fn unsent() -> Body {
    Body::from_stream(tokio_stream::empty::<Result<Bytes, Infallible>>())
}

/// Is it one of these, or are these all? Compared weakly: `W/` makes no difference.
fn is_among<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>, tag: &str) -> bool {
    let bare = |had: &'h [u8]| had.strip_prefix(b"W/").unwrap_or(had);
    let mut had = lines.into_iter().flat_map(|line| elements(line.as_bytes()));
    had.any(|had| had == b"*" || bare(had) == tag.as_bytes())
}

/// Commas within quotes separate nothing.
fn elements(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_quoted = false;
    let parts = line.split(move |byte| {
        is_quoted ^= *byte == b'"';
        *byte == b',' && !is_quoted
    });
    parts.map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_a_among(lines: &[&[u8]]) -> bool {
        let lines: Vec<_> =
            lines.iter().map(|line| HeaderValue::from_bytes(line).expect("a line")).collect();
        is_among(&lines, "\"a,b\"")
    }

    #[test]
    fn a_tag_is_found_in_any_list_strong_or_weak() {
        for lines in [
            &[&b"\"a,b\""[..]][..],
            &[b"W/\"a,b\""],
            &[b"*"],
            &[b" \"x\" ,\t\"a,b\" "],
            &[b"\"x\",, W/\"y\",\"a,b\""],
            &[b"\"\xe9\", \"a,b\""],
            &[b"x y, \"a b\", \"a,b\""],
            &[b"\"x\"", b"\"a,b\""],
        ] {
            assert!(is_a_among(lines), "{lines:?}");
        }
    }

    #[test]
    fn what_is_near_is_another() {
        for lines in [
            &[][..],
            &[&b""[..]],
            &[b"a,b"],
            &[b"\"a,b"],
            &[b"\"A,b\""],
            &[b"w/\"a,b\""],
            &[b"W/W/\"a,b\""],
            &[b"\"a\", \"b\""],
            &[b"\"x, \"a,b\", y\""],
            &[b"\"*\""],
            &[b"\"a,b~v1\""],
        ] {
            assert!(!is_a_among(lines), "{lines:?}");
        }
    }
}
