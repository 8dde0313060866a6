use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use stonework_core::{RequestHead, StoneBody};
use tower_service::Service;

use super::future::HandshakeFuture;
use super::layer::Shared;
use crate::Verified;

/// Challenges are short; what is longer is an event, and not looked at.
pub(super) const MAX_CHALLENGE: usize = 16 * 1024;

/// The service that [`HandshakeLayer`](super::HandshakeLayer) puts around another one.
pub struct HandshakeService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> HandshakeService<S> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for HandshakeService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug> fmt::Debug for HandshakeService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeService")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for HandshakeService<S>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: Body,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<StoneBody<ResBody>>;
    type Error = S::Error;
    type Future = HandshakeFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let head = RequestHead::of(&request);
        let events = self.shared.cloud_events.as_ref();
        if let Some((status, headers)) = events.and_then(|events| events.answer(&head)) {
            let mut response = Response::new(StoneBody::full(Bytes::new()));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            return HandshakeFuture::answer(response);
        }
        let is_short =
            request.body().size_hint().upper().is_some_and(|l| l <= MAX_CHALLENGE as u64);
        let verified = head.extensions.get::<Verified>();
        match verified.filter(|verified| is_short && self.shared.answers(verified)) {
            Some(verified) => {
                let scheme = verified.scheme();
                // The one that was polled ready is the one that is called.
                let clone = self.inner.clone();
                let service = std::mem::replace(&mut self.inner, clone);
                HandshakeFuture::read(service, Arc::clone(&self.shared), scheme, request)
            }
            None => HandshakeFuture::pass(self.inner.call(request.map(StoneBody::inner))),
        }
    }
}
