use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;
use stonework_core::StoneBody;

use crate::decide::stamp;
use crate::shared::Shared;
use crate::{Index, Moment};

pin_project! {
    /// The future of [`VersionService`](crate::VersionService).
    ///
    /// Dropping it drops the request.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Passing { #[pin] future: F },
        Going { #[pin] future: F, shared: Arc<Shared>, index: Index, now: Moment },
        Answered { response: Option<Box<Response<Bytes>>> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) const fn pass(future: F) -> Self {
        Self { state: State::Passing { future } }
    }

    pub(crate) const fn go(future: F, shared: Arc<Shared>, index: Index, now: Moment) -> Self {
        Self { state: State::Going { future, shared, index, now } }
    }

    pub(crate) const fn answer(response: Box<Response<Bytes>>) -> Self {
        Self { state: State::Answered { response: Some(response) } }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<StoneBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
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
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Passing { .. } => "passing",
            State::Going { .. } => "going",
            State::Answered { .. } => "answered",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
