use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE};
use http::{HeaderName, HeaderValue, Request};

use super::scenario::{Case, Kind};
use super::subject::Name;
use crate::layered::{Server, Traffic};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Requests of one session. The peer walks through all keys of a session to write one, so a
/// session that grew without end would tell of that alone.
const SESSION: u64 = 32;

/// What one subject is asked in one scenario. The same numbers give the same requests.
pub(super) struct Calls {
    pub(super) name: Name,
    pub(super) case: Case,
    /// The number of the next request.
    pub(super) next: u64,
}

impl Traffic for Calls {
    fn server(&self) -> Server {
        self.name.server(self.case)
    }

    fn requests(&mut self, count: usize) -> Vec<Request<Body>> {
        let first = self.next;
        if self.case.kind == Kind::First {
            self.next += count as u64;
        }
        let body = Bytes::from(vec![b'q'; self.case.request]);
        (first..).take(count).map(|number| request(self.case, number, &body)).collect()
    }

    fn lifetime(&self) -> usize {
        if self.case.kind == Kind::First { self.name.lifetime() } else { usize::MAX }
    }
}

fn request(case: Case, number: u64, body: &Bytes) -> Request<Body> {
    let mut request = Request::post("/v1/transfers").body(Body::from(body.clone()));
    if let Ok(request) = &mut request {
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(COOKIE, value(&session(number / SESSION)));
        if case.kind != Kind::Bypass {
            headers.insert(KEY, value(&key(number)));
        }
    }
    request.expect("the parts are valid")
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("the text is visible ASCII")
}

/// 16 bytes in base64, as the peer's sessions have it.
fn session(number: u64) -> String {
    format!("session={number:021}A")
}

/// In the form of a UUID, as clients make them.
fn key(number: u64) -> String {
    // A step of a Weyl sequence and a mix, so that neighbours have nothing in common.
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let (high, low) = (mixed >> 32, mixed & 0xffff_ffff);
    format!("{high:08x}-{:04x}-4{:03x}-8abc-{number:012x}", low >> 16, low & 0xfff)
}
