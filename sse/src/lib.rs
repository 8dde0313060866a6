//! Server-sent events for any tower service: exact framing, replay without silent loss, and one hub for streams,
//! polls and WebSockets.
//!
//! A stream of events is easy to begin and hard to keep. Connections break, and what was sent meanwhile is gone unless
//! somebody has kept it; a client that comes back to another process, or after a restart, must not miss anything without
//! being told; one that reads slowly must not fill the memory; and a server that shuts down must not wait for streams
//! that have no end. This crate has the parts for that. They are used together, or each alone.
//!
//! # The shortest program
//!
//! ```
//! # #[cfg(feature = "axum-0-8")]
//! # mod example {
//! use axum::extract::State;
//! use axum::response::IntoResponse;
//! use axum::{Router, routing::get};
//! use stonework_sse::{
//!     Event, Hub, LastEventId, Publish, SseBody, SseLayer, Subscribe, SubscribeError,
//! };
//!
//! async fn events(
//!     State(hub): State<Hub>,
//!     after: Option<LastEventId>,
//! ) -> Result<impl IntoResponse, SubscribeError> {
//!     let events = hub.subscribe(Subscribe::to("news").after(after)).await?;
//!     Ok(SseBody::new(events).into_response())
//! }
//!
//! async fn report(hub: &Hub, text: &str) -> Result<(), Box<dyn std::error::Error>> {
//!     let event = Event::new(text).event_type("headline")?;
//!     hub.publish(Publish::to("news", event)).await?;
//!     Ok(())
//! }
//!
//! # fn app() -> Result<Router, Box<dyn std::error::Error>> {
//! let streams = SseLayer::builder().build()?;
//! let app = Router::new().route("/events", get(events).layer(streams)).with_state(Hub::in_memory());
//! # let _ = report;
//! # Ok(app)
//! # }
//! # }
//! ```
//!
//! A browser that says `new EventSource("/events").addEventListener("headline", …)` reads it, comes back by itself when
//! the connection breaks, and is given what it has missed:
//!
//! ```text
//! GET /events HTTP/1.1
//! Last-Event-ID: 9c2f1d07.41.5b0e77a1
//!
//! HTTP/1.1 200 OK
//! content-type: text/event-stream
//! cache-control: no-cache
//! x-accel-buffering: no
//!
//! id: 9c2f1d07.42.e1907c44
//! event: headline
//! data: It rains
//! ```
//!
//! # A customised one
//!
//! ```
//! use std::time::Duration;
//!
//! use stonework_core::{Key, RequestHead};
//! use stonework_sse::store::MemoryLog;
//! use stonework_sse::{Drain, Hub, LastEventId, SlowClients, SseLayer, Subscribe};
//!
//! # #[derive(Clone)]
//! # struct Account { id: u64, token_expires: Duration }
//! # fn build() -> Result<(Hub, SseLayer), Box<dyn std::error::Error>> {
//! let log = MemoryLog::builder().max_events(10_000).max_age(Duration::from_secs(600)).build()?;
//! let hub = Hub::builder(log).slow_clients(SlowClients::SkipToLatest).build()?;
//!
//! let account = |head: &RequestHead<'_>| {
//!     head.extensions.get::<Account>().map(|account| Key::from(account.id))
//! };
//! let drain = Drain::new();
//! let streams =
//!     SseLayer::builder().max_streams(50_000).max_streams_of(10, account).drain(&drain).build()?;
//! // When the process is told to end: drain.now(Duration::from_secs(5)), the server's own shutdown, and then
//! // streams.drained(), which waits for WebSockets too.
//! # Ok((hub, streams))
//! # }
//!
//! fn wanted(account: &Account, after: Option<LastEventId>) -> Subscribe {
//!     Subscribe::to(account.id) // A log for each account: nobody reads another's.
//!         .topics(["invoice.paid", "invoice.failed"])
//!         .after(after)
//!         .expires_at(account.token_expires)
//! }
//! # let _ = wanted;
//! ```
//!
//! # The parts
//!
//! | | |
//! |---|---|
//! | [`Event`], [`Frame`] | what is sent, written once, however many there are who read it |
//! | [`Decoder`] | reads a stream as browsers do; for clients and tests. It needs no feature |
//! | [`SseBody`] | the body of a response: frames of any stream, and comments while none come |
//! | [`SseLayer`], [`Drain`] | where a client was, how many streams there may be, and their end; goes with any body |
//! | [`Hub`] | publishes to logs, and gives them to subscribers |
//! | [`store::EventLog`] | keeps events: [`store::MemoryLog`], or Redis |
//! | `Poll`, `EventSocket`, `EventMessages` | the same logs for clients who ask, for WebSockets and for gRPC |
//!
//! # Logs, topics and positions
//!
//! A subscription reads one log. Topics are labels within it, by which it is filtered; whoever needs two logs opens two
//! streams. So a place in a log is a number, and whether something is missing can be known: it is judged on the log,
//! before anybody filters it. Where many events in a row are filtered out, the client is sent an id without an event, so
//! that its place moves on.
//!
//! The id of each event is its [`Position`], and a client that comes back says the last one. Streams, polls, WebSockets
//! and gRPC have the same ids.
//!
//! # What it promises
//!
//! - **Nothing is lost silently.** A client that comes back with its last id gets every event after it, in order, each
//!   once. If some of them are gone, it gets an event of the type `gap` first, whose data says why, and what comes after
//!   that:
//!   - `trimmed` (older than what is kept): all that there are.
//!   - `replaced` (the log is another one, or fell back to an older state): all of the other one; of one that fell back,
//!     what comes after where the client was, or after its end. What has taken the place of events that the client has
//!     read is not given, since nobody knows how many these are.
//!   - `unknown` (the id is none of this service's): what is new.
//!   - `skipped` (the client was slow, and you have said so): what [`SlowClients`] says.
//!
//!   So whoever is told of a gap asks for the state of things anew, and goes on from there.
//! - **That holds between reading back and reading along.** A subscriber listens before it looks where the log ends;
//!   whatever was not announced is found by its number and read.
//! - **An event is appended once**, however often it is published with the same id.
//! - **A slow client costs its place.** There is no queue for each. What it may hold is 64 events while it reads back, and
//!   what the connection has in its buffers.
//! - **What is written is read the same**, by every client that keeps to the standard: line breaks of all kinds, empty
//!   data, ids that browsers send back without a preflight.
//! - **A browser that is turned away comes back.** After a 503 it never would; it gets a stream that says when to, and
//!   ends.
//!
//! # What it cannot promise
//!
//! - Whether the other side has *acted* on an event. A client that crashes after it has read an id and before it has done
//!   anything has lost it.
//! - That a transaction and its event are one. Publish from an outbox if they must be, with the id of the row.
//! - Order between logs, and between publishers that do not wait for each other.
//! - That a gap is told to clients that do not listen for it. In a page, that is `addEventListener("gap", …)`.
//! - That all who are told of a gap have missed something that they had asked for. Of events that are filtered out a
//!   client is told where it is after 64 of them, or after 15 seconds; and some keep no id that has no event. If the log
//!   forgets these events meanwhile, they are missing. A log for each who reads has no such events.
//! - To end a stream whose client takes nothing at all: a body that is not polled cannot end. Set a write timeout or
//!   `TCP_USER_TIMEOUT` at the server's sockets; hyper keeps some 400 KiB of such a connection at most.
//! - A log in memory is gone with its process. Clients that come back are told of a gap.
//!
//! # What clients make of it
//!
//! Tests run these, over connections that are lost after any number of bytes and servers that are killed:
//!
//! | | comes back | |
//! |---|---|---|
//! | `EventSource` in Chromium | by itself | without TLS, a head that is cut off may be the end of it |
//! | eventsource 5 (npm) | by itself | its waiting keeps no Node.js process from its end |
//! | eventsource-parser 4 (npm) | by its caller | who hears of ids and times through `onId` and `onRetry` |
//! | httpx-sse 0.4 (PyPI) | by its caller | tells of whatever has no data (an id alone, a time, a comment) as an event with empty data. Skip those, but keep their ids |
//! | sseclient-py 1.9 (PyPI) | by its caller | tells of nothing but events, so that a connection that is lost before the first one begins anew; and of half an event where a body lasts as long as its connection (HTTP/1.0) |
//!
//! # Security
//!
//! - An id grants nothing. Choose the log by who is asking, and never by what the request says alone.
//!   [`Subscribe::allow`] is asked of every event that is given, old ones too.
//! - A stream outlives the token that opened it: say [`Subscribe::expires_at`].
//! - `EventSource` sends cookies, and no header of a page's own. Behind cookies, allow only your own origins.
//! - Of a WebSocket a browser asks nobody's leave: CORS does not apply, and any page may open one with the cookies of
//!   whoever looks at it. Behind cookies, compare the `Origin` header with your own before you open one.
//! - Types and ids with line breaks are refused: nothing that a user writes begins a field or an event.
//! - Bound what one account may open ([`SseLayerBuilder::max_streams_of`]). Browsers open six streams at most to one
//!   origin over HTTP/1.1, all tabs together; serve HTTP/2.
//!
//! # When it is the wrong crate
//!
//! For a list that is read page by page, `stonework-pagination`. To send events to other people's servers,
//! `stonework-webhook-sign`. For answers that stream once and cannot be gone on with, [`Event`] and [`SseBody`] without a
//! hub, and [`Drain::finish_streams`].
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `hub` (default) | everything that serves; brings `tokio`. Without it there are [`Event`], [`Frame`] and [`Decoder`] |
//! | `json` (default) | [`Event::json`] |
//! | `redis-1` | a log in Redis, for many processes |
//! | `axum-0-8` | `Option<LastEventId>` is an extractor, [`SubscribeError`] a response |
//! | `poll` | `Poll`: long and short polling |
//! | `ws` | `EventSocket`: WebSockets, on axum 0.8 |
//! | `grpc` | `EventMessages`: server streaming, on tonic 0.14 |
//! | `tracing` | an event for every refusal, gap and repair |
//! | `utoipa-6` | `openapi` describes streams, polls and WebSockets in an OpenAPI document |
//! | `testing` | the conformance suite that any log must pass |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod decoder;
mod error;
mod event;
mod frame;

