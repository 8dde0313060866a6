//! What the heads of messages say of bodies that are migrated.

use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap,
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE, TRANSFER_ENCODING,
};
use http::{HeaderName, HeaderValue, Method, StatusCode, request, response};

/// Of these bytes, and of no others.
const DIGESTS: [&str; 4] = ["content-md5", "digest", "content-digest", "repr-digest"];

/// Types that have no end, or are no one document.
const STREAMS: [&str; 5] = [
    "text/event-stream",
    "application/x-ndjson",
    "application/jsonl",
    "application/json-seq",
    "application/stream+json",
];

/// What is to be done with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is no JSON, or there is none.
    Other,
    Json,
    /// JSON that is compressed.
    Encoded,
    /// A part of something.
    Partial,
    Stream,
}

pub(super) fn kind(headers: &HeaderMap) -> Kind {
    let Some(media) = headers.get(CONTENT_TYPE).map(media_type) else { return Kind::Other };
    let is_stream = STREAMS.iter().any(|stream| media.eq_ignore_ascii_case(stream.as_bytes()));
    let is_encoded = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    match (is_stream, is_json(media)) {
        (true, _) => Kind::Stream,
        (_, false) => Kind::Other,
        (_, true) if is_encoded => Kind::Encoded,
        (_, true) if headers.contains_key(CONTENT_RANGE) => Kind::Partial,
        (_, true) => Kind::Json,
    }
}

fn media_type(value: &HeaderValue) -> &[u8] {
    let value = value.as_bytes();
    let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
    value[..end].trim_ascii()
}

/// `application/json`, and whatever has the suffix (RFC 6839, section 3.1) but gRPC, which has frames.
fn is_json(media: &[u8]) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let suffix = media.len().checked_sub(b"+json".len()).map(|at| &media[at..]);
    let is_grpc = media.get(..GRPC.len()).is_some_and(|start| start.eq_ignore_ascii_case(GRPC));
    media.eq_ignore_ascii_case(b"application/json")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json")) && !is_grpc
}

/// May the response have a body?
pub(super) fn has_body(method: &Method, status: StatusCode) -> bool {
    let is_tunnel = *method == Method::CONNECT && status.is_success();
    !(status.is_informational()
        || is_tunnel
        || *method == Method::HEAD
        || matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        ))
}

/// Parts of what is migrated cannot be asked for, so the whole is.
pub(super) fn ask_for_the_whole(head: &mut request::Parts) {
    head.headers.remove(RANGE);
    head.headers.remove(IF_RANGE);
}

/// Takes this version's mark off the tags of a request. Says whether it asks about a tag of this version: one that has the
/// mark, or any there is.
///
/// The handler knows the tags of the newest version alone. Before a change, one that a client has from another
/// version stays: what is to be changed is the same. Before what is only read it goes, where `reads_another` is:
/// were it shown to the handler, which finds that it has not changed, the client would go on with the other
/// shape. So does the date beside it, which counts only where there is no tag (RFC 9110, section 13.1.3).
pub(super) fn unmark_tags(head: &mut request::Parts, suffix: &str, reads_another: bool) -> bool {
    let is_read = matches!(head.method, Method::GET | Method::HEAD) && reads_another;
    let mut ours = false;
    for name in [IF_NONE_MATCH, IF_MATCH] {
        if !head.headers.contains_key(&name) {
            continue;
        }
        let keeps_others = name == IF_MATCH || !is_read;
        let (mut kept, mut dropped) = (Vec::new(), false);
        for tag in head.headers.get_all(&name).iter().flat_map(|line| tags(line.as_bytes())) {
            let bare = tag.strip_suffix(b"\"").and_then(|tag| tag.strip_suffix(suffix.as_bytes()));
            match bare {
                Some(bare) => {
                    ours = true;
                    kept.push([bare, b"\""].concat());
                }
                None if tag == b"*" => {
                    ours = true;
                    kept.push(tag.to_vec());
                }
                None if keeps_others => kept.push(tag.to_vec()),
                None => dropped = true,
            }
        }
        head.headers.remove(&name);
        if let Ok(kept) = HeaderValue::from_bytes(&kept.join(&b", "[..]))
            && !kept.is_empty()
        {
            head.headers.insert(&name, kept);
        }
        if dropped {
            head.headers.remove(IF_MODIFIED_SINCE);
        }
    }
    ours
}

/// A tag may have commas within its quotes, and bytes that are no ASCII (RFC 9110, section 8.8.3).
fn tags(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let parts = line.split(move |byte| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    });
    parts.map(<[u8]>::trim_ascii).filter(|tag| !tag.is_empty())
}

/// A tag names bytes, and those are others in each version: `"abc"` becomes `"abc~v1"`.
pub(super) fn mark_tag(headers: &mut HeaderMap, suffix: &str) {
    let marked = headers.get(ETAG).and_then(|tag| {
        let bare = tag.as_bytes().strip_suffix(b"\"")?;
        HeaderValue::from_bytes(&[bare, suffix.as_bytes(), b"\""].concat()).ok()
    });
    if let Some(marked) = marked {
        headers.insert(ETAG, marked);
    }
}

/// What is put into tags for a version of this name.
pub(super) fn suffix(version: &str) -> String {
    let tag_byte = |c: char| if c.is_ascii_graphic() && c != '"' { c } else { '_' };
    std::iter::once('~').chain(version.chars().map(tag_byte)).collect()
}

