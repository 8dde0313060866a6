use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body;
use stonework_core::{
    CollectErrorKind, Collected, Deadline, NotExecuted, StoneBody, collect_capped,
};
use tower_service::Service;

use crate::handle::RunState;
use crate::policy::Policy;

/// How the inner service ended.
pub(super) enum Executed<B, E> {
    /// It panicked, or its body broke off before anything was sent.
    Panicked,
    /// It was not even ready: nothing has happened.
    NotReady(E),
    /// It returned its own error.
    Failed(E),
    /// It answered, and nothing has happened that a retry must not repeat.
    Released(Response<StoneBody<B>>),
    /// It answered.
    Answered(Answered<B>),
}

/// A response that is to be recorded.
pub(super) struct Answered<B> {
    pub(super) head: Box<Parts>,
    pub(super) body: StoneBody<B>,
    /// The body as a whole; `None` if it streams, or is too large to be kept.
    pub(super) kept: Option<Collected>,
}

impl<B> Answered<B> {
    pub(super) fn into_response(self) -> Response<StoneBody<B>> {
        Response::from_parts(*self.head, self.body)
    }
}

/// Calls the service and reads its answer, as far as it is to be recorded.
pub(super) async fn execute<S, ReqBody, ResBody>(
    mut service: S,
    request: Request<StoneBody<ReqBody>>,
    state: &Arc<RunState>,
) -> Executed<ResBody, S::Error>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>>,
    ResBody: Body<Data = Bytes>,
{
    let work = pin!(async {
        if let Err(error) = poll_fn(|cx| service.poll_ready(cx)).await {
            return Executed::NotReady(error);
        }
        match service.call(request).await {
            Ok(response) => read(response, state).await,
            Err(error) => Executed::Failed(error),
        }
    });
    catching(work).await.unwrap_or(Executed::Panicked)
}

/// `None` if the future panics. It is not polled again after that, so what it held stays unseen.
async fn catching<T>(mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

async fn read<B: Body<Data = Bytes>, E>(
    response: Response<B>,
    state: &Arc<RunState>,
) -> Executed<B, E> {
    let policy = &state.shared.policy;
    let (head, body) = response.into_parts();
    if is_released(&head, state) {
        return Executed::Released(Response::from_parts(head, StoneBody::inner(body)));
    }
    let head = Box::new(head);
    if is_stream(&head, state) {
        let body = StoneBody::inner(body);
        return Executed::Answered(Answered { head, body, kept: None });
    }
    // Boxed so that it can go on to the client from where the reading stopped.
    let mut body = Box::pin(body);
    let limit = Deadline::after(policy.buffer_for);
    match collect_capped(body.as_mut(), policy.max_answer_body, limit).await {
        Ok(kept) => {
            let body = StoneBody::with_trailers(kept.data.clone(), kept.trailers.clone());
            Executed::Answered(Answered { head, body, kept: Some(kept) })
        }
        Err(error) => match error.kind {
            CollectErrorKind::TooLarge | CollectErrorKind::TimedOut => {
                let body = StoneBody::prefixed(error.read, body);
                Executed::Answered(Answered { head, body, kept: None })
            }
            _ => Executed::Panicked,
        },
    }
}

fn is_released(head: &Parts, state: &RunState) -> bool {
    head.status == StatusCode::SWITCHING_PROTOCOLS
        || head.extensions.get::<NotExecuted>().is_some()
        || state.said_nothing_happened()
        || is_exempt(head, &state.shared.policy)
}

fn is_exempt(head: &Parts, policy: &Policy) -> bool {
    policy.release_on_status.contains(&head.status)
        || policy.release_when.as_ref().is_some_and(|release| release(head))
}

fn is_stream(head: &Parts, state: &RunState) -> bool {
    const EVENTS: &[u8] = b"text/event-stream";
    let of_events = |value: &http::HeaderValue| {
        let prefix = value.as_bytes().get(..EVENTS.len());
        prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(EVENTS))
    };
    state.said_stream() || head.headers.get(CONTENT_TYPE).is_some_and(of_events)
}
