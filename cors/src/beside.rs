//! A service that runs while the policy of its request is found out. CORS has no say in whether it runs,
//! only in who may read what comes of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Response};
use pin_project_lite::pin_project;
use stonework_core::{RequestHead, StoreError};

use crate::act::{Clues, judge};
use crate::asked::{Once, is_same_origin};
use crate::future::Answer;
use crate::policy::Policy;
use crate::shared::{Shared, found};
use crate::stamp::Stamp;

pin_project! {
    /// Both at once.
    pub(crate) struct Beside<F, R, E> {
        #[pin]
        future: F,
        done: Option<Result<R, E>>,
        waiting: Waiting,
    }
}

struct Waiting {
    answer: Answer,
    kept: Kept,
    stamp: Option<Stamp>,
}

impl<F, R, E> Beside<F, R, E> {
    pub(crate) const fn new(future: F, answer: Answer, kept: Kept) -> Self {
        Self { future, done: None, waiting: Waiting { answer, kept, stamp: None } }
    }
}

impl<F, B, E> Future for Beside<F, Response<B>, E>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let waited = this.waiting.poll(cx);
        let done = match this.done.take() {
            Some(done) => done,
            None => ready!(this.future.poll(cx)),
        };
        match done {
            // Nothing is to be written on an error.
            Ok(response) if waited.is_pending() => {
                *this.done = Some(Ok(response));
                Poll::Pending
            }
            Ok(mut response) => {
                if let Some(stamp) = this.waiting.stamp.take() {
                    stamp.apply(&mut response);
                }
                Poll::Ready(Ok(response))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl Waiting {
    /// Ready when there is a stamp.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stamp.is_none() {
            let answer = ready!(Pin::new(&mut self.answer).poll(cx));
            self.stamp = Some(self.kept.judge(answer));
        }
        Poll::Ready(())
    }
}

/// What is left of a request that was passed on.
pub(crate) struct Kept {
    origin: Origin,
    same_origin: bool,
    debugged: bool,
    shared: Arc<Shared>,
}

enum Origin {
    Absent,
    Is(HeaderValue),
    Repeated,
}

impl Kept {
    pub(crate) fn of(shared: &Arc<Shared>, origin: Once<'_>, head: &RequestHead<'_>) -> Self {
        Self {
            origin: match origin {
                Once::Absent => Origin::Absent,
                Once::Is(origin) => Origin::Is(origin.clone()),
                Once::Repeated => Origin::Repeated,
            },
            same_origin: is_same_origin(head.headers),
            debugged: shared.is_debugged(head),
            shared: Arc::clone(shared),
        }
    }

    fn judge(&self, answer: Result<Option<Policy>, StoreError>) -> Stamp {
        let origin = match &self.origin {
            Origin::Absent => Once::Absent,
            Origin::Is(origin) => Once::Is(origin),
            Origin::Repeated => Once::Repeated,
        };
        let clues = Clues { same_origin: &|| self.same_origin, debugged: &|| self.debugged };
        let policy = found(answer);
        judge(&self.shared, policy.as_ref().map_err(|reason| *reason), origin, &clues).0
    }
}
