//! The least code that could do it: one locked hash table. It forgets nothing, times nothing out,
//! cannot be cancelled safely, and answers a duplicate in flight with 409 and nothing more.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use sha2::{Digest, Sha256};
use stonework_core::collect_capped;
use tower_service::Service;

use crate::inner::Inner;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const CAP: usize = 1024 * 1024;

type Table = Arc<Mutex<HashMap<HeaderValue, Option<Stored>>>>;

#[derive(Clone)]
struct Stored {
    fingerprint: [u8; 32],
    status: StatusCode,
    headers: Arc<HeaderMap>,
    body: Bytes,
}

/// A locked table around the bare service.
#[derive(Clone)]
pub(super) struct Limit {
    inner: Inner,
    table: Table,
    fingerprints: bool,
}

impl Limit {
    /// With `fingerprints`, it reads and hashes the request, and compares.
    pub(super) fn new(inner: Inner, fingerprints: bool) -> Self {
        Self { inner, table: Arc::default(), fingerprints }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<HeaderValue, Option<Stored>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reply to a key that was used before. A new one is marked as used.
    fn claim(&self, key: &HeaderValue, fingerprint: &[u8; 32]) -> Option<Response<Body>> {
        let mut table = self.table();
        if let Some(found) = table.get(key) {
            return Some(
                found.as_ref().map_or_else(in_flight, |stored| stored.replay(fingerprint)),
            );
        }
        table.insert(key.clone(), None);
        None
    }

    async fn protect(mut self, key: HeaderValue, request: Request<Body>) -> Response<Body> {
        let (fingerprint, request) = self.fingerprint(request).await;
        if let Some(reply) = self.claim(&key, &fingerprint) {
            return reply;
        }
        let Ok(response) = self.inner.call(request).await;
        let (head, body) = response.into_parts();
        let Ok(body) = collect_capped(body, CAP, std::future::pending::<()>()).await else {
            return refused(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let stored = Stored::new(fingerprint, &head, body.data.clone());
        self.table().insert(key, Some(stored));
        Response::from_parts(head, Body::from(body.data))
    }

    async fn fingerprint(&self, request: Request<Body>) -> ([u8; 32], Request<Body>) {
        if !self.fingerprints {
            return ([0; 32], request);
        }
        let (head, body) = request.into_parts();
        let body = collect_capped(body, CAP, std::future::pending::<()>()).await;
        let data = body.map(|body| body.data).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(head.method.as_str());
        hash.update(head.uri.path());
        hash.update(head.headers.get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes));
        hash.update(&data);
        (hash.finalize().into(), Request::from_parts(head, Body::from(data)))
    }
}

impl Stored {
    fn new(fingerprint: [u8; 32], head: &Parts, body: Bytes) -> Self {
        Self { fingerprint, status: head.status, headers: Arc::new(head.headers.clone()), body }
    }

    fn replay(&self, fingerprint: &[u8; 32]) -> Response<Body> {
        if self.fingerprint != *fingerprint {
            return refused(StatusCode::UNPROCESSABLE_ENTITY);
        }
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = HeaderMap::clone(&self.headers);
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        response
    }
}

fn in_flight() -> Response<Body> {
    refused(StatusCode::CONFLICT)
}

fn refused(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

type Reply = Result<Response<Body>, Infallible>;

pin_project! {
    #[project = LimitFutureProj]
    pub(super) enum LimitFuture {
        Passing { #[pin] future: std::future::Ready<Reply> },
        Protecting { future: Pin<Box<dyn Future<Output = Reply> + Send>> },
    }
}

impl Future for LimitFuture {
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        match self.project() {
            LimitFutureProj::Passing { future } => future.poll(cx),
            LimitFutureProj::Protecting { future } => future.as_mut().poll(cx),
        }
    }
}

impl Service<Request<Body>> for Limit {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = LimitFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> LimitFuture {
        let Some(key) = request.headers().get(KEY).cloned() else {
            return LimitFuture::Passing { future: self.inner.call(request) };
        };
        let this = self.clone();
        LimitFuture::Protecting {
            future: Box::pin(async move { Ok(this.protect(key, request).await) }),
        }
    }
}
