use http::HeaderName;
use http::header::CONTENT_TYPE;
use sha2::{Digest, Sha256};
use stonework_core::{OriginalUri, RequestHead};

use crate::lookup::{Fingerprint, add};

/// Takes in what a request says, part by part.
///
/// Method, original path and query, content type and body are taken in always;
/// `fingerprint_with` adds to them.
#[derive(Debug)]
pub struct FingerprintInput {
    hash: Sha256,
}

impl FingerprintInput {
    /// Takes in these bytes, with their length.
    pub fn add(&mut self, part: &[u8]) {
        add(&mut self.hash, part);
    }

    /// Takes in all values of a header, in order; an absent header differs from an empty one.
    pub fn header(&mut self, head: &RequestHead<'_>, name: &HeaderName) {
        for value in head.headers.get_all(name) {
            self.hash.update([1]);
            self.add(value.as_bytes());
        }
        self.hash.update([0]);
    }
}

/// Begins with the head; the body comes when it has been read.
pub(crate) fn begin(head: &RequestHead<'_>) -> FingerprintInput {
    let mut input = FingerprintInput { hash: Sha256::new() };
    let uri = OriginalUri::of(head);
    input.add(head.method.as_str().as_bytes());
    input.add(uri.path().as_bytes());
    // A bare `?` is another request than none.
    input.add(if uri.query().is_some() { b"?" } else { b"" });
    input.add(uri.query().unwrap_or_default().as_bytes());
    input.header(head, &CONTENT_TYPE);
    input
}

pub(crate) fn finish(mut input: FingerprintInput, body: &[u8]) -> Fingerprint {
    input.add(body);
    Fingerprint::from_bytes(input.hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Uri};

    fn of(request: &Request<&str>) -> Fingerprint {
        finish(begin(&RequestHead::of(request)), request.body().as_bytes())
    }

    fn request() -> http::request::Builder {
        Request::post("/pay?x=1").header(CONTENT_TYPE, "application/json")
    }

    #[test]
    fn each_part_counts() {
        let base = of(&request().body("{}").unwrap());
        assert_eq!(base, of(&request().header("date", "today").body("{}").unwrap()));
        for other in [
            request().method("PATCH").body("{}"),
            request().uri("/pay").body("{}"),
            request().uri("/pay?x=2").body("{}"),
            request().uri("/refund?x=1").body("{}"),
            request().header(CONTENT_TYPE, "text/plain").body("{}"),
            request().body("{ }"),
        ] {
            assert_ne!(base, of(&other.unwrap()));
        }
    }

    #[test]
    fn the_unstripped_uri_counts_and_the_authority_does_not() {
        let outer = of(&request().uri("/v1/pay?x=1").body("{}").unwrap());
        let nested = request().extension(OriginalUri(Uri::from_static("/v1/pay?x=1")));
        assert_eq!(outer, of(&nested.body("{}").unwrap()));
        let absolute = request().uri("https://example.com/v1/pay?x=1");
        assert_eq!(outer, of(&absolute.body("{}").unwrap()));
    }

    #[test]
    fn absent_and_empty_headers_differ() {
        let name = HeaderName::from_static("api-version");
        let with = |request: Request<()>| {
            let head = RequestHead::of(&request);
            let mut input = begin(&head);
            input.header(&head, &name);
            finish(input, b"")
        };
        let absent = with(Request::new(()));
        let empty = with(Request::builder().header(&name, "").body(()).unwrap());
        assert_ne!(absent, empty);
    }
}
