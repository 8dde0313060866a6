use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use stonework_core::{Protocol, RequestHead, StoneBody};
use tower_service::Service;

use super::events::EventMigration;
use super::future::{MigrationFuture, Passage};
use super::heads::{self, Kind};
use super::plan::{Plan, Way};
use super::refuse::Refusal;
use super::settings::Settings;
use crate::{ApiVersion, Rejection};

/// The service that [`MigrationLayer`](crate::MigrationLayer) puts around another one.
pub struct MigrationService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> MigrationService<S> {
    pub(super) const fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }
}

impl<S: Clone> Clone for MigrationService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), settings: Arc::clone(&self.settings) }
    }
}

impl<S: fmt::Debug> fmt::Debug for MigrationService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigrationService")
            .field("inner", &self.inner)
            .field("gates", &self.settings)
            .finish()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for MigrationService<S>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: Body,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<StoneBody<ResBody>>;
    type Error = S::Error;
    type Future = MigrationFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let Some(plan) = Plan::of(&self.settings, &RequestHead::of(&request)) else {
            if has_tags(&request) {
                request = self.without_marks(request);
            }
            return MigrationFuture::pass(self.inner.call(request.map(StoneBody::inner)));
        };
        let (mut head, body) = request.into_parts();
        let passage = prepare(plan, &mut head);
        let has_body = !body.is_end_stream() && passage.plan.has(Way::Request);
        match heads::kind(&head.headers) {
            // What a request says of a range means nothing (RFC 9110, section 14.4), and handlers read it whole.
            Kind::Json | Kind::Partial if has_body => {
                // What was polled ready is let go: a permit of the inner service is not held for a
                // client that is slow to send.
                let service = self.inner.clone();
                self.inner = service.clone();
                MigrationFuture::read(body, service, head, passage)
            }
            Kind::Encoded if has_body => refused(Rejection::BodyEncoded, &passage),
            Kind::Stream if has_body => refused(Rejection::BodyStream, &passage),
            _ => {
                let request = Request::from_parts(head, StoneBody::inner(body));
                MigrationFuture::go(self.inner.call(request), passage)
            }
        }
    }
}

fn refused<S, ReqBody, ResBody>(
    rejection: Rejection,
    passage: &Passage,
) -> MigrationFuture<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
    ReqBody: Body,
{
    let refusal = Refusal::from(rejection);
    MigrationFuture::answer(refusal.answer(&passage.plan, &passage.protocol, Way::Request))
}

impl<S> MigrationService<S> {
    /// A response to another method may have had gates to pass, and its tag a mark.
    fn without_marks<B>(&self, request: Request<B>) -> Request<B> {
        let version = request.extensions().get::<ApiVersion>();
        let older = version.filter(|version| self.settings.has_gates_above(version.index()));
        let Some(suffix) = older.map(|version| heads::suffix(version.resolved())) else {
            return request;
        };
        let (mut head, body) = request.into_parts();
        heads::unmark_tags(&mut head, &suffix, false);
        Request::from_parts(head, body)
    }
}

fn has_tags<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    headers.contains_key(IF_MATCH) || headers.contains_key(IF_NONE_MATCH)
}

/// Changes the head of the request, and keeps what the response will need of it.
fn prepare(plan: Plan, head: &mut Parts) -> Passage {
    let protocol = Protocol::of(&head.headers);
    for change in plan.gates().filter_map(|gate| gate.request_head.as_ref()) {
        change(head);
    }
    let suffix = heads::suffix(plan.version.resolved());
    let migrates_response = plan.has(Way::Response);
    if migrates_response {
        heads::ask_for_the_whole(head);
    }
    let has_tag = heads::unmark_tags(head, &suffix, migrates_response);
    let plan = Arc::new(plan);
    if migrates_response {
        head.extensions.insert(EventMigration { plan: Arc::clone(&plan) });
    }
    Passage { plan, protocol, suffix, has_tag, method: head.method.clone() }
}
