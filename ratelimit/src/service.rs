use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use stonework_core::RequestHead;
use tower_service::Service;

use crate::body::ResponseBody;
use crate::concurrency::Permits;
use crate::decide::{Deciding, decide};
use crate::future::{Parked, ResponseFuture};
use crate::shared::Shared;
use crate::verdict::Verdict;

/// The service that [`RateLimitLayer`](crate::RateLimitLayer) puts around another one.
pub struct RateLimitService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> RateLimitService<S> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for RateLimitService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug> fmt::Debug for RateLimitService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitService")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimitService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match decide(&self.shared, &RequestHead::of(&request)) {
            Deciding::Now(verdict) => carry_out(verdict, &mut self.inner, request),
            Deciding::Later(answer, permits) => {
                ResponseFuture::wait(answer, self.park(request, permits))
            }
        }
    }
}

impl<S: Clone> RateLimitService<S> {
    fn park<ReqBody>(
        &mut self,
        request: Request<ReqBody>,
        permits: Permits,
    ) -> Box<Parked<S, ReqBody>> {
        // The one that was polled ready is the one to be called.
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        Box::new(Parked { service, request, shared: Arc::clone(&self.shared), permits })
    }
}

/// Calls the service, or does not.
#[inline]
pub(crate) fn carry_out<S, ReqBody, ResBody>(
    verdict: Verdict,
    service: &mut S,
    mut request: Request<ReqBody>,
) -> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    match verdict {
        Verdict::Pass => ResponseFuture::pass(service.call(request)),
        Verdict::Go(admitted) => {
            admitted.prepare(request.extensions_mut());
            ResponseFuture::go(service.call(request), admitted)
        }
        Verdict::Stop(response) => ResponseFuture::answer(response),
    }
}
