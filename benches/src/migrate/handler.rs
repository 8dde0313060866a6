use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request, Response};
use stonework_core::collect_capped;
use tower_service::Service;

/// In which the handler tells how long the body was that it got.
pub(super) const GOT: HeaderName = HeaderName::from_static("x-got");

const CAP: usize = 1 << 20;

/// Reads the body, and answers with one that is there already.
#[derive(Clone)]
pub(super) struct Handler {
    pub(super) body: Bytes,
}

impl<B> Service<Request<B>> for Handler
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.body.clone();
        Box::pin(async move {
            let body = collect_capped(request.into_body(), CAP, pending::<()>()).await;
            let got = body.map_or(0, |body| body.data.len());
            let mut response = Response::new(Body::from(answer));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(GOT, HeaderValue::from(got));
            Ok(response)
        })
    }
}
