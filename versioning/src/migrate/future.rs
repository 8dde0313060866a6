use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Method, Request, Response, request, response};
use http_body::Body;
use pin_project_lite::pin_project;
use stonework_core::{CollectCapped, Collected, Deadline, Protocol, StoneBody, collect_capped};
use tower_service::Service;

use super::heads::{self, Kind};
use super::plan::{Plan, Way};
use super::refuse::Refusal;

pin_project! {
    /// The future of [`MigrationService`](crate::MigrationService).
    ///
    /// Dropping it drops the request, or the response.
    #[must_use = "futures do nothing unless polled"]
    pub struct MigrationFuture<S, ReqBody, ResBody>
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
        Answered { response: Option<Box<Response<Bytes>>> },
        // Boxed, so that a request without a gate to pass is not moved about with room for this.
        Working { work: Pin<Box<Work<S, ReqBody, ResBody>>> },
    }
}

pin_project! {
    struct Work<S, ReqBody, ResBody>
    where
        S: Service<Request<StoneBody<ReqBody>>>,
    {
        passage: Passage,
        #[pin]
        stage: Stage<S, ReqBody, ResBody>,
    }
}

pin_project! {
    #[project = StageProj]
    enum Stage<S, ReqBody, ResBody>
    where
        S: Service<Request<StoneBody<ReqBody>>>,
    {
        /// The body of the request is on its way.
        Reading { #[pin] body: CollectCapped<ReqBody, Deadline>, rest: Option<(S, request::Parts)> },
        /// The service is not ready yet.
        Waiting { service: S, request: Option<Request<StoneBody<ReqBody>>> },
        Calling { #[pin] future: S::Future },
        /// The body of the response is on its way.
        Collecting { #[pin] body: CollectCapped<ResBody, Deadline>, head: Option<response::Parts>, way: Way },
    }
}

/// What is known of a request that passes gates.
pub(super) struct Passage {
    pub(super) plan: Arc<Plan>,
    pub(super) protocol: Protocol,
    /// What is put into tags.
    pub(super) suffix: String,
    /// The client asks about a tag of ours.
    pub(super) has_tag: bool,
    pub(super) method: Method,
}

impl Passage {
    fn refuse<B>(&self, refusal: Refusal, way: Way) -> Response<StoneBody<B>> {
        refusal.answer(&self.plan, &self.protocol, way).map(StoneBody::full)
    }
}

impl<S, ReqBody, ResBody> MigrationFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
    ReqBody: Body,
{
    pub(super) const fn pass(future: S::Future) -> Self {
        Self { state: State::Passing { future } }
    }

    pub(super) fn answer(response: Response<Bytes>) -> Self {
        Self { state: State::Answered { response: Some(Box::new(response)) } }
    }

    pub(super) fn read(body: ReqBody, service: S, head: request::Parts, passage: Passage) -> Self {
        let settings = &passage.plan.settings;
        let deadline = Deadline::after(settings.read_timeout);
        let body = collect_capped(body, settings.max_request_body, deadline);
        Self::work(passage, Stage::Reading { body, rest: Some((service, head)) })
    }

    pub(super) fn go(future: S::Future, passage: Passage) -> Self {
        Self::work(passage, Stage::Calling { future })
    }

    fn work(passage: Passage, stage: Stage<S, ReqBody, ResBody>) -> Self {
        Self { state: State::Working { work: Box::pin(Work { passage, stage }) } }
    }
}

impl<S, ReqBody, ResBody> Future for MigrationFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>>,
    ReqBody: Body,
    ResBody: Body<Data = Bytes>,
{
    type Output = Result<Response<StoneBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Passing { future } => {
                future.poll(cx).map_ok(|response| response.map(StoneBody::inner))
            }
            StateProj::Answered { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response.map(StoneBody::full)))),
            StateProj::Working { work } => work.as_mut().poll(cx),
        }
    }
}

type Reply<B, E> = Result<Response<StoneBody<B>>, E>;

/// What a stage leads to.
enum Next<T, B, E> {
    Stage(T),
    Done(Reply<B, E>),
}

impl<S, ReqBody, ResBody> Work<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>>,
    ReqBody: Body,
    ResBody: Body<Data = Bytes>,
{
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply<ResBody, S::Error>> {
        loop {
            let this = self.as_mut().project();
            let passage = &*this.passage;
            let next = match this.stage.project() {
                StageProj::Reading { body, rest } => {
                    let collected = ready!(body.poll(cx));
                    let Some((service, head)) = rest.take() else { return Poll::Pending };
                    let request = collected
                        .map_err(|error| Refusal::unread_request(&error.kind))
                        .and_then(|body| migrated_request(passage, head, body));
                    match request {
                        Ok(request) => {
                            Next::Stage(Stage::Waiting { service, request: Some(request) })
                        }
                        Err(refusal) => Next::Done(Ok(passage.refuse(refusal, Way::Request))),
                    }
                }
                StageProj::Waiting { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let Some(request) = request.take() else { return Poll::Pending };
                    Next::Stage(Stage::Calling { future: service.call(request) })
                }
                StageProj::Calling { future } => match ready!(future.poll(cx)) {
                    Ok(response) => answered(passage, response),
                    Err(error) => Next::Done(Err(error)),
                },
                StageProj::Collecting { body, head, way } => {
                    let collected = ready!(body.poll(cx));
                    let Some(head) = head.take() else { return Poll::Pending };
                    let response = collected
                        .map_err(|error| Refusal::unread_response(&error.kind))
                        .and_then(|body| migrated_response(passage, head, body, *way));
                    Next::Done(Ok(response.unwrap_or_else(|refusal| passage.refuse(refusal, *way))))
                }
            };
            match next {
                Next::Stage(stage) => self.as_mut().project().stage.set(stage),
                Next::Done(reply) => return Poll::Ready(reply),
            }
        }
    }
}

