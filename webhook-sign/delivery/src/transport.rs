//! The client, whatever its type: one attempt, from the signature to the end of the answer's body.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use stonework_core::{Clock, Deadline, StoneBody, TokioClock, collect_capped};
use stonework_webhook_sign::{SignError, SignLayer};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Fault, WebhookBody};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Answer, SendError>> + Send + 'a>>;

/// What was answered: all that matters of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

/// Why there was no answer.
#[derive(Debug)]
pub(crate) struct SendError {
    pub(crate) fault: Fault,
    /// Will it be the same the next time?
    pub(crate) is_final: bool,
    /// For a trace. Clients tell addresses and reasons in it, and no part of the request.
    pub(crate) source: Option<BoxError>,
}

/// What an attempt is allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    /// Bytes of the answer's body.
    pub(crate) answer: usize,
}

pub(crate) trait Transport: Send + Sync + 'static {
    /// Does an egress guard stand before it?
    fn is_guarded(&self) -> bool;

    fn send<'a>(
        &'a self,
        signing: &'a SignLayer,
        request: Request<WebhookBody>,
        limits: Limits,
    ) -> Sending<'a>;
}

/// A tower client.
pub(crate) struct Tower<S>(pub(crate) S);

impl<S, B> Transport for Tower<S>
where
    S: Service<Request<StoneBody<WebhookBody>>, Response = Response<B>> + Clone,
    S: Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Send,
{
    fn is_guarded(&self) -> bool {
        false
    }

    fn send<'a>(
        &'a self,
        signing: &'a SignLayer,
        request: Request<WebhookBody>,
        limits: Limits,
    ) -> Sending<'a> {
        Box::pin(async move {
            let clock = TokioClock::new();
            let mut client = signing.layer(self.0.clone());
            let answered = async {
                poll_fn(|cx| client.poll_ready(cx)).await?;
                client.call(request).await
            };
            let (head, body) = match tokio::time::timeout(limits.timeout, answered).await {
                Ok(Ok(answer)) => answer.into_parts(),
                Ok(Err(error)) => return Err(not_answered(error)),
                Err(_) => return Err(SendError::of(Fault::Timeout)),
            };
            // The answer is its status. The body is read so that the connection can be used again, and no further than
            // that is worth it: an endless one ends here, and its connection with it.
            let left = limits.timeout.saturating_sub(clock.monotonic());
            drop(collect_capped(body, limits.answer, Deadline::after(left)).await);
            Ok(Answer { status: head.status, headers: head.headers })
        })
    }
}

impl SendError {
    const fn of(fault: Fault) -> Self {
        Self { fault, is_final: false, source: None }
    }
}

fn not_answered<E: Into<BoxError>>(error: SignError<E>) -> SendError {
    match error.into_inner() {
        Ok(error) => {
            let error = error.into();
            let (fault, is_final) = classify(&*error);
            SendError { fault, is_final, source: Some(error) }
        }
        Err(kind) => {
            use stonework_webhook_sign::SignErrorKind as Kind;
            // Keys that cannot be looked up may be found the next time, as may one that is not valid yet.
            let is_final = matches!(kind, Kind::BodyTooLarge);
            SendError { fault: Fault::NotSigned, is_final, source: Some(kind.into()) }
        }
    }
}

#[cfg(feature = "client")]
fn classify(error: &(dyn Error + 'static)) -> (Fault, bool) {
    match error.downcast_ref::<crate::client::ClientError>() {
        Some(error) => (error.fault(), error.is_final()),
        None => (connect_or_broken(error), false),
    }
}

#[cfg(not(feature = "client"))]
fn classify(error: &(dyn Error + 'static)) -> (Fault, bool) {
    (connect_or_broken(error), false)
}

fn connect_or_broken(error: &(dyn Error + 'static)) -> Fault {
    use std::io::ErrorKind;
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<crate::egress::Forbidden>() {
            return Fault::Forbidden;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return match error.kind() {
                ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable => Fault::Connect,
                ErrorKind::TimedOut => Fault::Timeout,
                _ => Fault::Broken,
            };
        }
        next = error.source();
    }
    Fault::Broken
}
