use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use stonework_core::{RequestHead, StoneBody};
use tower_service::Service;

use crate::LastEventId;
use crate::ending::EndingBody;
use crate::future::{Asked, ResponseFuture};
use crate::rejection::wants_events;
use crate::shared::Shared;

/// The service that [`SseLayer`](crate::SseLayer) puts around another one.
pub struct SseService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> SseService<S> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for SseService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug> fmt::Debug for SseService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SseService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<StoneBody<EndingBody<ResBody>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if !may_open_a_stream(request.method()) {
            return ResponseFuture::pass(self.inner.call(request), &self.shared);
        }
        let head = RequestHead::of(&request);
        let was_at = LastEventId::of(&head, &self.shared.parameters);
        let ticket = match self.shared.admit(&head) {
            Ok(ticket) => ticket,
            Err(rejection) => {
                let refusal = self.shared.refuse(rejection, request.headers(), was_at.as_ref());
                return ResponseFuture::answer(refusal);
            }
        };
        let wants_events = wants_events(request.headers());
        let extensions = request.extensions_mut();
        if let Some(was_at) = &was_at {
            extensions.insert(was_at.clone());
        }
        extensions.insert(ticket.clone());
        let asked = Asked { wants_events, was_at };
        ResponseFuture::go(self.inner.call(request), ticket, asked, &self.shared)
    }
}

/// `CONNECT` is how WebSockets begin over HTTP/2 (RFC 8441).
fn may_open_a_stream(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::CONNECT)
}