/// What is said of bytes that are not sent.
pub(super) fn forget_bytes(headers: &mut HeaderMap) {
    headers.remove(ACCEPT_RANGES);
    headers.remove(CONTENT_LENGTH);
    // A client that the body was fetched with leaves it, and no message has both.
    headers.remove(TRANSFER_ENCODING);
    forget_digests(headers);
}

/// It has been read to its end.
pub(super) fn forget_framing(headers: &mut HeaderMap) {
    headers.remove(TRANSFER_ENCODING);
}

pub(super) fn forget_digests(headers: &mut HeaderMap) {
    for name in DIGESTS {
        headers.remove(HeaderName::from_static(name));
    }
}

pub(super) fn set_length(headers: &mut HeaderMap, length: usize) {
    drop(headers.try_insert(CONTENT_LENGTH, HeaderValue::from(length)));
}

pub(super) fn has_length(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH)
}

/// Is it a part of something, whatever its headers say?
pub(super) fn is_partial(head: &response::Parts) -> bool {
    head.status == StatusCode::PARTIAL_CONTENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn only_json_that_is_whole_is_json() {
        for (lines, expected) in [
            (&[][..], Kind::Other),
            (&[("content-type", "text/html")], Kind::Other),
            (&[("content-type", "application/jsonp")], Kind::Other),
            (&[("content-type", "Application/JSON; charset=utf-8")], Kind::Json),
            (&[("content-type", "application/problem+json")], Kind::Json),
            (&[("content-type", "application/grpc+json")], Kind::Other),
            (&[("content-type", "text/event-stream")], Kind::Stream),
            (&[("content-type", "application/x-ndjson;a=b")], Kind::Stream),
            (&[("content-type", "application/json"), ("content-encoding", "identity")], Kind::Json),
            (&[("content-type", "application/json"), ("content-encoding", "br")], Kind::Encoded),
            (
                &[("content-type", "application/json"), ("content-range", "bytes 0-1/2")],
                Kind::Partial,
            ),
            (&[("content-type", "image/png"), ("content-encoding", "br")], Kind::Other),
        ] {
            assert_eq!(kind(&headers(lines)), expected, "{lines:?}");
        }
    }

    fn asked(method: Method, if_none_match: &[&str]) -> (bool, HeaderMap) {
        let request = Request::builder().method(method).header(RANGE, "bytes=0-1");
        let add = |request: http::request::Builder, line: &&str| {
            request.header(IF_NONE_MATCH, *line).header(IF_MATCH, *line)
        };
        let request = if_none_match.iter().fold(request, add).body(()).unwrap();
        let (mut head, ()) = request.into_parts();
        ask_for_the_whole(&mut head);
        (unmark_tags(&mut head, "~v1", true), head.headers)
    }

    #[test]
    fn tags_are_marked_and_their_marks_taken_off_again() {
        for tag in ["\"abc\"", "W/\"abc\"", "\"\"", "\"a,b\""] {
            let mut marked = HeaderMap::new();
            marked.insert(ETAG, HeaderValue::from_static(tag));
            mark_tag(&mut marked, &suffix("v1"));
            let (ours, headers) = asked(Method::GET, &[marked[ETAG].to_str().unwrap()]);
            assert_eq!((ours, headers[IF_NONE_MATCH].to_str().unwrap()), (true, tag));
        }
        assert_eq!(suffix("2026-03-10-\"x\u{e9}"), "~2026-03-10-_x_");
    }

    #[test]
    fn of_what_is_read_only_tags_of_the_same_version_are_asked_about() {
        for (method, lines, ours, expected) in [
            (Method::GET, &["\"a~v1\", W/\"b~v1\"", "\"c\""][..], true, Some("\"a\", W/\"b\"")),
            (Method::GET, &["\"a\"", "\"a~v2\""], false, None),
            (Method::HEAD, &["\"a,~v1\",\"b,c\""], true, Some("\"a,\"")),
            (Method::GET, &["*"], true, Some("*")),
            (Method::GET, &[""], false, None),
            (Method::GET, &[], false, None),
            (Method::PUT, &["\"a~v1\", \"c\""], true, Some("\"a\", \"c\"")),
        ] {
            let (told, headers) = asked(method.clone(), lines);
            let asked = headers.get(IF_NONE_MATCH).map(|tags| tags.to_str().unwrap());
            assert_eq!((told, asked), (ours, expected), "{method} {lines:?}");
            assert!(!headers.contains_key(RANGE));
        }
        let (_, headers) = asked(Method::GET, &["\"a~v1\"", "\"b\""]);
        assert_eq!(headers[IF_MATCH], "\"a\", \"b\"", "what is changed is the same");
    }

    #[test]
    fn some_responses_have_no_body_whatever_they_say() {
        for (method, status, expected) in [
            (Method::GET, 200, true),
            (Method::POST, 422, true),
            (Method::HEAD, 200, false),
            (Method::GET, 204, false),
            (Method::GET, 205, false),
            (Method::GET, 304, false),
            (Method::GET, 101, false),
            (Method::CONNECT, 200, false),
            (Method::CONNECT, 403, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(has_body(&method, status), expected, "{method} {status}");
        }
    }
}
