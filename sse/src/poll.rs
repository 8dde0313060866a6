//! The same logs for clients who ask again and again. Feature `poll`.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Serialize;
use stonework_core::{RequestHead, StoreError, StoreErrorKind};

use crate::item::Item;
use crate::last_event_id::LAST_EVENT_ID;
use crate::limits::drained;
use crate::rejection::{PROBLEM_BASE, RETRY};
use crate::{
    DataFormat, Delivery, End, Hub, Position, Rejection, Subscribe, SubscribeError, Subscription,
    Ticket,
};

/// Answers polls: with what came after a cursor, or after a while with nothing.
///
/// | | |
/// |---|---|
/// | 200 | `{"events": [{"id", "type", "data"}, …], "cursor": …}` |
/// | 204 | nothing has come in time; ask again with the cursor of the header, which other events move |
/// | 304 | nothing has come in time, and `If-None-Match` has the cursor |
/// | 400 | the cursor is none |
///
/// The cursor to ask with next is in the body, in `ETag` and in `Last-Event-ID`. Who sends none is given the one of now,
/// at once. Events that are missing are an event of the type `gap`, as in a stream; and whoever goes on with a stream or
/// a WebSocket, or comes from one, keeps its cursor.
///
/// ```
/// use std::time::Duration;
///
/// use http::Response;
/// use stonework_core::{RequestHead, StoreError, StoreErrorKind};
/// use stonework_sse::{DataFormat, Hub, LastEventId, Poll, Subscribe, SubscribeError};
///
/// async fn poll(
///     hub: &Hub,
///     request: &http::Request<()>,
/// ) -> Result<Response<bytes::Bytes>, SubscribeError> {
///     let head = RequestHead::of(request);
///     let events = Subscribe::to("acct_7").after(LastEventId::of(&head, &["after"]));
///     let poll = Poll::new().wait(Duration::from_secs(25)).data(DataFormat::Json);
///     poll.answer(hub, &head, events).await
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Poll {
    wait: Duration,
    limit: usize,
    pause: Option<Duration>,
    data: DataFormat,
}

#[derive(Serialize)]
struct Page {
    events: Vec<Item>,
    cursor: String,
}

/// What has come.
struct Polled {
    deliveries: Vec<Delivery>,
    cursor: Position,
}

impl Poll {
    /// Up to 100 events, and an answer at once.
    pub const fn new() -> Self {
        Self { wait: Duration::ZERO, limit: 100, pause: None, data: DataFormat::Text }
    }

    /// How long to wait for an event. Below what proxies on the way allow, which is often a minute.
    #[must_use]
    pub const fn wait(self, time: Duration) -> Self {
        Self { wait: time, ..self }
    }

    /// How many events are given at once; at least one.
    #[must_use]
    pub const fn limit(self, events: usize) -> Self {
        Self { limit: events, ..self }
    }

    /// After which time to ask again if nothing has come, in `Retry-After`. Without it a client asks again at once, which
    /// is right where it waits.
    #[must_use]
    pub const fn pause(self, time: Duration) -> Self {
        Self { pause: Some(time), ..self }
    }

    /// How the data of events is given. By default as a text.
    #[must_use]
    pub const fn data(self, format: DataFormat) -> Self {
        Self { data: format, ..self }
    }

    /// The answer to a request. When the process is [to end](crate::Drain), it is not waited for longer than a stream goes
    /// on.
    ///
    /// # Errors
    ///
    /// When the log does not answer.
    pub async fn answer(
        &self,
        hub: &Hub,
        head: &RequestHead<'_>,
        events: Subscribe,
    ) -> Result<Response<Bytes>, SubscribeError> {
        self.answer_with(hub, head, events, |delivery| delivery).await
    }

