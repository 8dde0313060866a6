use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Request;
use http::request::Parts;
use http_body::Body;
use pin_project_lite::pin_project;
use stonework_core::{
    CollectCapped, CollectErrorKind, Collected, Deadline, RequestHead, StoneBody, StoreError,
    StoreErrorKind, StoreFuture, collect_capped,
};
use tower_service::Service;

use super::error::{SignError, SignErrorKind};
use super::layer::Shared;
use super::message_id::MessageId;
use super::signer::Signs;
use crate::keys::{KeySet, Wanted};
use crate::scheme::Outgoing;
use crate::signing::sign;

type Found = Result<Option<KeySet>, StoreError>;

pin_project! {
    /// The future of [`SignService`](super::SignService). Dropping it drops the request.
    #[must_use = "futures do nothing unless polled"]
    pub struct SignFuture<S, B>
    where
        S: Service<Request<StoneBody<B>>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B>
    where
        S: Service<Request<StoneBody<B>>>,
    {
        Reading { #[pin] body: CollectCapped<B, Deadline>, start: Option<Start<S>> },
        Signing { message: Option<Box<Message<S>>>, keys: Option<StoreFuture<Found>> },
        Sending { #[pin] future: S::Future },
        Done,
    }
}

struct Start<S> {
    service: S,
    shared: Arc<Shared>,
    head: Parts,
}

/// A request whose body is there.
struct Message<S> {
    start: Start<S>,
    body: Collected,
    id: MessageId,
    now: Duration,
    /// How many signers have signed.
    signed: usize,
}

impl<S, B> SignFuture<S, B>
where
    S: Service<Request<StoneBody<B>>>,
    B: Body,
{
    pub(super) fn new(service: S, shared: Arc<Shared>, request: Request<B>) -> Self {
        let (head, body) = request.into_parts();
        let body = collect_capped(body, shared.max_body, Deadline::after(shared.read_timeout));
        let start = Some(Start { service, shared, head });
        Self { state: State::Reading { body, start } }
    }
}

impl<S> Start<S> {
    fn message(self, body: Collected) -> Message<S> {
        let head = RequestHead::from(&self.head);
        let id = match &self.shared.id {
            Some(id) => id(&head),
            None => head.extensions.get::<MessageId>().cloned(),
        };
        let now = self.shared.clock.unix();
        let id = id.unwrap_or_else(MessageId::random);
        Message { start: self, body, id, now, signed: 0 }
    }
}

impl<S> Message<S> {
    fn signer(&self) -> Option<&Signs> {
        self.start.shared.signers.get(self.signed)
    }

    /// The keys of the next signer.
    fn find_keys(&self, signer: &Signs) -> StoreFuture<Found> {
        let head = RequestHead::from(&self.start.head);
        let wanted = Wanted::new(head, signer.scheme.name());
        let timeout = self.start.shared.keys_timeout;
        match signer.keys.keys(wanted).try_ready() {
            Ok(found) => StoreFuture::ready(found),
            Err(waiting) => StoreFuture::new(async move {
                let found = tokio::time::timeout(timeout, waiting).await;
                found.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::TimedOut)))
            }),
        }
    }

    /// Signs with the keys of the next signer.
    fn sign(&mut self, found: Found) -> Result<(), SignErrorKind> {
        let keys = match found {
            Ok(Some(keys)) => keys,
            Ok(None) => return Err(SignErrorKind::Keys(None)),
            Err(error) => return Err(SignErrorKind::Keys(Some(error))),
        };
        let shared = Arc::clone(&self.start.shared);
        let Some(signer) = shared.signers.get(self.signed) else {
            return Ok(());
        };
        self.signed += 1;
        let mut headers = std::mem::take(&mut self.start.head.headers);
        let head = RequestHead::from(&self.start.head);
        let message = Outgoing::new(head, &self.body.data, self.id.as_str(), self.now);
        let signed = sign(&*signer.scheme, &keys, &message, &mut headers);
        self.start.head.headers = headers;
        signed.map_err(|fault| SignErrorKind::Fault(signer.scheme.name(), fault))
    }
}

impl<S, B> Future for SignFuture<S, B>
where
    S: Service<Request<StoneBody<B>>>,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Result<S::Response, SignError<S::Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project().state.project() {
                StateProj::Reading { body, start } => {
                    let collected = ready!(body.poll(cx));
                    let Some(start) = start.take() else { return Poll::Pending };
                    match collected {
                        Ok(body) => {
                            let message = Some(Box::new(start.message(body)));
                            Ok(State::Signing { message, keys: None })
                        }
                        Err(error) => Err(unread(error.kind)),
                    }
                }
                StateProj::Signing { message, keys } => {
                    ready!(poll_signing(message, keys, cx))
                }
                StateProj::Sending { future } => {
                    return future.poll(cx).map_err(SignError::Inner);
                }
                StateProj::Done => return Poll::Pending,
            };
            match next {
                Ok(next) => self.as_mut().project().state.set(next),
                Err(kind) => {
                    self.as_mut().project().state.set(State::Done);
                    return Poll::Ready(Err(SignError::NotSigned(kind)));
                }
            }
        }
    }
}

fn poll_signing<S, B>(
    message: &mut Option<Box<Message<S>>>,
    keys: &mut Option<StoreFuture<Found>>,
    cx: &mut Context<'_>,
) -> Poll<Result<State<S, B>, SignErrorKind>>
where
    S: Service<Request<StoneBody<B>>>,
{
    loop {
        let Some(signing) = message.as_mut() else { return Poll::Pending };
        let Some(signer) = signing.signer() else { break };
        let finding = keys.get_or_insert_with(|| signing.find_keys(signer));
        let found = ready!(Pin::new(finding).poll(cx));
        *keys = None;
        if let Err(kind) = signing.sign(found) {
            return Poll::Ready(Err(kind));
        }
    }
    let Some(message) = message.take() else { return Poll::Pending };
    let Message { start: Start { mut service, head, .. }, body, .. } = *message;
    let body = StoneBody::with_trailers(body.data, body.trailers);
    Poll::Ready(Ok(State::Sending { future: service.call(Request::from_parts(head, body)) }))
}

fn unread<E: Into<Box<dyn Error + Send + Sync>>>(kind: CollectErrorKind<E>) -> SignErrorKind {
    match kind {
        CollectErrorKind::TooLarge => SignErrorKind::BodyTooLarge,
        CollectErrorKind::Body(error) => SignErrorKind::Body(error.into()),
        _ => SignErrorKind::BodyTimedOut,
    }
}

impl<S, B> fmt::Debug for SignFuture<S, B>
where
    S: Service<Request<StoneBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Reading { .. } => "reading",
            State::Signing { .. } => "signing",
            State::Sending { .. } => "sending",
            State::Done => "done",
        };
        f.debug_tuple("SignFuture").field(&state).finish()
    }
}
