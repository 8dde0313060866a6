use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use stonework_core::{RequestHead, StoneBody};
use tower_service::Service;

use crate::act::{Act, act};
use crate::asked::{Asked, Once};
use crate::beside::Kept;
use crate::decision::Decision;
use crate::future::{Answer, Parked, ResponseFuture};
use crate::shared::{Shared, Source, found};
use crate::stamp::{Mark, Stamp};

/// The service that [`CorsLayer`](crate::CorsLayer) puts around another one, which has to be `Clone`: it is
/// kept where a policy is waited for.
pub struct CorsService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> CorsService<S> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for CorsService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug> fmt::Debug for CorsService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CorsService")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CorsService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<StoneBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let head = RequestHead::of(&request);
        let asked = Asked::of(&head);
        let done = match &self.shared.source {
            Source::Fixed(policy) => act(&self.shared, Ok(policy), &asked, &head),
            Source::Resolved(resolver) => match resolver.resolve(&head).try_ready() {
                Ok(answer) => {
                    let policy = found(answer);
                    let policy = policy.as_ref().map_err(|reason| *reason);
                    act(&self.shared, policy, &asked, &head)
                }
                Err(answer) => return self.wait(answer, request),
            },
        };
        carry_out(done, &mut self.inner, request)
    }
}

impl<S> CorsService<S> {
    /// The policy is still to be found out.
    fn wait<ReqBody, ResBody>(
        &mut self,
        answer: Answer,
        request: Request<ReqBody>,
    ) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    {
        let head = RequestHead::of(&request);
        match Asked::of(&head) {
            // The policy has a say in whether the service is called.
            Asked::Preflight(_) => self.park(answer, request),
            // No page asks. Whatever the policy is, another answer may be given where one does.
            Asked::Actual(Once::Absent) => {
                let decision = self.shared.tell(Decision::NotCors);
                let stamp = Stamp { mark: Mark::Vary, decision };
                ResponseFuture::go(self.inner.call(request), stamp)
            }
            Asked::Actual(_) if self.shared.reject_actual => self.park(answer, request),
            // It has not, so that both can be waited for at once.
            Asked::Actual(origin) => {
                let kept = Kept::of(&self.shared, origin, &head);
                ResponseFuture::beside(self.inner.call(request), answer, kept)
            }
        }
    }

    fn park<ReqBody, ResBody>(
        &mut self,
        answer: Answer,
        request: Request<ReqBody>,
    ) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    {
        // The one that was polled ready is the one to be called.
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        let shared = Arc::clone(&self.shared);
        ResponseFuture::before(Box::new(Parked { answer, service, request, shared }))
    }
}

/// Calls the service, or does not.
#[inline]
pub(crate) fn carry_out<S, ReqBody, ResBody>(
    act: Act,
    service: &mut S,
    request: Request<ReqBody>,
) -> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    match act {
        Act::Go(stamp) => ResponseFuture::go(service.call(request), stamp),
        Act::Answer(response) => ResponseFuture::answer(response),
    }
}
