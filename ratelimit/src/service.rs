use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use smallvec::SmallVec;
use stonework_core::RequestHead;
use tower_service::Service;

use crate::admit::{Admission, admit};
use crate::body::ResponseBody;
use crate::concurrency::Permit;
use crate::decide::{AskedAll, Deciding, decide};
use crate::future::{Parked, ResponseFuture};
use crate::rejection::Rejection;
use crate::reply::Refusal;
use crate::shared::Shared;

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

pub(crate) type Permits = SmallVec<[Permit; 1]>;

/// What a request has to do with the layer.
enum Concern<B> {
    None,
    Permits(Permits),
    Buckets(AskedAll, Permits),
    Refused(Box<Response<ResponseBody<B>>>),
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
        match self.concern(&RequestHead::of(&request)) {
            Concern::None => ResponseFuture::pass(self.inner.call(request)),
            Concern::Permits(permits) => {
                ResponseFuture::hold(self.inner.call(request), &self.shared, permits)
            }
            Concern::Buckets(asked, permits) => self.ask(request, asked, permits),
            Concern::Refused(response) => ResponseFuture::answer(response),
        }
    }
}

impl<S> RateLimitService<S> {
    /// Permits come first: they cost nothing, and a request that gets none shall not be charged.
    fn concern<B>(&self, head: &RequestHead<'_>) -> Concern<B> {
        let shared = &self.shared;
        if shared.skip.skips(head) {
            return Concern::None;
        }
        let mut permits = Permits::new();
        for gate in &shared.gates {
            match gate.enter(head) {
                Ok(permit) => permits.extend(permit),
                Err(rejection) => {
                    let gate = (rejection == Rejection::TooManyAtOnce).then(|| gate.name());
                    return self.refuse(Refusal { rejection, gate, decision: None }, head);
                }
            }
        }
        match admit(&shared.limits, head) {
            Admission::Pass if permits.is_empty() => Concern::None,
            Admission::Pass => Concern::Permits(permits),
            Admission::Ask(asked) => Concern::Buckets(asked, permits),
            Admission::Reject(rejection) => {
                self.refuse(Refusal { rejection, gate: None, decision: None }, head)
            }
        }
    }

    fn refuse<B>(&self, refusal: Refusal<'_>, head: &RequestHead<'_>) -> Concern<B> {
        Concern::Refused(Box::new(refusal.reply(&self.shared, head)))
    }

    fn ask<ReqBody, ResBody>(
        &mut self,
        request: Request<ReqBody>,
        asked: AskedAll,
        permits: Permits,
    ) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    {
        match decide(&self.shared, asked) {
            Deciding::Now(ruling, asked) => ResponseFuture::ruled(
                &mut self.inner,
                request,
                &self.shared,
                (ruling, asked),
                permits,
            ),
            Deciding::Later(ruling) => {
                // The one that was polled ready is the one to be called.
                let clone = self.inner.clone();
                let service = mem::replace(&mut self.inner, clone);
                let shared = Arc::clone(&self.shared);
                ResponseFuture::wait(ruling, Parked { service, request, shared, permits })
            }
        }
    }
}
