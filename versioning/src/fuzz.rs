//! Entry points for fuzzing. No part of the public API.
//!
//! Each takes any bytes and says whether they could be read. What cannot hold is an assertion.

use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use stonework_core::RequestHead;

use crate::{
    DateVersion, Header, Major, MajorMinor, MediaType, PathSegment, Query, Reader, Select, Version,
    Versions,
};

/// Reads bytes as a version of each kind.
///
/// # Panics
///
/// When what is read is written otherwise than it reads again.
pub fn version(bytes: &[u8]) -> bool {
    reads::<Major>(bytes) | reads::<MajorMinor>(bytes) | reads::<DateVersion>(bytes)
}

fn reads<V: Version>(bytes: &[u8]) -> bool {
    let Ok(version) = V::parse(bytes) else { return false };
    let again = V::parse(version.to_string().as_bytes());
    assert_eq!(again.as_ref(), Ok(&version), "it reads otherwise");
    assert!(version.cmp(&version).is_eq(), "it is not what it is");
    true
}

/// Reads bytes as `Accept` and `Content-Type`, and as the header of a version.
///
/// # Panics
///
/// When a weight of nothing is found, or when an unwanted range changes what is found.
pub fn media_type(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return false };
    let readers: [Reader; 3] = [
        MediaType::parameter("v").into(),
        MediaType::vendor("application/vnd.acme.{version}+json").into(),
        Header::named("api-version").into(),
    ];
    let mut request = Request::new(());
    for name in [ACCEPT, CONTENT_TYPE, http::HeaderName::from_static("api-version")] {
        request.headers_mut().insert(name, value.clone());
    }
    let found = texts(&readers, &request);
    let unwanted = HeaderValue::from_static("application/json;v=666;q=0");
    request.headers_mut().append(ACCEPT, unwanted);
    assert_eq!(texts(&readers, &request), found, "what is not wanted is found");
    !found.is_empty()
}

fn texts(readers: &[Reader], request: &Request<()>) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    for reader in readers {
        reader.each(&RequestHead::of(request), &mut |_, text| texts.push(text.to_vec()));
    }
    texts
}

/// Reads bytes as the target of a request.
///
/// # Panics
///
/// When the versions that are found in it depend on anything but it, or when a path that is stripped does
/// not have the segment back in its place.
pub fn target(bytes: &[u8]) -> bool {
    let Ok(uri) = http::Uri::try_from(bytes) else { return false };
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    let head = RequestHead::of(&request);
    let versions = Versions::<Major>::builder().version("1", |v| v).version("2", |v| v).build();
    let Ok(versions) = versions else { return false };
    for after in ["", "/api"] {
        let segment = PathSegment::after(after);
        let readers = [segment.clone().into(), Query::named("version").into()];
        let resolved = versions.resolve(&readers, &head, Select::Waterfall);
        assert_eq!(resolved, versions.resolve(&readers, &head, Select::Waterfall));
        let Some((found, _)) = segment.split(head.uri.path()) else { continue };
        let stripped = segment.stripped(head.uri.path(), None).unwrap_or_default();
        let rest = stripped.strip_prefix(after).unwrap_or_default();
        let back = [after, "/", found, rest].concat();
        let path = head.uri.path();
        assert!(back == path || back == format!("{path}/"), "{path} became {stripped}");
    }
    true
}

/// Reads bytes as a document, of which the first line says what is done to it.
///
/// # Panics
///
/// When what is no JSON is read, or what is written is none, or when edits that undo each other do not.
#[cfg(feature = "migrate")]
pub fn document(bytes: &[u8]) -> bool {
    use crate::Document;
    use serde::de::IgnoredAny;

    let (at, text) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (&b"/a"[..], bytes),
    };
    let is_json = |text: &[u8]| serde_json::from_slice::<IgnoredAny>(text).is_ok();
    let Ok(mut document) = Document::parse(text) else {
        assert!(std::str::from_utf8(text).is_err() || !is_json(text), "JSON that is not read");
        return false;
    };
    assert!(is_json(text), "what is read is no JSON");
    let at = String::from_utf8_lossy(at);
    // Looked into at that place, so that it is written in the same way after each edit.
    let _ = document.default(&[&at, "/new"].concat(), "x");
    let _ = document.remove(&[&at, "/new"].concat());
    let before = document.to_bytes();
    if document.move_to("", "/all").is_ok() && document.move_to("/all", "").is_ok() {
        assert_eq!(document.to_bytes(), before, "there and back");
    }
    let _ = document.move_to(&at, "/there");
    let _ = document.rename(&at, "name");
    let _ = document.set(&at, &[0]);
    assert!(is_json(&document.to_bytes()), "what is written is no JSON");
    true
}
