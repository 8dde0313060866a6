use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http::Response;
use stonework_core::{Problem, StoreError};

use crate::Rejection;
use crate::rejection::{PROBLEM_BASE, RETRY};

/// The log could not be asked for its events. In axum it is a response.
#[derive(Debug)]
pub struct SubscribeError(StoreError);

impl SubscribeError {
    /// The refusal as a problem (RFC 9457). It is not the whole [answer](Self::to_response): a browser that is given no
    /// more than this never comes back.
    pub fn problem(&self) -> Problem {
        Rejection::Unavailable.problem(PROBLEM_BASE, RETRY)
    }

    /// The answer: a 503 as a problem (RFC 9457). Below an [`SseLayer`](crate::SseLayer) a browser is given a stream that
    /// tells it to come back instead.
    pub fn to_response(&self) -> Response<Bytes> {
        Rejection::Unavailable.respond(PROBLEM_BASE, RETRY)
    }
}

impl From<StoreError> for SubscribeError {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("events cannot be read at the moment")
    }
}

impl Error for SubscribeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
