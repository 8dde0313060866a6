use axum::body::Body;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, VARY};
use http::response::Parts;
use http::{Request, StatusCode};

use super::APP;
use super::scenario::{Asked, Case};
use super::subject::Name;
use crate::layered::{BATCH, Layered, Server, Traffic};
use crate::suite::{Scenario, Subject};
use crate::work::Bench;

/// What one subject is asked in one scenario.
struct Calls {
    name: Name,
    case: Case,
}

impl Traffic for Calls {
    fn server(&self) -> Server {
        self.name.server(self.case)
    }

    fn requests(&mut self, count: usize) -> Vec<Request<Body>> {
        (0..count).map(|_| self.case.request()).collect()
    }
}

pub(super) fn scenario(case: Case) -> Scenario {
    let subjects =
        Name::ALL.map(|name| Subject::new(name.word(), name.title(), move || bench(name, case)));
    Scenario::new(case.to_string(), BATCH, subjects.into())
}

fn bench(name: Name, case: Case) -> Bench {
    let mut layered = Layered::new(Calls { name, case });
    for head in layered.heads(2) {
        check(name, case, &head);
    }
    Bench::new(layered)
}

fn check(name: Name, case: Case, head: &Parts) {
    if name == Name::Floor {
        return;
    }
    let told = head.headers.get(ACCESS_CONTROL_ALLOW_ORIGIN);
    assert_eq!(told.is_some(), case.allows(), "{name:?}, {case}");
    assert!(told.is_none_or(|origin| origin == APP), "{name:?}, {case}");
    let status = match (case.asked, name) {
        // It answers as if nothing were the matter, and the browser finds that a header is missing.
        (Asked::PreflightDenied, Name::Peer) => StatusCode::OK,
        (Asked::PreflightDenied, _) => StatusCode::FORBIDDEN,
        (Asked::PreflightAllowed, Name::Peer) => StatusCode::OK,
        (Asked::PreflightAllowed, _) => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    };
    assert_eq!(head.status, status, "{name:?}, {case}");
    if matches!(case.asked, Asked::NoOrigin | Asked::Allowed | Asked::Denied) {
        assert!(head.headers.contains_key(VARY), "{name:?}, {case}");
    }
}
