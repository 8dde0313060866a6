use std::fmt;

use axum::body::Body;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderName, HeaderValue, Request, Uri};

use super::HEADER;

/// Where the version stands, and what is done with it. All ask for version 1, of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// It is read, and the path left alone.
    PathKept,
    /// It is taken out of the path, and the router of the version called.
    PathStripped,
    HeaderRead,
    /// The router of the version is called.
    HeaderDispatched,
    Query,
    MediaType,
    /// There is a date, an end and links to tell.
    Deprecated,
    /// There is no such version.
    Refused,
    /// It needs no version.
    Neutral,
    /// It names none, and its account is pinned to one.
    Pinned,
}

impl Case {
    pub(super) const ALL: [Self; 10] = [
        Self::PathStripped,
        Self::HeaderDispatched,
        Self::PathKept,
        Self::HeaderRead,
        Self::Query,
        Self::MediaType,
        Self::Deprecated,
        Self::Pinned,
        Self::Refused,
        Self::Neutral,
    ];

    /// Is there a router for each version? Else there is the bare service.
    pub(super) const fn dispatches(self) -> bool {
        matches!(self, Self::PathStripped | Self::HeaderDispatched)
    }

    pub(super) fn request(self) -> Request<Body> {
        let (uri, header) = match self {
            Self::PathKept | Self::PathStripped => ("/v1/transfers/7", None),
            Self::HeaderRead | Self::HeaderDispatched | Self::Deprecated => {
                ("/api/transfers/7", Some((HeaderName::from_static(HEADER), "v1")))
            }
            Self::Refused => ("/api/transfers/7", Some((HeaderName::from_static(HEADER), "v9"))),
            Self::Query => ("/transfers/7?page=2&api-version=1", None),
            Self::MediaType => ("/transfers/7", Some((ACCEPT, "application/json;v=1"))),
            Self::Pinned => ("/transfers/7", Some((AUTHORIZATION, "Bearer 0123456789abcdef"))),
            Self::Neutral => ("/healthz", None),
        };
        to(uri, header)
    }

    /// For a service that knows no versions, and so finds none in the path.
    pub(super) fn request_without_version(self) -> Request<Body> {
        match self {
            Self::PathStripped => to("/transfers/7", None),
            _ => self.request(),
        }
    }
}

fn to(uri: &'static str, header: Option<(HeaderName, &'static str)>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(uri);
    if let Some((name, value)) = header {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PathKept => "path read",
            Self::PathStripped => "path stripped, to a router of each version",
            Self::HeaderRead => "header read",
            Self::HeaderDispatched => "header read, to a router of each version",
            Self::Query => "query read",
            Self::MediaType => "media type read",
            Self::Deprecated => "version deprecated, all headers",
            Self::Refused => "version unsupported",
            Self::Neutral => "path without version",
            Self::Pinned => "version pinned, in the cache",
        })
    }
}
