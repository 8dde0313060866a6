use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use stonework_core::{
    CollectCapped, CollectErrorKind, Collected, Deadline, StoneBody, collect_capped,
};
use tokio::sync::oneshot;
use tower_service::Service;

use crate::fingerprint::{self, FingerprintInput};
use crate::lookup::Lookup;
use crate::policy::RunFuture;
use crate::rejection::Rejection;
use crate::reply::{Client, ReplyTo};
use crate::run::{Claiming, Run, Tried};

type Reply<S, ReqBody, ResBody> =
    Result<Response<StoneBody<ResBody>>, <S as Service<Request<StoneBody<ReqBody>>>>::Error>;

pin_project! {
    /// The future of [`IdempotencyService`](crate::IdempotencyService).
    ///
    /// While it reads the request body, dropping it drops the request. From then on a task of its
    /// own does the work, and dropping it only means that nobody waits for the answer.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<StoneBody<ReqBody>>>,
    {
        #[pin]
        state: State<S, ReqBody, ResBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody, ResBody>
    where
        S: Service<Request<StoneBody<ReqBody>>>,
    {
        Passing { #[pin] future: S::Future },
        Answered { response: Option<Box<Response<StoneBody<ResBody>>>> },
        // Boxed, so that a request which passes is not moved about with room for this.
        Reading { reading: Pin<Box<Reading<S, ReqBody>>> },
        Running { reply: oneshot::Receiver<Reply<S, ReqBody, ResBody>>, reply_to: Arc<ReplyTo> },
    }
}

pin_project! {
    /// A request whose body is on its way.
    struct Reading<S, ReqBody> {
        #[pin]
        body: CollectCapped<ReqBody, Deadline>,
        start: Option<Start<S>>,
    }
}

impl<S, ReqBody, ResBody> State<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
{
    fn answered(response: Response<StoneBody<ResBody>>) -> Self {
        Self::Answered { response: Some(Box::new(response)) }
    }
}

/// Everything that a run needs but the body.
pub(crate) struct Start<S> {
    pub(crate) service: S,
    pub(crate) head: Parts,
    pub(crate) lookup: Lookup,
    pub(crate) fingerprint: FingerprintInput,
    pub(crate) reply_to: ReplyTo,
}

impl<S, ReqBody, ResBody> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
    ReqBody: Body,
{
    pub(crate) const fn pass(future: S::Future) -> Self {
        Self { state: State::Passing { future } }
    }

    pub(crate) fn reject(response: Response<StoneBody<ResBody>>) -> Self {
        Self { state: State::answered(response) }
    }

    pub(crate) fn read(body: ReqBody, start: Start<S>) -> Self {
        let policy = &start.reply_to.shared.policy;
        let deadline = Deadline::after(policy.read_timeout);
        let body = collect_capped(body, policy.max_request_body, deadline);
        let reading = Box::pin(Reading { body, start: Some(start) });
        Self { state: State::Reading { reading } }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqBody: Body + Send + 'static,
    ResBody: Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Send,
{
    type Output = Reply<S, ReqBody, ResBody>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project().state.project() {
                StateProj::Passing { future } => {
                    return future.poll(cx).map_ok(|response| response.map(StoneBody::inner));
                }
                StateProj::Answered { response } => {
                    // Polled again after it was ready, it stays pending.
                    return response.take().map_or(Poll::Pending, |r| Poll::Ready(Ok(*r)));
                }
                StateProj::Running { reply, reply_to } => {
                    let reply = ready!(Pin::new(reply).poll(cx));
                    // The task was dropped: the runtime shuts down, or `spawn_with` let go of it.
                    let dropped = |_| Ok(reply_to.reject(Rejection::Interrupted));
                    return Poll::Ready(reply.unwrap_or_else(dropped));
                }
                StateProj::Reading { reading } => {
                    let reading = reading.as_mut().project();
                    let collected = ready!(reading.body.poll(cx));
                    let Some(start) = reading.start.take() else {
                        return Poll::Pending;
                    };
                    match collected {
                        Ok(body) => begin(start, body),
                        Err(error) => State::answered(start.reply_to.reject(unread(&error.kind))),
                    }
                }
            };
            self.as_mut().project().state.set(next);
        }
    }
}

const fn unread<E>(kind: &CollectErrorKind<E>) -> Rejection {
    match kind {
        CollectErrorKind::TooLarge => Rejection::BodyTooLarge,
        CollectErrorKind::TimedOut => Rejection::BodyTimedOut,
        _ => Rejection::BodyIncomplete,
    }
}

/// Hands the request over to a task that no client can cancel.
fn begin<S, ReqBody, ResBody>(start: Start<S>, body: Collected) -> State<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqBody: Body + Send + 'static,
    ResBody: Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Send,
{
    let Start { service, head, lookup, fingerprint, reply_to } = start;
    let shared = Arc::clone(&reply_to.shared);
    let Some(permit) = shared.runs.enter(lookup.scope()) else {
        return State::answered(reply_to.reject(Rejection::TooManyInFlight));
    };
    let fingerprint = fingerprint::finish(fingerprint, &body.data);
    let run = Run::new(Arc::clone(&shared), lookup, fingerprint);
    // Nothing waits in between, so nobody can be cancelled between the claim and the task.
    let tried = match run.try_claim() {
        Tried::Done(Claiming::Replay(answer)) => return State::answered(reply_to.replay(answer)),
        Tried::Done(Claiming::Reject(rejection)) => {
            return State::answered(reply_to.reject(rejection));
        }
        tried => tried,
    };
    let request = Request::from_parts(head, StoneBody::with_trailers(body.data, body.trailers));
    let reply_to = Arc::new(reply_to);
    let (sender, reply) = oneshot::channel();
    let client = Client { reply_to: Arc::clone(&reply_to), reply: sender };
    spawn(&shared, async move {
        run.go(tried, service, request, client).await;
        drop(permit);
    });
    State::Running { reply, reply_to }
}

fn spawn(shared: &crate::shared::Shared, run: impl Future<Output = ()> + Send + 'static) {
    #[cfg(feature = "tracing")]
    let run = tracing::Instrument::in_current_span(run);
    // Boxed at once: a run has several KB, and `tokio::spawn` would move it about some times more.
    let run: RunFuture = Box::pin(run);
    match &shared.policy.spawn {
        Some(spawn) => spawn(run),
        None => drop(tokio::spawn(run)),
    }
}

impl<S, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Passing { .. } => "passing",
            State::Answered { .. } => "answered",
            State::Reading { .. } => "reading",
            State::Running { .. } => "running",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
