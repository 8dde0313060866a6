use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use stonework_core::{RequestHead, StoneBody, StoreError, StoreFuture};
use tower_service::Service;

use crate::act::act;
use crate::asked::Asked;
use crate::beside::{Beside, Kept};
use crate::policy::Policy;
use crate::service::carry_out;
use crate::shared::{Shared, found};
use crate::stamp::Stamp;

/// A policy that is still to be found out.
pub(crate) type Answer = StoreFuture<Result<Option<Policy>, StoreError>>;

pin_project! {
    /// The future of [`CorsService`](crate::CorsService).
    ///
    /// Dropping it drops the request.
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
        Going { #[pin] future: S::Future, stamp: Option<Stamp> },
        Answered { response: Option<Response<Bytes>>, body: PhantomData<fn() -> ResBody> },
        // Boxed, as what waits is rare, so that all others are not moved about with room for it.
        Beside { both: Pin<Box<Beside<S::Future, S::Response, S::Error>>> },
        Before { parked: Option<Box<Parked<S, ReqBody>>> },
    }
}

/// A request whose policy has to be known first.
pub(crate) struct Parked<S, ReqBody> {
    pub(crate) answer: Answer,
    pub(crate) service: S,
    pub(crate) request: Request<ReqBody>,
    pub(crate) shared: Arc<Shared>,
}

impl<S, ReqBody, ResBody> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    #[inline]
    pub(crate) const fn go(future: S::Future, stamp: Stamp) -> Self {
        Self { state: State::Going { future, stamp: Some(stamp) } }
    }

    pub(crate) const fn answer(response: Response<Bytes>) -> Self {
        Self { state: State::Answered { response: Some(response), body: PhantomData } }
    }

    pub(crate) fn beside(future: S::Future, answer: Answer, kept: Kept) -> Self {
        Self { state: State::Beside { both: Box::pin(Beside::new(future, answer, kept)) } }
    }

    pub(crate) const fn before(parked: Box<Parked<S, ReqBody>>) -> Self {
        Self { state: State::Before { parked: Some(parked) } }
    }

    /// Waits for the policy, and goes on.
    #[inline(never)]
    fn poll_before(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let StateProj::Before { parked } = self.as_mut().project().state.project() else {
            return Poll::Ready(());
        };
        let Some(waiting) = parked else { return Poll::Pending };
        let policy = found(ready!(Pin::new(&mut waiting.answer).poll(cx)));
        let Some(parked) = parked.take() else { return Poll::Pending };
        let Parked { mut service, request, shared, .. } = *parked;
        let head = RequestHead::of(&request);
        let policy = policy.as_ref().map_err(|reason| *reason);
        let done = act(&shared, policy, &Asked::of(&head), &head);
        let next = carry_out(done, &mut service, request).state;
        self.project().state.set(next);
        Poll::Ready(())
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<StoneBody<ResBody>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if matches!(self.state, State::Before { .. }) {
            ready!(self.as_mut().poll_before(cx));
        }
        match self.project().state.project() {
            StateProj::Going { future, stamp } => {
                let response = ready!(future.poll(cx));
                Poll::Ready(response.map(|mut response| {
                    if let Some(stamp) = stamp.take() {
                        stamp.apply(&mut response);
                    }
                    response.map(StoneBody::inner)
                }))
            }
            StateProj::Answered { response, .. } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response.map(StoneBody::full)))),
            StateProj::Beside { both } => {
                both.as_mut().poll(cx).map_ok(|r| r.map(StoneBody::inner))
            }
            // It was left above.
            StateProj::Before { .. } => Poll::Pending,
        }
    }
}

impl<S, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Going { .. } => "going",
            State::Answered { .. } => "answered",
            State::Beside { .. } => "finding the policy beside",
            State::Before { .. } => "finding the policy before",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
