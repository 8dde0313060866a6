use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use stonework_core::StoneBody;
use tower_service::Service;

use crate::admitted::Admitted;
use crate::body::ResponseBody;
use crate::concurrency::Permits;
use crate::decide::Waiting;
use crate::service::Ruled;
use crate::shared::Shared;

type Reply<B> = Response<ResponseBody<B>>;

pin_project! {
    /// The future of [`RateLimitService`](crate::RateLimitService).
    ///
    /// Dropping it drops the request. What was charged stays charged, unless the handler has said
    /// otherwise by its [`Charge`](crate::Charge). If it is dropped while the store is being
    /// asked, the request may or may not have been charged.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, ResBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        Passing { #[pin] future: S::Future },
        Admitted { #[pin] future: S::Future, admitted: Option<Admitted> },
        Answered { response: Option<Box<Reply<ResBody>>> },
        // Boxed, so that a request whose store answers at once is not moved about with room for it.
        Asking { ruling: Waiting, parked: Option<Box<Parked<S, ReqBody>>> },
    }
}

/// A request whose store is being asked.
pub(crate) struct Parked<S, ReqBody> {
    pub(crate) service: S,
    pub(crate) request: Request<ReqBody>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) permits: Permits,
}

impl<S, ReqBody, ResBody> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    #[inline]
    pub(crate) const fn pass(future: S::Future) -> Self {
        Self { state: State::Passing { future } }
    }

    /// Goes on, with something to be done when the service has answered.
    #[inline]
    pub(crate) const fn go(future: S::Future, admitted: Admitted) -> Self {
        Self { state: State::Admitted { future, admitted: Some(admitted) } }
    }

    pub(crate) fn answer(response: Reply<ResBody>) -> Self {
        Self { state: State::Answered { response: Some(Box::new(response)) } }
    }

    pub(crate) const fn wait(ruling: Waiting, parked: Box<Parked<S, ReqBody>>) -> Self {
        Self { state: State::Asking { ruling, parked: Some(parked) } }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Reply<ResBody>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project().state.project() {
                StateProj::Passing { future } => {
                    let whole = |body| ResponseBody::new(StoneBody::inner(body), None);
                    return future.poll(cx).map_ok(|response| response.map(whole));
                }
                StateProj::Admitted { future, admitted } => {
                    let response = ready!(future.poll(cx));
                    return match (response, admitted.take()) {
                        (Ok(response), Some(admitted)) => {
                            Poll::Ready(Ok(admitted.respond(response)))
                        }
                        (Err(error), _) => Poll::Ready(Err(error)),
                        // Polled again after it was ready, it stays pending.
                        (Ok(_), None) => Poll::Pending,
                    };
                }
                StateProj::Answered { response } => {
                    return response.take().map_or(Poll::Pending, |r| Poll::Ready(Ok(*r)));
                }
                StateProj::Asking { ruling, parked } => {
                    let (ruling, asked) = ready!(ruling.as_mut().poll(cx));
                    let Some(parked) = parked.take() else { return Poll::Pending };
                    let Parked { mut service, request, shared, permits } = *parked;
                    let ruled = Ruled { ruling, asked: &asked, permits, shared: &shared };
                    ruled.carry_out(&mut service, request).state
                }
            };
            self.as_mut().project().state.set(next);
        }
    }
}

impl<S, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Passing { .. } => "passing",
            State::Admitted { .. } => "admitted",
            State::Answered { .. } => "answered",
            State::Asking { .. } => "asking",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
