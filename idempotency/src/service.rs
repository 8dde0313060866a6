use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, Request, Response};
use http_body::Body;
use stonework_core::{RequestHead, StoneBody};
use tower_service::Service;

use crate::admit::{Admission, admit};
use crate::fingerprint;
use crate::future::{ResponseFuture, Start};
use crate::lookup::Lookup;
use crate::rejection::Rejection;
use crate::reply::ReplyTo;
use crate::shared::Shared;

const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// The service that [`IdempotencyLayer`](crate::IdempotencyLayer) puts around another one.
pub struct IdempotencyService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> IdempotencyService<S> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for IdempotencyService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug> fmt::Debug for IdempotencyService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyService")
            .field("inner", &self.inner)
            .field("policy", &self.shared.policy)
            .finish()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for IdempotencyService<S>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqBody: Body + Send + 'static,
    ResBody: Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Send,
{
    type Response = Response<StoneBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match admit(&self.shared.policy, &RequestHead::of(&request)) {
            Admission::Pass => ResponseFuture::pass(self.inner.call(request.map(StoneBody::inner))),
            Admission::Reject(rejection) => self.reject(request, rejection),
            Admission::Protect(lookup) => self.protect(request, lookup),
        }
    }
}

impl<S> IdempotencyService<S> {
    fn reject<ReqBody, ResBody>(
        &self,
        request: Request<ReqBody>,
        rejection: Rejection,
    ) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<StoneBody<ReqBody>>>,
        ReqBody: Body,
    {
        let (head, _) = request.into_parts();
        let reply_to = ReplyTo::new(Arc::clone(&self.shared), &head);
        ResponseFuture::reject(reply_to.reject(rejection))
    }

    fn protect<ReqBody, ResBody>(
        &mut self,
        request: Request<ReqBody>,
        lookup: Lookup,
    ) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<StoneBody<ReqBody>>> + Clone,
        ReqBody: Body,
    {
        // What was polled ready is let go: a permit of the inner service is not held for a client
        // that is slow to send, nor for a replay. The run polls its own before it calls it.
        let service = self.inner.clone();
        self.inner = service.clone();
        let (mut head, body) = request.into_parts();
        let mut fingerprint = fingerprint::begin(&RequestHead::from(&head));
        if let Some(more) = &self.shared.policy.fingerprint {
            more(&RequestHead::from(&head), &mut fingerprint);
        }
        let reply_to = ReplyTo::new(Arc::clone(&self.shared), &head);
        if reply_to.is_grpc() {
            // A recorded answer is for every client that retries, whatever it can decompress.
            head.headers.remove(GRPC_ACCEPT_ENCODING);
        }
        ResponseFuture::read(body, Start { service, head, lookup, fingerprint, reply_to })
    }
}
