use std::sync::Arc;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Response};
use stonework_core::{NotExecuted, Protocol, RequestHead, StoneBody};
use tokio::sync::oneshot;

use crate::answer;
use crate::rejection::Rejection;
use crate::shared::Shared;
use crate::store::Answer;

/// Marks a response that was recorded earlier.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What is needed to say no to a request that is no longer there.
pub(crate) struct ReplyTo {
    pub(crate) shared: Arc<Shared>,
    protocol: Protocol,
    /// Kept only for a renderer, which wants to see it.
    head: Option<Box<Parts>>,
}

impl ReplyTo {
    pub(crate) fn new(shared: Arc<Shared>, head: &Parts) -> Self {
        let protocol = Protocol::of(&head.headers);
        let head = shared.policy.render.as_ref().map(|_| Box::new(head.clone()));
        Self { shared, protocol, head }
    }

    pub(crate) const fn is_grpc(&self) -> bool {
        self.protocol.is_grpc()
    }

    pub(crate) fn reject<B>(&self, rejection: Rejection) -> Response<StoneBody<B>> {
        let policy = &self.shared.policy;
        crate::trace::event!(INFO, reason = rejection.slug(), "an idempotency key was rejected");
        let problem = rejection.problem(&policy.problem_base);
        let mut response = match (&policy.render, &self.head) {
            (Some(render), Some(head)) => render(rejection, &problem, &RequestHead::from(&**head)),
            _ => problem.to_response(&self.protocol),
        };
        let extensions = response.extensions_mut();
        extensions.insert(problem);
        extensions.insert(rejection);
        if !rejection.executed() {
            extensions.insert(NotExecuted);
        }
        response.map(StoneBody::full)
    }
}

/// The client's end of a run. It may have gone; a run goes on without it.
pub(crate) struct Client<B, E> {
    pub(crate) reply_to: Arc<ReplyTo>,
    pub(crate) reply: oneshot::Sender<Result<Response<StoneBody<B>>, E>>,
}

impl<B, E> Client<B, E> {
    /// Resolves when nobody waits for the answer any more.
    pub(crate) async fn gone(&mut self) {
        self.reply.closed().await;
    }

    pub(crate) fn send(self, response: Response<StoneBody<B>>) {
        // A client that has gone misses its answer; a retry will find it.
        drop(self.reply.send(Ok(response)));
    }

    pub(crate) fn fail(self, error: E) {
        drop(self.reply.send(Err(error)));
    }

    pub(crate) fn reject(self, rejection: Rejection) {
        let response = self.reply_to.reject(rejection);
        self.send(response);
    }

    /// Says no to a client whose run has run: another attempt owns the key.
    pub(crate) fn reject_after_run(self, rejection: Rejection) {
        let mut response = self.reply_to.reject(rejection);
        response.extensions_mut().remove::<NotExecuted>();
        self.send(response);
    }

    pub(crate) fn replay(self, answer: Answer) {
        let response = self.reply_to.replay(answer);
        self.send(response);
    }
}

impl ReplyTo {
    /// Gives a recorded answer again.
    pub(crate) fn replay<B>(&self, answer: Answer) -> Response<StoneBody<B>> {
        match self.try_replay(answer) {
            Ok(response) => {
                crate::trace::event!(DEBUG, "an answer was replayed");
                response
            }
            Err(rejection) => self.reject(rejection),
        }
    }

    fn try_replay<B>(&self, answer: Answer) -> Result<Response<StoneBody<B>>, Rejection> {
        if answer.body.is_none() && self.protocol.is_grpc() {
            return Err(Rejection::AnswerNotKept);
        }
        let mut head = answer::decode(answer.head).map_err(|_| Rejection::StoreUnavailable)?;
        if answer.body.is_none() {
            answer::forget_body(&mut head);
        }
        let data = answer.body.unwrap_or_default();
        let mut response = Response::new(StoneBody::with_trailers(data, head.trailers));
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }
}
