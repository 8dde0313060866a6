//! `ETag` and `If-None-Match` (RFC 9110, sections 8.8.3 and 13.1.2).

use axum::http::header::{CACHE_CONTROL, ETAG};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use headers::{HeaderMapExt, IfNoneMatch};

use crate::job::Tag;

/// What an answer is known by, and who may keep it. It is told of one that is not sent, too (RFC 9110, section 15.4.5).
pub(crate) type Kept = [(HeaderName, String); 2];

/// Does the client have it?
#[derive(Debug)]
pub(crate) enum Known {
    /// Then this is the answer.
    Yes((StatusCode, Kept)),
    No(Kept),
}

/// By the client and by nobody on the way, and asked about each time.
const KEPT: &str = "private, no-cache";

pub(crate) fn known(headers: &HeaderMap, tag: &Tag) -> Known {
    let header = format!("\"{tag}\"");
    // What cannot be read is as if it were not there.
    let known = headers.typed_get::<IfNoneMatch>();
    let is_known =
        header.parse().is_ok_and(|tag| known.is_some_and(|known| !known.precondition_passes(&tag)));
    let kept = [(ETAG, header), (CACHE_CONTROL, KEPT.to_owned())];
    if is_known { Known::Yes((StatusCode::NOT_MODIFIED, kept)) } else { Known::No(kept) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use axum::http::header::IF_NONE_MATCH;

    #[test]
    fn a_tag_is_known_in_any_form() {
        let tag = Tag::of(b"one");
        for (sent, expected) in [
            (None, false),
            (Some(format!("\"{tag}\"")), true),
            (Some(format!("W/\"{tag}\"")), true),
            (Some(format!("\"a,b\" , \"{tag}\"")), true),
            (Some("*".to_owned()), true),
            (Some(format!("{tag}")), false),
            (Some(format!("\"{}\"", Tag::of(b"two"))), false),
            (Some(String::new()), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(sent) = &sent {
                headers.insert(IF_NONE_MATCH, HeaderValue::from_str(sent).unwrap());
            }
            let is_known = matches!(known(&headers, &tag), Known::Yes(_));
            assert_eq!(is_known, expected, "{sent:?}");
        }
    }
}