#[cfg(feature = "axum-0-8")]
mod axum08;
#[cfg(feature = "hub")]
mod body;
#[cfg(any(feature = "poll", feature = "ws"))]
mod data_format;
#[cfg(feature = "hub")]
mod drain;
#[cfg(feature = "hub")]
mod ending;
#[cfg(feature = "hub")]
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "hub")]
mod hub;
#[cfg(any(feature = "poll", feature = "ws"))]
mod item;
#[cfg(feature = "hub")]
mod jitter;
#[cfg(feature = "hub")]
mod keep_alive;
#[cfg(feature = "hub")]
mod last_event_id;
#[cfg(feature = "hub")]
mod layer;
#[cfg(feature = "hub")]
mod limits;
#[cfg(feature = "utoipa-6")]
#[cfg_attr(docsrs, doc(cfg(feature = "utoipa-6")))]
pub mod openapi;
#[cfg(feature = "poll")]
mod poll;
#[cfg(feature = "hub")]
mod position;
#[cfg(feature = "hub")]
mod rejection;
#[cfg(feature = "hub")]
mod service;
#[cfg(feature = "hub")]
mod shared;
#[cfg(feature = "hub")]
pub mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
#[cfg(feature = "hub")]
mod trace;
#[cfg(feature = "ws")]
mod ws;

