//! The whole of it: a handler of the newest version, and a client of the oldest.

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderValue, Method, Request, Uri};
use tower_layer::Layer;

use super::edits::layers;
use super::handler::{GOT, Handler};
use super::text::{Case, Way};
use crate::layered::{Layered, Server, Traffic};
use crate::work::Bench;

struct Calls {
    case: Case,
    text: Bytes,
}

/// Checks that a body of this length is what the other side gets.
pub(super) fn bench(case: Case, migrated: usize) -> Bench {
    let mut layered = Layered::new(Calls { case, text: case.text().into() });
    for head in layered.heads(2) {
        check(case, migrated, &head);
    }
    Bench::new(layered)
}

fn check(case: Case, migrated: usize, head: &Parts) {
    let length = match case.way {
        Way::Up => GOT,
        Way::Down => CONTENT_LENGTH,
    };
    let length = head.headers.get(length).and_then(|length| length.to_str().ok());
    assert_eq!(length, Some(&*migrated.to_string()), "{case}: {head:?}");
}

impl Traffic for Calls {
    fn server(&self) -> Server {
        let (versions, migrations) = layers(self.case);
        let body = match self.case.way {
            Way::Up => Bytes::from_static(b"{}"),
            Way::Down => self.text.clone(),
        };
        Server::new(versions.layer(migrations.layer(Handler { body })))
    }

    fn requests(&mut self, count: usize) -> Vec<Request<Body>> {
        let body = match self.case.way {
            Way::Up => self.text.clone(),
            Way::Down => Bytes::new(),
        };
        (0..count).map(|_| request(self.case.way, body.clone())).collect()
    }
}

fn request(way: Way, body: Bytes) -> Request<Body> {
    let mut request = Request::new(Body::from(body));
    *request.uri_mut() = Uri::from_static("/v1/transfers");
    if way == Way::Up {
        *request.method_mut() = Method::POST;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
    }
    request
}
