use std::fmt;
use std::future::{Future, Pending, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use stonework_core::{CollectCapped, Collected, StoneBody, collect_capped};
use tower_service::Service;

use super::answer::Answer;
use super::layer::Shared;
use super::service::MAX_CHALLENGE;

pin_project! {
    /// The future of [`HandshakeService`](super::HandshakeService).
    #[must_use = "futures do nothing unless polled"]
    pub struct HandshakeFuture<S, ReqBody, ResBody>
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
        Answered { response: Option<Box<Response<StoneBody<ResBody>>>> },
        Reading { reading: Pin<Box<Reading<S, ReqBody>>> },
        Running { #[pin] future: S::Future },
    }
}

pin_project! {
    struct Reading<S, B> {
        // In memory already, behind the layer that verified it: there is nothing to wait for.
        #[pin]
        body: CollectCapped<B, Pending<()>>,
        rest: Option<Rest<S>>,
    }
}

struct Rest<S> {
    service: S,
    shared: Arc<Shared>,
    scheme: &'static str,
    head: Parts,
}

impl<S, ReqBody, ResBody> HandshakeFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
    ReqBody: Body,
{
    pub(super) fn answer(response: Response<StoneBody<ResBody>>) -> Self {
        Self { state: State::Answered { response: Some(Box::new(response)) } }
    }

    pub(super) const fn pass(future: S::Future) -> Self {
        Self { state: State::Running { future } }
    }

    pub(super) fn read(
        service: S,
        shared: Arc<Shared>,
        scheme: &'static str,
        request: Request<ReqBody>,
    ) -> Self {
        let (head, body) = request.into_parts();
        let body = collect_capped(body, MAX_CHALLENGE, pending());
        let rest = Some(Rest { service, shared, scheme, head });
        Self { state: State::Reading { reading: Box::pin(Reading { body, rest }) } }
    }
}

impl<S> Rest<S> {
    fn go<ReqBody, ResBody>(mut self, body: Collected) -> State<S, ReqBody, ResBody>
    where
        S: Service<Request<StoneBody<ReqBody>>>,
    {
        if let Some(answer) = self.shared.answer(self.scheme, &body.data) {
            crate::trace::event!(DEBUG, scheme = self.scheme, "a challenge was answered");
            return State::Answered { response: Some(Box::new(written(answer))) };
        }
        let body = StoneBody::with_trailers(body.data, body.trailers);
        let request = Request::from_parts(self.head, body);
        State::Running { future: self.service.call(request) }
    }
}

fn written<B>(answer: Answer) -> Response<StoneBody<B>> {
    let (kind, text) = match answer {
        Answer::Text(text) => ("text/plain; charset=utf-8", text),
        Answer::Json(text) => ("application/json", text),
    };
    let mut response = Response::new(StoneBody::full(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn incomplete<B>() -> Response<StoneBody<B>> {
    let mut response = Response::new(StoneBody::full(Bytes::new()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

impl<S, ReqBody, ResBody> Future for HandshakeFuture<S, ReqBody, ResBody>
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
                StateProj::Running { future } => {
                    return future.poll(cx).map_ok(|response| response.map(StoneBody::inner));
                }
                StateProj::Reading { reading } => {
                    let reading = reading.as_mut().project();
                    let collected = ready!(reading.body.poll(cx));
                    let Some(rest) = reading.rest.take() else { return Poll::Pending };
                    match collected {
                        Ok(body) => rest.go(body),
                        Err(_) => State::Answered { response: Some(Box::new(incomplete())) },
                    }
                }
            };
            self.as_mut().project().state.set(next);
        }
    }
}

impl<S, ReqBody, ResBody> fmt::Debug for HandshakeFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Answered { .. } => "answered",
            State::Reading { .. } => "reading",
            State::Running { .. } => "running",
        };
        f.debug_tuple("HandshakeFuture").field(&state).finish()
    }
}
