use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use stonework_core::StoneBody;
use tower_service::Service;

use crate::Claims;
use crate::steps::{Start, State, StateProj, begin, call, go, poll_reading, read, settle};

pin_project! {
    /// The future of [`VerifyService`](crate::VerifyService).
    ///
    /// Dropping it drops the request, and the handler if it runs: the event is then released, and handled when it is
    /// delivered again.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<StoneBody<ReqBody>>>,
    {
        #[pin]
        state: State<S, ReqBody, ResBody>,
    }
}

impl<S, ReqBody, ResBody> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
    ReqBody: Body,
{
    pub(crate) fn answer(response: Response<StoneBody<ResBody>>) -> Self {
        Self { state: State::answered(response) }
    }

    pub(crate) fn begin(start: Start<S, ReqBody>, claims: Claims) -> Self {
        Self { state: begin(start, claims) }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>>,
    ReqBody: Body,
    ResBody: Body<Data = Bytes>,
{
    type Output = Result<Response<StoneBody<ResBody>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project().state.project() {
                StateProj::Answered { response } => {
                    // Polled again after it was ready, it stays pending.
                    return response.take().map_or(Poll::Pending, |r| Poll::Ready(Ok(*r)));
                }
                StateProj::FindingKeys { keys, asked } => {
                    let found = ready!(Pin::new(keys).poll(cx));
                    let Some(asked) = asked.take() else { return Poll::Pending };
                    read(asked.start, asked.claims, found)
                }
                StateProj::Reading { reading } => ready!(poll_reading(reading.as_mut(), cx)),
                StateProj::Claiming { claim, claimed } => {
                    let reply = ready!(Pin::new(claim).poll(cx));
                    let Some(ready) = claimed.take() else { return Poll::Pending };
                    go(ready, reply)
                }
                StateProj::Calling { ready } => {
                    let Some(called) = ready.as_mut() else { return Poll::Pending };
                    let polled = ready!(called.service.poll_ready(cx));
                    let Some(called) = ready.take() else { return Poll::Pending };
                    call(*called, polled)
                }
                StateProj::Running { future, run, shared } => {
                    let response = ready!(future.poll(cx));
                    settle(shared, run.take(), response)
                }
                StateProj::Settling { settling, run, response } => {
                    let settled = ready!(Pin::new(settling).poll(cx));
                    if let Some(run) = run {
                        run.settled(&settled);
                    }
                    // The run is dropped with the state, and pays what the store has not heard.
                    let Some(response) = response.take() else { return Poll::Pending };
                    self.as_mut().project().state.set(State::Done);
                    return Poll::Ready(response.map(|response| *response));
                }
                StateProj::Done => return Poll::Pending,
            };
            self.as_mut().project().state.set(next);
        }
    }
}

impl<S, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Answered { .. } => "answered",
            State::FindingKeys { .. } => "finding keys",
            State::Reading { .. } => "reading",
            State::Claiming { .. } => "claiming",
            State::Calling { .. } => "calling",
            State::Running { .. } => "running",
            State::Settling { .. } => "settling",
            State::Done => "done",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
