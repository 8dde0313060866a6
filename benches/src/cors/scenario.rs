use std::fmt;

use axum::body::Body;
use http::{HeaderValue, Method, Request};

use super::{APP, OTHER};

/// What is asked, of a list of so many origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) asked: Asked,
    pub(super) origins: usize,
    /// Is the service cloned for each request, as axum does it?
    pub(super) cloned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    NoOrigin,
    Allowed,
    Denied,
    PreflightAllowed,
    PreflightDenied,
}

const fn case(asked: Asked, origins: usize) -> Case {
    Case { asked, origins, cloned: false }
}

const fn cloned(origins: usize) -> Case {
    Case { asked: Asked::Allowed, origins, cloned: true }
}

pub(super) const CASES: [Case; 14] = [
    case(Asked::NoOrigin, 1),
    case(Asked::Allowed, 1),
    case(Asked::Denied, 1),
    case(Asked::PreflightAllowed, 1),
    case(Asked::PreflightDenied, 1),
    case(Asked::Allowed, 100),
    case(Asked::Allowed, 10_000),
    case(Asked::Allowed, 100_000),
    case(Asked::Denied, 100),
    case(Asked::Denied, 10_000),
    case(Asked::Denied, 100_000),
    cloned(1),
    cloned(100),
    cloned(10_000),
];

impl Case {
    pub(super) fn request(self) -> Request<Body> {
        let origin = |origin| ("origin", HeaderValue::from_static(origin));
        let asked = [
            ("access-control-request-method", HeaderValue::from_static("PUT")),
            (
                "access-control-request-headers",
                HeaderValue::from_static("authorization,content-type"),
            ),
        ];
        let (method, headers) = match self.asked {
            Asked::NoOrigin => (Method::GET, vec![]),
            Asked::Allowed => (Method::GET, vec![origin(APP)]),
            Asked::Denied => (Method::GET, vec![origin(OTHER)]),
            Asked::PreflightAllowed => {
                (Method::OPTIONS, [vec![origin(APP)], asked.into()].concat())
            }
            Asked::PreflightDenied => {
                (Method::OPTIONS, [vec![origin(OTHER)], asked.into()].concat())
            }
        };
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = http::Uri::from_static("/v1/transfers");
        for (name, value) in headers {
            request.headers_mut().insert(name, value);
        }
        request
    }

    /// Is the page told that it may?
    pub(super) const fn allows(self) -> bool {
        matches!(self.asked, Asked::Allowed | Asked::PreflightAllowed)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.asked {
            Asked::NoOrigin => "GET without Origin",
            Asked::Allowed => "GET allowed",
            Asked::Denied => "GET denied",
            Asked::PreflightAllowed => "preflight allowed",
            Asked::PreflightDenied => "preflight denied",
        })?;
        match self.origins {
            1 => f.write_str(", 1 origin")?,
            many @ 10_000.. => write!(f, ", {}k origins", many / 1000)?,
            many => write!(f, ", {many} origins")?,
        }
        if self.cloned { f.write_str(", service cloned") } else { Ok(()) }
    }
}
