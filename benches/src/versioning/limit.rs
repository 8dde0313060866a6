//! The least code that could do it: two texts are compared, and one header is put in. It knows no other
//! version, no life of one, and takes what it does not know for the newest.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use http::header::{ACCEPT, AUTHORIZATION};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::HEADER;
use super::scenario::Case;

/// The number of the service that is called; nothing for a request without a version.
type Find = fn(&mut Request<Body>) -> Option<usize>;

type Headers = &'static [(&'static str, &'static str)];

#[derive(Clone)]
pub(super) struct Limit<S> {
    services: [S; 2],
    find: Find,
    headers: Headers,
}

/// What the service inside learns.
#[derive(Clone, Copy)]
struct Version(#[allow(dead_code)] usize);

impl<S> Limit<S> {
    pub(super) fn new(case: Case, services: [S; 2]) -> Self {
        let headers: Headers = match case {
            Case::Deprecated => ALL_HEADERS,
            _ => &[("api-version", "v1")],
        };
        Self { services, find: finder(case), headers }
    }
}

const ALL_HEADERS: Headers = &[
    ("api-version", "v1"),
    ("deprecation", "@1735689600"),
    ("sunset", "Thu, 31 Dec 2099 00:00:00 GMT"),
    ("link", "<https://example.com/v1>; rel=\"deprecation\", </v2>; rel=\"successor-version\""),
    ("api-supported-versions", "v2"),
    ("api-deprecated-versions", "v1"),
    ("vary", HEADER),
];

fn finder(case: Case) -> Find {
    match case {
        Case::PathKept => |request| in_path(request.uri()).map(|(version, _)| version),
        Case::PathStripped => strip,
        Case::Query => |request| {
            let mut pairs = request.uri().query()?.split('&');
            pairs.find_map(|pair| pair.strip_prefix("api-version=")).map(number)
        },
        Case::MediaType => |request| {
            let (_, version) = request.headers().get(ACCEPT)?.to_str().ok()?.rsplit_once(";v=")?;
            Some(number(version))
        },
        Case::Pinned => pin,
        Case::Neutral => |_| None,
        Case::HeaderRead | Case::HeaderDispatched | Case::Deprecated | Case::Refused => |request| {
            let version = request.headers().get(HeaderName::from_static(HEADER))?;
            Some(usize::from(version.as_bytes() != b"v1"))
        },
    }
}

fn number(version: &str) -> usize {
    usize::from(version != "1")
}

/// The version, and the path behind it with the query.
fn in_path(uri: &Uri) -> Option<(usize, &str)> {
    let path = uri.path_and_query()?.as_str();
    path.strip_prefix("/v1")
        .map(|rest| (0, rest))
        .or_else(|| path.strip_prefix("/v2").map(|rest| (1, rest)))
}

fn strip(request: &mut Request<Body>) -> Option<usize> {
    let (version, rest) = in_path(request.uri())?;
    *request.uri_mut() = PathAndQuery::try_from(rest).ok()?.into();
    Some(version)
}

fn pin(request: &mut Request<Body>) -> Option<usize> {
    static PINS: LazyLock<RwLock<HashMap<Vec<u8>, usize>>> = LazyLock::new(|| {
        let account = b"Bearer 0123456789abcdef".to_vec();
        RwLock::new(HashMap::from([(account, 0)]))
    });
    let account = request.headers().get(AUTHORIZATION)?.as_bytes();
    PINS.read().unwrap_or_else(PoisonError::into_inner).get(account).copied()
}

impl<S> Service<Request<Body>> for Limit<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Stamped<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        let [first, second] = &mut self.services;
        let Ok(()) = ready!(first.poll_ready(cx));
        second.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(version) = (self.find)(&mut request) else {
            return Stamped { future: self.services[1].call(request), headers: &[] };
        };
        request.extensions_mut().insert(Version(version));
        Stamped { future: self.services[version].call(request), headers: self.headers }
    }
}

pin_project! {
    pub(super) struct Stamped<F> {
        #[pin]
        future: F,
        headers: Headers,
    }
}

impl<F> Future for Stamped<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.future.poll(cx));
        for (name, value) in *this.headers {
            let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
            response.headers_mut().insert(name, value);
        }
        Poll::Ready(Ok(response))
    }
}