pub use decoder::{DecodeError, Decoder, Message};
pub use error::{EventError, EventErrorKind};
pub use event::Event;
pub use frame::Frame;

#[cfg(feature = "hub")]
pub use body::SseBody;
#[cfg(any(feature = "poll", feature = "ws"))]
pub use data_format::DataFormat;
#[cfg(feature = "hub")]
pub use drain::Drain;
#[cfg(feature = "hub")]
pub use ending::EndingBody;
#[cfg(feature = "hub")]
pub use future::ResponseFuture;
#[cfg(feature = "grpc")]
pub use grpc::EventMessages;
#[cfg(feature = "hub")]
pub use hub::{
    Delivery, End, Hub, HubBuilder, Publish, PublishError, PublishErrorKind, SlowClients,
    Subscribe, SubscribeError, Subscription,
};
#[cfg(feature = "hub")]
pub use keep_alive::KeepAlive;
#[cfg(feature = "hub")]
pub use last_event_id::LastEventId;
#[cfg(feature = "hub")]
pub use layer::{SseLayer, SseLayerBuilder};
#[cfg(feature = "hub")]
pub use limits::Ticket;
#[cfg(feature = "poll")]
pub use poll::Poll;
#[cfg(feature = "hub")]
pub use position::{Position, PositionError};
#[cfg(feature = "hub")]
pub use rejection::Rejection;
#[cfg(feature = "hub")]
pub use service::SseService;
#[cfg(feature = "ws")]
pub use ws::EventSocket;

/// What is read of requests, for CORS to allow. Browsers send the first by themselves; a page that does so on its own
/// needs leave, as it does to compare what it has been given by a poll.
#[cfg(feature = "hub")]
pub const REQUEST_HEADERS: &[&str] = &["last-event-id", "if-none-match"];

/// What is written on responses, for CORS to expose.
#[cfg(feature = "hub")]
pub const RESPONSE_HEADERS: &[&str] = &["last-event-id", "etag", "retry-after"];
