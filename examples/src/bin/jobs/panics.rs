//! A panic of a handler, answered.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::Refusal;

/// Answers 500 where the connection would be closed without a word.
///
/// Requests with a key do not get here: their panics end in the idempotency layer, which also has
/// to remember them.
pub(crate) async fn to_problem(request: Request, next: Next) -> Response {
    let mut work = pin!(next.run(request));
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(_) => Poll::Ready(Refusal::Interrupted.into_response()),
    })
    .await
}
