use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use stonework_core::{RequestHead, StoneBody};
use tower_service::Service;

use crate::admitted::Admitted;
use crate::body::ResponseBody;
use crate::concurrency::Permits;
use crate::decide::{Waiting, conclude};
use crate::service::carry_out;
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
        Answered { response: Option<Box<Response<Bytes>>>, body: PhantomData<fn() -> ResBody> },
        // Boxed, so that a request whose store answers at once is not moved about with room for it.
        Asking { answer: Waiting, parked: Option<Box<Parked<S, ReqBody>>> },
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

    pub(crate) const fn answer(response: Box<Response<Bytes>>) -> Self {
        Self { state: State::Answered { response: Some(response), body: PhantomData } }
    }

    pub(crate) const fn wait(answer: Waiting, parked: Box<Parked<S, ReqBody>>) -> Self {
        Self { state: State::Asking { answer, parked: Some(parked) } }
    }

    /// Waits for the store, and goes on.
    #[inline(never)]
    fn poll_store(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let StateProj::Asking { answer, parked } = self.as_mut().project().state.project() else {
            return Poll::Ready(());
        };
        let (answer, mut asked) = ready!(answer.as_mut().poll(cx));
        let Some(parked) = parked.take() else { return Poll::Pending };
        let Parked { mut service, request, shared, permits } = *parked;
        let verdict = conclude(&shared, answer, &mut asked, permits, &RequestHead::of(&request));
        let next = carry_out(verdict, &mut service, request).state;
        self.project().state.set(next);
        Poll::Ready(())
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Reply<ResBody>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if matches!(self.state, State::Asking { .. }) {
            ready!(self.as_mut().poll_store(cx));
        }
        match self.project().state.project() {
            StateProj::Passing { future } => future
                .poll(cx)
                .map_ok(|r| r.map(|body| ResponseBody::new(StoneBody::inner(body), None))),
            StateProj::Admitted { future, admitted } => {
                match (ready!(future.poll(cx)), admitted.take()) {
                    (Ok(response), Some(admitted)) => Poll::Ready(Ok(admitted.respond(response))),
                    (Err(error), _) => Poll::Ready(Err(error)),
                    // Polled again after it was ready, it stays pending.
                    (Ok(_), None) => Poll::Pending,
                }
            }
            StateProj::Answered { response, .. } => response.take().map_or(Poll::Pending, |r| {
                Poll::Ready(Ok(r.map(|data| ResponseBody::new(StoneBody::full(data), None))))
            }),
            // It was left above.
            StateProj::Asking { .. } => Poll::Pending,
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
