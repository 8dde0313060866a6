//! The least code that could do it: a set of origins, and headers put straight into the response. It
//! checks no configuration, no method and no header, and knows no patterns.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tower_service::Service;

use super::subject::{EXPOSED, HEADERS, METHODS};
use crate::inner::Inner;

#[derive(Clone)]
pub(super) struct Limit {
    inner: Inner,
    origins: Arc<HashSet<Box<[u8]>>>,
}

impl Limit {
    pub(super) fn new(inner: Inner, origins: impl Iterator<Item = String>) -> Self {
        let origins = origins.map(|origin| origin.into_bytes().into()).collect();
        Self { inner, origins: Arc::new(origins) }
    }

    fn answer(&mut self, request: Request<Body>) -> Response<Body> {
        let headers = request.headers();
        let asks = request.method() == Method::OPTIONS
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let origin = headers.get(ORIGIN);
        let allowed = origin.filter(|origin| self.origins.contains(origin.as_bytes())).cloned();
        match (asks, allowed) {
            (true, Some(origin)) => preflight(origin),
            (true, None) => empty(StatusCode::FORBIDDEN),
            (false, allowed) => {
                let Ok(mut response) = self.inner.call(request).into_inner();
                let headers = response.headers_mut();
                if let Some(origin) = allowed {
                    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
                    headers
                        .insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
                }
                headers.append(VARY, HeaderValue::from_static("origin"));
                response
            }
        }
    }
}

const TRUE: HeaderValue = HeaderValue::from_static("true");

fn preflight(origin: HeaderValue) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

impl Service<Request<Body>> for Limit {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ready(Ok(self.answer(request)))
    }
}