    /// The same, with events as `map` makes them: for clients who read another version of them.
    ///
    /// # Errors
    ///
    /// As [`answer`](Self::answer).
    pub async fn answer_with(
        &self,
        hub: &Hub,
        head: &RequestHead<'_>,
        events: Subscribe,
        map: impl Fn(Delivery) -> Delivery + Send,
    ) -> Result<Response<Bytes>, SubscribeError> {
        let (has_cursor, is_readable) = events.cursor();
        if !is_readable {
            return Ok(Rejection::Cursor.respond(PROBLEM_BASE, RETRY));
        }
        let known = Known::of(head);
        let ticket = head.extensions.get::<Ticket>().cloned();
        let mut subscription = hub.subscribe(events).await?;
        let wait = if has_cursor { self.wait } else { Duration::ZERO };
        let mut polled = self.poll(&mut subscription, wait, ticket).await;
        polled.deliveries = polled.deliveries.into_iter().map(map).collect();
        if subscription.end() == Some(End::Failed) && polled.deliveries.is_empty() {
            return Err(StoreError::new(StoreErrorKind::Unavailable).into());
        }
        let is_news = !polled.deliveries.is_empty() || !has_cursor;
        Ok(self.written(&polled, is_news, &known))
    }

    /// What is there now; if nothing is, what comes first.
    async fn poll(
        &self,
        subscription: &mut Subscription,
        wait: Duration,
        ticket: Option<Ticket>,
    ) -> Polled {
        let mut deliveries = Vec::new();
        // However long the log takes to say so: else who does not wait would never be given anything.
        self.gather(subscription, &mut deliveries).await;
        if deliveries.is_empty() && !wait.is_zero() {
            deliveries.extend(wait_for(subscription, wait, ticket).await);
            self.gather(subscription, &mut deliveries).await;
        }
        Polled { deliveries, cursor: subscription.position() }
    }

    /// What is here, without waiting for more.
    async fn gather(&self, subscription: &mut Subscription, deliveries: &mut Vec<Delivery>) {
        while deliveries.len() < self.limit.max(1) {
            match subscription.ready().await {
                // It is in the cursor.
                Some(Delivery::Checkpoint(_)) => {}
                Some(delivery) => deliveries.push(delivery),
                None => return,
            }
        }
    }

    fn written(&self, polled: &Polled, is_news: bool, known: &Known) -> Response<Bytes> {
        let cursor = polled.cursor.to_string();
        let etag = format!("\"{cursor}\"");
        let mut response = Response::new(Bytes::new());
        // What it has not been given yet it cannot have, even if it says that it has all.
        if polled.deliveries.is_empty() && known.has(&etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if is_news || known.wants_a_body() {
            let item = |delivery| Item::of(delivery, self.data);
            let events = polled.deliveries.iter().map(item).collect();
            let page = Page { events, cursor: cursor.clone() };
            *response.body_mut() = serde_json::to_vec(&page).unwrap_or_default().into();
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
        } else {
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        for (name, value) in [(ETAG, &etag), (LAST_EVENT_ID, &cursor)] {
            headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        }
        if let Some(pause) = self.pause.filter(|_| polled.deliveries.is_empty()) {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(pause)));
        }
        response
    }
}

/// Not less.
fn whole_seconds(time: Duration) -> u64 {
    let up = u64::from(time.subsec_nanos() > 0);
    time.as_secs().saturating_add(up).max(1)
}

/// What comes first, in time.
async fn wait_for(
    subscription: &mut Subscription,
    wait: Duration,
    ticket: Option<Ticket>,
) -> Option<Delivery> {
    tokio::select! {
        biased;
        first = first(subscription) => first,
        () = drained(ticket.as_ref()) => None,
        () = tokio::time::sleep(wait) => None,
    }
}

async fn first(subscription: &mut Subscription) -> Option<Delivery> {
    loop {
        let next = subscription.next().await;
        if !matches!(next, Some(Delivery::Checkpoint(_))) {
            return next;
        }
    }
}

/// What the client has already.
struct Known(Option<String>);

impl Known {
    fn of(head: &RequestHead<'_>) -> Self {
        let values = head.headers.get_all(IF_NONE_MATCH).iter();
        let texts: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
        Self((!texts.is_empty()).then(|| texts.join(",")))
    }

    /// Weakly compared, as it is for a `GET` (RFC 9110, section 13.1.2).
    fn has(&self, etag: &str) -> bool {
        let known = self.0.as_deref().unwrap_or_default();
        known.split(',').any(|known| {
            let known = known.trim();
            known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag
        })
    }

    /// It compares, so it has to be given something to be compared.
    const fn wants_a_body(&self) -> bool {
        self.0.is_some()
    }
}

impl Default for Poll {
    fn default() -> Self {
        Self::new()
    }
}
