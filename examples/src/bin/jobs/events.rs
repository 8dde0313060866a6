//! How a job goes on, for whoever reads along: each event is all of its status.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{iter, unfold};
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use stonework_core::Key;
use stonework_sse::store::redis1::RedisLog;
use stonework_sse::{
    Delivery, Drain, Event, EventError, Frame, Hub, LastEventId, Position, Publish, PublishError,
    SseBody, SseLayer, Subscribe, Subscription,
};
use uuid::Uuid;

use crate::account::{self, Account};
use crate::config::Failure;
use crate::connection::Redis;
use crate::job::Job;
use crate::problem::Refusal;
use crate::routes::App;
use crate::status::Shown;

const PREFIX: &str = "jobs:events:";

/// Of one account, at once.
const STREAMS_OF_ONE: usize = 200;

/// For this long an event that is published again is known to be the same.
const REPEATS: Duration = Duration::from_secs(3_600);

/// All that a stream needs.
pub(crate) fn layer(drain: &Drain) -> Result<SseLayer, Failure> {
    SseLayer::builder()
        .max_streams_of(STREAMS_OF_ONE, account::scope)
        .drain(drain)
        .build()
        .map_err(Failure::config)
}

/// Each job has a log of its own. In Redis it is one log for all processes.
pub(crate) fn hub(redis: Option<Redis>) -> Result<Hub, Failure> {
    let Some(redis) = redis else { return Ok(Hub::in_memory()) };
    let time = redis.within(500);
    let log = RedisLog::new(redis.connection, redis.client).key_prefix(PREFIX);
    Hub::builder(log.repeats_for(REPEATS)).store_timeout(time).build().map_err(Failure::config)
}

fn log(job: Uuid) -> Key {
    Key::from(job.into_bytes())
}

/// Tells how a job stands now. Told twice, it is one event.
pub(crate) async fn tell(hub: &Hub, job: &Job) -> Result<Position, PublishError> {
    let Ok(event) = event(job) else { unreachable!("a status is JSON, and its name a word") };
    let id = Sha256::new().chain_update(job.id).chain_update(job.revision.to_be_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&id.finalize()[..16]);
    hub.publish(Publish::to(log(job.id), event).id(first)).await
}

/// Of the type that its state has for a name.
fn event(job: &Job) -> Result<Event<'static>, EventError> {
    Event::json(&Shown::of(job))?.event_type(job.state.name())
}

/// How a job stands, as an event at this place of its log.
fn snapshot(job: &Job, at: &str) -> Result<Frame, EventError> {
    Ok(event(job)?.id(at)?.frame())
}

/// The stream ends with the event of the end. A browser would come back then, as it does whenever a stream ends; it says
/// that it has read that event, and is told by a 204 that there is nothing more, which ends an `EventSource` for good
/// (HTML, section 9.2.3).
///
/// Of a job that has ended only that is told. It needs no log, and is there as long as the job is.
pub(crate) async fn stream(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    after: Option<LastEventId>,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Response, Refusal> {
    // First of all whose it is; and the log before the job once more, so that nothing comes between what the job
    // says and what is read.
    let id = app.job(&account, id).await?.id;
    let head = app.hub.head(log(id)).await?;
    let job = app.job(&account, Ok(Path(id))).await?;
    if job.state.is_final() {
        return Ok(the_end(&job, head, after.as_ref()));
    }
    let first = match &after {
        None => Some(snapshot(&job, &head.to_string()).map_err(|_| Refusal::Interrupted)?),
        Some(_) => None,
    };
    let after = after.unwrap_or_else(|| head.into());
    let events = app.hub.subscribe(Subscribe::to(log(id)).after(after)).await?;
    let reading = Reading { app, id, events: Some(events) };
    let frames = iter(first).chain(reading.frames());
    Ok(SseBody::new(frames).into_response().map(Body::new))
}

/// Until all were told, the last event has no id; then the one of the log must do, and may be told again.
fn the_end(job: &Job, head: Position, after: Option<&LastEventId>) -> Response {
    if job.told.is_some() && after.map(LastEventId::as_str) == job.told.as_deref() {
        return StatusCode::NO_CONTENT.into_response();
    }
    let at = job.told.clone().unwrap_or_else(|| head.to_string());
    match snapshot(job, &at) {
        Ok(frame) => SseBody::new(iter([frame])).into_response().map(Body::new),
        Err(_) => Refusal::Interrupted.into_response(),
    }
}

/// Somebody who reads along.
struct Reading {
    app: App,
    id: Uuid,
    /// Nothing when the end was told.
    events: Option<Subscription>,
}

impl Reading {
    fn frames(self) -> impl Stream<Item = Frame> + Send {
        unfold(self, |mut reading| async move {
            let frame = reading.next().await?;
            Some((frame, reading))
        })
    }

    async fn next(&mut self) -> Option<Frame> {
        let delivery = self.events.as_mut()?.next().await?;
        let (frame, is_last) = match delivery {
            Delivery::Event(entry) => {
                let is_last = is_final(&entry.topic);
                (Frame::from(Delivery::Event(entry)), is_last)
            }
            // What was missed does not matter: how the job stands now says all of it.
            Delivery::Gap(gap) => {
                let job = self.app.jobs.find(self.id).await.ok()??;
                (snapshot(&job, &gap.resume.to_string()).ok()?, job.state.is_final())
            }
            other => (Frame::from(other), false),
        };
        if is_last {
            self.events = None;
        }
        Some(frame)
    }
}

/// A topic is the type of its events, and that is the state.
fn is_final(topic: &Key) -> bool {
    !matches!(topic.as_bytes(), b"queued" | b"running")
}
