use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use stonework_core::RequestHead;
use tower_service::Service;

use crate::admit::{Asked, AskedAll, admit};
use crate::admitted::Admitted;
use crate::body::ResponseBody;
use crate::concurrency::Permits;
use crate::decide::{Deciding, Ruling, decide};
use crate::future::{Parked, ResponseFuture};
use crate::rejection::Rejection;
use crate::reply::Refusal;
use crate::shared::Shared;
use crate::verdict::{Verdict, judge};

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
        let head = RequestHead::of(&request);
        if self.shared.skip.skips(&head) {
            return ResponseFuture::pass(self.inner.call(request));
        }
        let (mut permits, mut asked) = (Permits::new(), AskedAll::new());
        if let Err((rejection, gate)) = screen(&self.shared, &head, &mut permits, &mut asked) {
            let refusal = Refusal { rejection, gate, decision: None };
            return ResponseFuture::answer(refusal.reply(&self.shared, &head));
        }
        if asked.is_empty() {
            return self.pass(request, permits);
        }
        match decide(&self.shared, &mut asked) {
            Deciding::Now(ruling) => {
                let ruled = Ruled { ruling, asked: &asked, permits, shared: &self.shared };
                ruled.carry_out(&mut self.inner, request)
            }
            Deciding::Later(ruling) => ResponseFuture::wait(ruling, self.park(request, permits)),
        }
    }
}

impl<S> RateLimitService<S> {
    fn pass<ReqBody, ResBody>(
        &mut self,
        request: Request<ReqBody>,
        permits: Permits,
    ) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    {
        let future = self.inner.call(request);
        if permits.is_empty() {
            return ResponseFuture::pass(future);
        }
        ResponseFuture::go(future, Admitted::holding(Arc::clone(&self.shared), permits))
    }

    fn park<ReqBody>(
        &mut self,
        request: Request<ReqBody>,
        permits: Permits,
    ) -> Box<Parked<S, ReqBody>>
    where
        S: Clone,
    {
        // The one that was polled ready is the one to be called.
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        Box::new(Parked { service, request, shared: Arc::clone(&self.shared), permits })
    }
}

/// Permits come first: they cost nothing, and a request that gets none shall not be charged.
#[inline]
fn screen<'a>(
    shared: &'a Shared,
    head: &RequestHead<'_>,
    permits: &mut Permits,
    asked: &mut AskedAll,
) -> Result<(), (Rejection, Option<&'a Arc<str>>)> {
    for gate in &shared.gates {
        match gate.enter(head) {
            Ok(permit) => permits.extend(permit),
            Err(rejection) => {
                let named = (rejection == Rejection::TooManyAtOnce).then(|| gate.name());
                return Err((rejection, named));
            }
        }
    }
    admit(&shared.limits, head, asked).map_err(|rejection| (rejection, None))
}

/// What is to be done with a request.
pub(crate) struct Ruled<'a> {
    pub(crate) ruling: Ruling,
    pub(crate) asked: &'a [Asked],
    pub(crate) permits: Permits,
    pub(crate) shared: &'a Arc<Shared>,
}

impl Ruled<'_> {
    /// Calls the service, or does not.
    #[inline]
    pub(crate) fn carry_out<S, ReqBody, ResBody>(
        self,
        service: &mut S,
        mut request: Request<ReqBody>,
    ) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    {
        let Self { ruling, asked, permits, shared } = self;
        match judge(shared, &ruling, asked, &RequestHead::of(&request)) {
            Verdict::Go(granted) if granted.is_plain() && permits.is_empty() => {
                ResponseFuture::pass(service.call(request))
            }
            Verdict::Go(granted) => {
                let extensions = request.extensions_mut();
                let admitted = Admitted::new(Arc::clone(shared), granted, permits, extensions);
                ResponseFuture::go(service.call(request), admitted)
            }
            Verdict::Stop(refusal) => {
                ResponseFuture::answer(refusal.reply(shared, &RequestHead::of(&request)))
            }
        }
    }
}
