use axum::body::Body;
use http::header::RETRY_AFTER;
use http::response::Parts;
use http::{Request, StatusCode};

use super::keys::{Keys, address};
use super::scenario::Case;
use super::subject::Name;
use crate::layered::{BATCH, Layered, Server, Traffic};
use crate::suite::{Scenario, Subject};
use crate::work::{Bench, Work};

/// What one subject is asked in one scenario.
struct Calls {
    name: Name,
    case: Case,
    keys: Keys,
}

impl Traffic for Calls {
    fn server(&self) -> Server {
        self.name.server(self.case)
    }

    fn requests(&mut self, count: usize) -> Vec<Request<Body>> {
        self.keys.by_ref().take(count).map(request).collect()
    }
}

/// It carries the client's address already, so that nobody has to find it.
fn request(number: u32) -> Request<Body> {
    let request = Request::get("/v1/transfers").extension(address(number)).body(Body::empty());
    request.expect("the parts are valid")
}

pub(super) fn scenario(case: Case) -> Scenario {
    let scenario =
        Scenario::new(case.to_string(), BATCH, Name::ALL.map(|n| subject(n, case)).into());
    Scenario { counts_instructions: case.counts_instructions(), ..scenario }
}

fn subject(name: Name, case: Case) -> Subject {
    let subject = Subject::new(name.word(), name.title(), move || bench(name, case));
    match (case, name) {
        (Case::Denied, Name::Floor) | (Case::Allowed(_) | Case::New, _) => subject,
        (Case::Denied, _) => subject.beside(move || bench(name, Case::Allowed(1))),
    }
}

/// With all clients in its store that are to be known.
fn bench(name: Name, case: Case) -> Bench {
    let mut layered = Layered::new(Calls { name, case, keys: case.keys() });
    check(name, case, &layered.heads(BATCH));
    for _ in 0..case.known().div_ceil(BATCH) {
        layered.prepare(BATCH);
        layered.run();
    }
    Bench::new(layered)
}

fn check(name: Name, case: Case, heads: &[Parts]) {
    let granted = if name == Name::Floor { heads.len() } else { case.granted(heads.len()) };
    let (granted, denied) = heads.split_at(granted);
    for head in granted {
        assert_eq!(head.status, StatusCode::OK, "{name:?}, {case}");
        let told =
            ["ratelimit", "x-ratelimit-remaining"].map(|name| head.headers.contains_key(name));
        assert_eq!(told.contains(&true), name.header().is_some(), "{name:?}, {case}");
        assert!(name.header().is_none_or(|header| head.headers.contains_key(header)));
    }
    for head in denied {
        assert_eq!(head.status, StatusCode::TOO_MANY_REQUESTS, "{name:?}, {case}");
        assert!(head.headers.contains_key(RETRY_AFTER), "{name:?}, {case}");
    }
}
