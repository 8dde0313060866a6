use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use stonework_core::{StoneBody, StoreFuture};
use tower_service::Service;

use crate::check::Checked;
use crate::context::Context;
use crate::link::{self, To};
use crate::service::carry_out;
use crate::shared::Shared;
use crate::{Around, Direction};

pin_project! {
    /// The future of [`PageService`](crate::PageService). Dropping it drops the request.
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
        Going { #[pin] future: S::Future, context: Arc<Context> },
        Answered { response: Option<Box<Response<Bytes>>> },
        // Boxed, so that a request whose cursor is known is not moved about with room for it.
        Checking { checking: StoreFuture<Checked>, parked: Option<Box<Parked<S, ReqBody>>> },
    }
}

/// A request whose cursor is being looked up.
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

    pub(crate) const fn go(future: S::Future, context: Arc<Context>) -> Self {
        Self { state: State::Going { future, context } }
    }

    pub(crate) fn answer(response: Response<Bytes>) -> Self {
        Self { state: State::Answered { response: Some(Box::new(response)) } }
    }

    pub(crate) const fn wait(
        checking: StoreFuture<Checked>,
        parked: Box<Parked<S, ReqBody>>,
    ) -> Self {
        Self { state: State::Checking { checking, parked: Some(parked) } }
    }

    /// Waits for the cursor, and goes on.
    #[inline(never)]
    fn poll_cursor(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let StateProj::Checking { checking, parked } = self.as_mut().project().state.project()
        else {
            return Poll::Ready(());
        };
        let checked = ready!(Pin::new(checking).poll(cx));
        let Some(parked) = parked.take() else { return Poll::Pending };
        let Parked { mut service, request, shared } = *parked;
        let next = carry_out(checked, &shared, &mut service, request).state;
        self.project().state.set(next);
        Poll::Ready(())
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<StoneBody<ResBody>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if matches!(self.state, State::Checking { .. }) {
            ready!(self.as_mut().poll_cursor(cx));
        }
        match self.project().state.project() {
            StateProj::Passing { future } => {
                future.poll(cx).map_ok(|response| response.map(StoneBody::inner))
            }
            StateProj::Going { future, context } => {
                let response = ready!(future.poll(cx));
                Poll::Ready(response.map(|mut response| {
                    tell_around(context, &mut response);
                    response.map(StoneBody::inner)
                }))
            }
            StateProj::Answered { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response.map(StoneBody::full)))),
            // It was asked above.
            StateProj::Checking { .. } => Poll::Pending,
        }
    }
}

/// `Link` (RFC 8288), of what a handler has left in the extensions.
fn tell_around<B>(context: &Context, response: &mut Response<B>) {
    if !context.profile.links {
        return;
    }
    let Some(around) = response.extensions().get::<Around>() else { return };
    let to = |direction, token: &Option<String>| {
        token.as_ref().and_then(|token| context.link(To::Cursor(direction, token)))
    };
    let next = to(Direction::Forward, &around.next).map(|link| ("next", link));
    let prev = to(Direction::Backward, &around.prev).map(|link| ("prev", link));
    let asked = &context.asked;
    let is_first = asked.cursor.is_none() && asked.number.is_none_or(|number| number == 1);
    let first = if is_first { None } else { context.link(To::First) };
    let first = first.map(|link| ("first", link));
    let links: Vec<_> = [next, prev, first].into_iter().flatten().collect();
    link::add(response.headers_mut(), &links);
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
            State::Checking { .. } => "checking",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
