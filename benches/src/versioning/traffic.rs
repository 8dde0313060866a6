use axum::body::Body;
use http::response::Parts;
use http::{Request, StatusCode};

use super::routes::SERVED_BY;
use super::scenario::Case;
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
        let request = match self.name {
            Name::Floor => Case::request_without_version,
            _ => Case::request,
        };
        (0..count).map(|_| request(self.case)).collect()
    }
}

pub(super) fn scenario(case: Case) -> Scenario {
    let subject =
        |name: Name| Subject::new(name.word(), name.title(case), move || bench(name, case));
    let subjects = Name::ALL.into_iter().filter(|name| name.does(case)).map(subject);
    Scenario::new(case.to_string(), BATCH, subjects.collect())
}

fn bench(name: Name, case: Case) -> Bench {
    let mut layered = Layered::new(Calls { name, case });
    for head in layered.heads(2) {
        check(name, case, &head);
    }
    Bench::new(layered)
}

fn check(name: Name, case: Case, head: &Parts) {
    let status = match (case, name) {
        (Case::Refused, Name::Peer) => StatusCode::NOT_FOUND,
        (Case::Refused, Name::Stonework) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    assert_eq!(head.status, status, "{name:?}, {case}");
    let told =
        |header: &str| head.headers.get(header).map_or("", |told| told.to_str().unwrap_or(""));
    if case.dispatches() {
        assert_eq!(told(SERVED_BY.as_str()), "v1", "{name:?}, {case}");
    }
    let tells = matches!(name, Name::Limit | Name::Stonework)
        && !matches!(case, Case::Refused | Case::Neutral);
    assert_eq!(told("api-version"), if tells { "v1" } else { "" }, "{name:?}, {case}");
    if tells && case == Case::Deprecated {
        assert_eq!(told("deprecation"), "@1735689600", "{name:?}");
        assert_eq!(told("sunset"), "Thu, 31 Dec 2099 00:00:00 GMT", "{name:?}");
        assert!(told("link").contains("successor-version"), "{name:?}");
        assert_eq!(told("api-deprecated-versions"), "v1", "{name:?}");
    }
}
