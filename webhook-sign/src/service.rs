use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use stonework_core::{RequestHead, StoneBody};
use tower_service::Service;

use crate::Claims;
use crate::check;
use crate::future::ResponseFuture;
use crate::rejection::Rejection;
use crate::reply::reject;
use crate::shared::Shared;
use crate::steps::Start;

/// The service that [`VerifyLayer`](crate::VerifyLayer) puts around another one.
pub struct VerifyService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> VerifyService<S> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for VerifyService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug> fmt::Debug for VerifyService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyService")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for VerifyService<S>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: Body,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<StoneBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (head, body) = request.into_parts();
        let mut claims = Claims::default();
        match self.admit(&RequestHead::from(&head), &mut claims) {
            Ok(sender) => {
                // What was polled ready is let go: a permit of the inner service is not held for a stranger who is slow
                // to send. The run polls its own before it calls it.
                let service = self.inner.clone();
                self.inner = service.clone();
                let shared = Arc::clone(&self.shared);
                ResponseFuture::begin(Start { service, shared, head, body, sender }, claims)
            }
            Err(rejection) => ResponseFuture::answer(reject(&self.shared, &head, rejection)),
        }
    }
}

impl<S> VerifyService<S> {
    /// All that can be told without the body, in the order of what it costs.
    fn admit(&self, head: &RequestHead<'_>, claims: &mut Claims) -> Result<usize, Rejection> {
        let refused = Rejection::Unauthenticated;
        let at = self.shared.sender(head).map_err(refused)?;
        let sender = &self.shared.senders[at];
        let now = self.shared.now();
        check::read(&*sender.scheme, head, now, sender.tolerance, claims).map_err(refused)?;
        if announces_more(head.headers, self.shared.policy.max_body) {
            return Err(Rejection::BodyTooLarge);
        }
        Ok(at)
    }
}

/// What cannot be read is left to the body, which is counted as it comes.
fn announces_more(headers: &HeaderMap, max_body: usize) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|l| l > max_body as u64)
}