fn migrated_request<B>(
    passage: &Passage,
    mut head: request::Parts,
    body: Collected,
) -> Result<Request<StoneBody<B>>, Refusal> {
    let migrate = |data: &Bytes| passage.plan.migrate_bytes(Way::Request, data);
    // An empty body is the handler's to refuse.
    let data = match body.data.is_empty() {
        true => body.data,
        false => migrate(&body.data).map_err(|failed| Refusal::failed(Way::Request, failed))?,
    };
    heads::forget_digests(&mut head.headers);
    heads::forget_framing(&mut head.headers);
    if heads::has_length(&head.headers) {
        heads::set_length(&mut head.headers, data.len());
    }
    Ok(Request::from_parts(head, StoneBody::with_trailers(data, without_digests(body.trailers))))
}

/// What becomes of a response whose body has not been read.
fn answered<S, ReqBody, ResBody>(
    passage: &Passage,
    response: Response<ResBody>,
) -> Next<Stage<S, ReqBody, ResBody>, ResBody, S::Error>
where
    S: Service<Request<StoneBody<ReqBody>>>,
    ResBody: Body<Data = Bytes>,
{
    let (mut head, body) = response.into_parts();
    for change in passage.plan.gates().rev().filter_map(|gate| gate.response_head.as_ref()) {
        change(&mut head);
    }
    let way = if head.status.is_client_error() || head.status.is_server_error() {
        Way::Error
    } else {
        Way::Response
    };
    let pass = |head, body| Next::Done(Ok(Response::from_parts(head, StoneBody::inner(body))));
    if !passage.plan.has(way) {
        return pass(head, body);
    }
    if !heads::has_body(&passage.method, head.status) {
        without_body(passage, &mut head);
        return pass(head, body);
    }
    let refuse = |why| Next::Done(Ok(passage.refuse(Refusal::not_migratable(why), way)));
    match heads::kind(&head.headers) {
        Kind::Other => pass(head, body),
        Kind::Stream if passage.plan.are_events_taken() => pass(head, body),
        Kind::Stream => {
            refuse("It is a stream, and its events are not migrated by who makes them.")
        }
        Kind::Encoded => refuse("It is compressed; put compression outside of the migrations."),
        Kind::Partial => refuse("It is a part of something."),
        Kind::Json if heads::is_partial(&head) => refuse("It is a part of something."),
        Kind::Json => {
            let settings = &passage.plan.settings;
            let deadline = Deadline::after(settings.answer_timeout);
            let body = collect_capped(body, settings.max_response_body, deadline);
            Next::Stage(Stage::Collecting { body, head: Some(head), way })
        }
    }
}

/// The head of a response without a body has to be that of one with it (RFC 9110, section 9.3.2).
fn without_body(passage: &Passage, head: &mut response::Parts) {
    let is_head_of_json =
        passage.method == Method::HEAD && heads::kind(&head.headers) == Kind::Json;
    let is_not_modified = head.status == http::StatusCode::NOT_MODIFIED && passage.has_tag;
    if is_head_of_json {
        heads::forget_bytes(&mut head.headers);
    }
    if is_head_of_json || is_not_modified {
        heads::mark_tag(&mut head.headers, &passage.suffix);
    }
}

fn migrated_response<B>(
    passage: &Passage,
    mut head: response::Parts,
    body: Collected,
    way: Way,
) -> Result<Response<StoneBody<B>>, Refusal> {
    if body.data.is_empty() {
        return Ok(Response::from_parts(head, StoneBody::with_trailers(body.data, body.trailers)));
    }
    let migrated = passage.plan.migrate_bytes(way, &body.data);
    let data = migrated.map_err(|failed| Refusal::failed(way, failed))?;
    heads::forget_bytes(&mut head.headers);
    heads::mark_tag(&mut head.headers, &passage.suffix);
    let trailers = without_digests(body.trailers);
    if trailers.is_none() {
        heads::set_length(&mut head.headers, data.len());
    }
    Ok(Response::from_parts(head, StoneBody::with_trailers(data, trailers)))
}

fn without_digests(trailers: Option<http::HeaderMap>) -> Option<http::HeaderMap> {
    let mut trailers = trailers?;
    heads::forget_digests(&mut trailers);
    Some(trailers)
}

impl<S, ReqBody, ResBody> fmt::Debug for MigrationFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Passing { .. } => "passing",
            State::Answered { .. } => "answered",
            State::Working { .. } => "working",
        };
        f.debug_tuple("MigrationFuture").field(&state).finish()
    }
}
