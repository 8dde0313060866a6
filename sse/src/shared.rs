use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::HeaderMap;
use stonework_core::{Key, Protocol, RequestHead};

use crate::limits::Limits;
use crate::rejection::{told_to_come_back, wants_events};
use crate::{Drain, LastEventId, Rejection, Ticket};

pub(crate) type KeyFn = Arc<dyn Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync>;

/// What all clones of a layer have in common.
pub(crate) struct Shared {
    pub(crate) limits: Arc<Limits>,
    pub(crate) key: Option<KeyFn>,
    pub(crate) drain: Option<Drain>,
    pub(crate) retry: Duration,
    pub(crate) parameters: Vec<Cow<'static, str>>,
    pub(crate) problem_base: String,
}

impl Shared {
    pub(crate) fn admit(&self, head: &RequestHead<'_>) -> Result<Ticket, Rejection> {
        if self.drain.as_ref().is_some_and(Drain::has_begun) {
            return Err(Rejection::Draining);
        }
        self.limits.admit(self.key.as_ref().and_then(|key| key(head)), self.drain.as_ref())
    }

    /// As a stream, if that is what was asked for.
    pub(crate) fn refuse(
        &self,
        rejection: Rejection,
        headers: &HeaderMap,
        was_at: Option<&LastEventId>,
    ) -> Response<Bytes> {
        let protocol = Protocol::of(headers);
        let response = rejection.answer(&protocol, &self.problem_base, self.retry);
        if wants_events(headers) {
            told_to_come_back(response, self.retry, was_at)
        } else {
            response
        }
    }
}
