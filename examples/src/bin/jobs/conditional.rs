//! `ETag` and `If-None-Match` (RFC 9110, sections 8.8.3 and 13.1.2).

use axum::http::header::ETAG;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use headers::{HeaderMapExt, IfNoneMatch};

use crate::job::Tag;

/// The header, to be answered with.
pub(crate) type ETagHeader = [(HeaderName, String); 1];

/// Does the client have it?
#[derive(Debug)]
pub(crate) enum Known {
    /// Then this is the answer.
    Yes((StatusCode, ETagHeader)),
    No(ETagHeader),
}

pub(crate) fn known(headers: &HeaderMap, tag: &Tag) -> Known {
    let header = format!("\"{tag}\"");
    // What cannot be read is as if it were not there.
    let known = headers.typed_get::<IfNoneMatch>();
    let is_known =
        header.parse().is_ok_and(|tag| known.is_some_and(|known| !known.precondition_passes(&tag)));
    let header = [(ETAG, header)];
    if is_known { Known::Yes((StatusCode::NOT_MODIFIED, header)) } else { Known::No(header) }
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
