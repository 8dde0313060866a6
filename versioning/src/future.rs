use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use stonework_core::{RequestHead, StoneBody, StoreFuture};
use tower_service::Service;

use crate::decide::{Answer, conclude, stamp};
use crate::service::carry_out;
use crate::shared::Shared;
use crate::{Index, Moment};

pin_project! {
    /// The future of [`VersionService`](crate::VersionService).
    ///
    /// Dropping it drops the request. If it is dropped while the store of pins is being asked, the account
    /// may be pinned or not.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        Passing { #[pin] future: S::Future },
        Going { #[pin] future: S::Future, shared: Arc<Shared>, index: Index, now: Moment },
        Answered { response: Option<Box<Response<Bytes>>> },
        // Boxed, so that a request whose version is known is not moved about with room for it.
        Asking { answer: StoreFuture<Answer>, parked: Option<Box<Parked<S, ReqBody>>> },
    }
}

/// A request whose pin is being asked for.
pub(crate) struct Parked<S, ReqBody> {
    pub(crate) service: S,
    pub(crate) request: Request<ReqBody>,
    pub(crate) shared: Arc<Shared>,
}

impl<S, ReqBody, ResBody> ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    pub(crate) const fn pass(future: S::Future) -> Self {
        Self { state: State::Passing { future } }
    }

    pub(crate) const fn go(
        future: S::Future,
        shared: Arc<Shared>,
        index: Index,
        now: Moment,
    ) -> Self {
        Self { state: State::Going { future, shared, index, now } }
    }

    pub(crate) const fn answer(response: Box<Response<Bytes>>) -> Self {
        Self { state: State::Answered { response: Some(response) } }
    }

    pub(crate) const fn wait(answer: StoreFuture<Answer>, parked: Box<Parked<S, ReqBody>>) -> Self {
        Self { state: State::Asking { answer, parked: Some(parked) } }
    }

    /// Waits for the pin, and goes on.
    #[inline(never)]
    fn poll_pin(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let StateProj::Asking { answer, parked } = self.as_mut().project().state.project() else {
            return Poll::Ready(());
        };
        let answer = ready!(Pin::new(answer).poll(cx));
        let Some(parked) = parked.take() else { return Poll::Pending };
        let Parked { mut service, request, shared } = *parked;
        let verdict = conclude(&shared, &RequestHead::of(&request), answer);
        let next = carry_out(verdict, &shared, &mut service, request).state;
        self.project().state.set(next);
        Poll::Ready(())
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<StoneBody<ResBody>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if matches!(self.state, State::Asking { .. }) {
            ready!(self.as_mut().poll_pin(cx));
        }
        match self.project().state.project() {
            StateProj::Passing { future } => {
                future.poll(cx).map_ok(|response| response.map(StoneBody::inner))
            }
            StateProj::Going { future, shared, index, now } => {
                let response = ready!(future.poll(cx));
                Poll::Ready(response.map(|mut response| {
                    stamp(shared, Some(*index), *now, response.headers_mut());
                    response.map(StoneBody::inner)
                }))
            }
            StateProj::Answered { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response.map(StoneBody::full)))),
            // It was asked above.
            StateProj::Asking { .. } => Poll::Pending,
        }
    }
}

impl<S, ReqBody> fmt::Debug for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Passing { .. } => "passing",
            State::Going { .. } => "going",
            State::Answered { .. } => "answered",
            State::Asking { .. } => "asking",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
