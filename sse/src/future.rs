use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Extensions, Response};
use pin_project_lite::pin_project;
use stonework_core::StoneBody;

use crate::ending::EndingBody;
use crate::rejection::told_to_come_back;
use crate::shared::Shared;
use crate::{LastEventId, Rejection, Ticket};

pin_project! {
    /// The future of [`SseService`](crate::SseService). Dropping it drops the request.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Passing { #[pin] future: F, shared: Arc<Shared> },
        Going { #[pin] future: F, ticket: Option<Ticket>, asked: Asked, shared: Arc<Shared> },
        Answered { response: Option<Box<Response<Bytes>>> },
    }
}

/// What a request has said.
pub(crate) struct Asked {
    pub(crate) wants_events: bool,
    pub(crate) was_at: Option<LastEventId>,
}

impl<F> ResponseFuture<F> {
    /// Of a request that is neither counted nor refused. What answers it may be a stream all the same.
    pub(crate) fn pass(future: F, shared: &Arc<Shared>) -> Self {
        Self { state: State::Passing { future, shared: Arc::clone(shared) } }
    }

    pub(crate) fn go(future: F, ticket: Ticket, asked: Asked, shared: &Arc<Shared>) -> Self {
        let (ticket, shared) = (Some(ticket), Arc::clone(shared));
        Self { state: State::Going { future, ticket, asked, shared } }
    }

    pub(crate) fn answer(response: Response<Bytes>) -> Self {
        Self { state: State::Answered { response: Some(Box::new(response)) } }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<StoneBody<EndingBody<B>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Passing { future, shared } => future.poll(cx).map_ok(|response| {
                let (parts, body) = response.into_parts();
                let body = EndingBody::new(body, &parts.headers, None, None, shared);
                Response::from_parts(parts, StoneBody::inner(body))
            }),
            StateProj::Going { future, ticket, asked, shared } => {
                future.poll(cx).map_ok(|response| {
                    let (parts, body) = response.into_parts();
                    let was_at = asked.was_at.take();
                    if asked.wants_events && is_unavailable(&parts.extensions) {
                        let refusal = Response::from_parts(parts, Bytes::new());
                        let told = told_to_come_back(refusal, shared.retry, was_at.as_ref());
                        return told.map(StoneBody::full);
                    }
                    let body = EndingBody::new(body, &parts.headers, ticket.take(), was_at, shared);
                    Response::from_parts(parts, StoneBody::inner(body))
                })
            }
            StateProj::Answered { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response.map(StoneBody::full)))),
        }
    }
}

/// Has a handler that could not subscribe said so?
fn is_unavailable(extensions: &Extensions) -> bool {
    extensions.get() == Some(&Rejection::Unavailable)
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
