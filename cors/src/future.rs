use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use stonework_core::{RequestHead, StoneBody, StoreError, StoreFuture};
use tower_service::Service;

use crate::act::{Clues, act, judge};
use crate::asked::{Asked, Once, is_same_origin};
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
        Beside { #[pin] future: S::Future, done: Option<Result<S::Response, S::Error>>, waiting: Box<Waiting> },
        Before { parked: Option<Box<Parked<S, ReqBody>>> },
    }
}

/// A request whose service runs while its policy is found out.
struct Waiting {
    answer: Answer,
    kept: Kept,
    stamp: Option<Stamp>,
}

impl Waiting {
    /// Ready when there is a stamp.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stamp.is_none() {
            let answer = ready!(Pin::new(&mut self.answer).poll(cx));
            self.stamp = Some(self.kept.judge(answer));
        }
        Poll::Ready(())
    }
}

/// What is left of a request that was passed on.
pub(crate) struct Kept {
    origin: Origin,
    same_origin: bool,
    debugged: bool,
    shared: Arc<Shared>,
}

enum Origin {
    Absent,
    Is(HeaderValue),
    Repeated,
}

impl Kept {
    pub(crate) fn of(shared: &Arc<Shared>, origin: Once<'_>, head: &RequestHead<'_>) -> Self {
        Self {
            origin: match origin {
                Once::Absent => Origin::Absent,
                Once::Is(origin) => Origin::Is(origin.clone()),
                Once::Repeated => Origin::Repeated,
            },
            same_origin: is_same_origin(head.headers),
            debugged: shared.is_debugged(head),
            shared: Arc::clone(shared),
        }
    }

    fn judge(&self, answer: Result<Option<Policy>, StoreError>) -> Stamp {
        let origin = match &self.origin {
            Origin::Absent => Once::Absent,
            Origin::Is(origin) => Once::Is(origin),
            Origin::Repeated => Once::Repeated,
        };
        let clues = Clues { same_origin: &|| self.same_origin, debugged: &|| self.debugged };
        let policy = found(answer);
        judge(&self.shared, policy.as_ref().map_err(|reason| *reason), origin, &clues).0
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
        let waiting = Box::new(Waiting { answer, kept, stamp: None });
        Self { state: State::Beside { future, done: None, waiting } }
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
                Poll::Ready(response.map(|response| finish(response, stamp.take())))
            }
            StateProj::Answered { response, .. } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response.map(StoneBody::full)))),
            StateProj::Beside { future, done, waiting } => {
                let waited = waiting.poll(cx);
                if done.is_none() {
                    *done = match future.poll(cx) {
                        Poll::Ready(response) => Some(response),
                        Poll::Pending => None,
                    };
                }
                match done.take() {
                    // Nothing is to be written on an error.
                    Some(Ok(response)) if waited.is_pending() => {
                        *done = Some(Ok(response));
                        Poll::Pending
                    }
                    Some(response) => {
                        let stamp = waiting.stamp.take();
                        Poll::Ready(response.map(|response| finish(response, stamp)))
                    }
                    None => Poll::Pending,
                }
            }
            // It was left above.
            StateProj::Before { .. } => Poll::Pending,
        }
    }
}

#[inline]
fn finish<B>(mut response: Response<B>, stamp: Option<Stamp>) -> Response<StoneBody<B>> {
    if let Some(stamp) = stamp {
        stamp.apply(&mut response);
    }
    response.map(StoneBody::inner)
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
