//! Transfers as they are made, for whoever reads along.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;
use stonework_core::RequestHead;
use stonework_sse::store::Entry;
use stonework_sse::store::redis1::RedisLog;
use stonework_sse::{
    DataFormat, Delivery, Drain, Event, EventSocket, Hub, LastEventId, Poll, Publish, SseBody,
    SseLayer, Subscribe, Ticket,
};
use stonework_versioning::{EventMigration, Events};
use tokio_stream::StreamExt;

use crate::account::{self, Account};
use crate::config::Failure;
use crate::connection::Redis;
use crate::ledger::Transfer;
use crate::problem::Refusal;
use crate::routes::App;

const PREFIX: &str = "payments:events:";

/// The type of the events, and their topic.
pub(crate) const TRANSFER: &str = "transfer";

/// A poll waits for less than what proxies on the way allow.
pub(crate) const LONGEST_WAIT: u64 = 25;

/// Of one account. Browsers open six at most over HTTP/1.1; services have many processes.
const STREAMS_OF_ONE: usize = 2_000;

/// All that a stream needs, whichever way it is read.
pub(crate) fn layer(drain: &Drain) -> Result<SseLayer, Failure> {
    SseLayer::builder()
        .max_streams_of(STREAMS_OF_ONE, account::scope)
        .cursor_parameters(["last_event_id", "after"])
        .drain(drain)
        .build()
        .map_err(|errors| Failure::Config(errors.to_string()))
}

/// Each account has a log of its own, so that nobody can read another's. In Redis it is one log for all processes.
pub(crate) fn hub(redis: Option<Redis>) -> Result<Hub, Failure> {
    let Some(redis) = redis else { return Ok(Hub::in_memory()) };
    let time = redis.within(500);
    let log = RedisLog::new(redis.connection, redis.client).key_prefix(PREFIX);
    Hub::builder(log)
        .store_timeout(time)
        .build()
        .map_err(|errors| Failure::Config(errors.to_string()))
}

/// Tells of a transfer that was made.
///
/// A process that crashes right before this, or a log that is away, tells nobody: the list of transfers is the truth, and
/// the stream a hint to look. A service whose events must not be lost writes them into the database with the transfer,
/// and publishes them from there under the same ids.
pub(crate) async fn tell(hub: &Hub, account: &Account, transfer: &Transfer) {
    let event = Event::json(transfer).and_then(|event| event.event_type(TRANSFER));
    let published = match event {
        // Told twice, it is one event.
        Ok(event) => {
            hub.publish(Publish::to(account.name(), event).id(transfer.id.into_bytes())).await
        }
        Err(error) => {
            eprintln!("payments: transfer {} is no event: {error}", transfer.id);
            return;
        }
    };
    if let Err(error) = published {
        eprintln!("payments: nobody may have been told of transfer {}: {error}", transfer.id);
    }
}

pub(crate) fn stream() -> MethodRouter<App> {
    get(read_along)
}

pub(crate) fn poll() -> MethodRouter<App> {
    get(ask_again)
}

pub(crate) fn socket() -> MethodRouter<App> {
    get(open_socket)
}

/// From the last event that the client has read, or from now on.
fn wanted(account: &Account, after: Option<LastEventId>) -> Subscribe {
    Subscribe::to(account.name()).topics([TRANSFER]).after(after)
}

async fn read_along(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    after: Option<LastEventId>,
    version: Option<Extension<EventMigration>>,
) -> Result<impl IntoResponse, Refusal> {
    let read = Read::of(version);
    let events = app.hub.subscribe(wanted(&account, after)).await?;
    Ok(SseBody::new(events.map(move |delivery| read.delivery(delivery))).into_response())
}

/// How long to wait.
#[derive(Debug, Deserialize)]
pub(crate) struct Waiting {
    wait: Option<u64>,
}

async fn ask_again(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    after: Option<LastEventId>,
    request: Request,
) -> Result<impl IntoResponse, Refusal> {
    let waiting = Query::<Waiting>::try_from_uri(request.uri());
    let Query(Waiting { wait }) = waiting.map_err(|_| Refusal::Wait(LONGEST_WAIT))?;
    let wait = wait.unwrap_or(LONGEST_WAIT);
    if wait > LONGEST_WAIT {
        return Err(Refusal::Wait(LONGEST_WAIT));
    }
    let poll = Poll::new().wait(Duration::from_secs(wait)).data(DataFormat::Json);
    let poll = if wait == 0 { poll.pause(Duration::from_secs(1)) } else { poll };
    let head = RequestHead::of(&request);
    let answer = poll.answer(&app.hub, &head, wanted(&account, after)).await?;
    Ok(answer.map(Body::from))
}

async fn open_socket(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    after: Option<LastEventId>,
    ticket: Option<Ticket>,
    version: Option<Extension<EventMigration>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let upgrade = upgrade.map_err(Refusal::NoWebSocket)?;
    let read = Read::of(version);
    let socket = EventSocket::new().data(DataFormat::Json);
    let events = wanted(&account, after);
    let map = move |delivery| read.delivery(delivery);
    Ok(socket.open_with(&app.hub, events, ticket, upgrade, map).await)
}

/// In which version a client reads. Polls have a body that ends, which the layer migrates by itself.
struct Read(Option<Events>);

impl Read {
    fn of(version: Option<Extension<EventMigration>>) -> Self {
        Self(version.map(|Extension(migration)| migration.events()))
    }

    fn delivery(&self, delivery: Delivery) -> Delivery {
        match (&self.0, delivery) {
            (Some(events), Delivery::Event(entry)) => Delivery::Event(migrated(events, &entry)),
            (_, delivery) => delivery,
        }
    }
}

fn migrated(events: &Events, entry: &Entry) -> Entry {
    match events.migrate(&entry.said().data) {
        Ok(data) => entry.saying(&data),
        Err(error) => {
            eprintln!("payments: an event stays in its newest version: {error}");
            entry.clone()
        }
    }
}
