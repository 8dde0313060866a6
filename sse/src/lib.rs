//! Server-sent events for any tower service.
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

/// What is read of requests, for CORS to allow. Browsers send it by themselves; a page that does so on its own needs
/// leave.
#[cfg(feature = "hub")]
pub const REQUEST_HEADERS: [http::HeaderName; 1] = [last_event_id::LAST_EVENT_ID];

/// What is written on responses, for CORS to expose.
#[cfg(feature = "hub")]
pub const RESPONSE_HEADERS: [http::HeaderName; 3] =
    [last_event_id::LAST_EVENT_ID, http::header::ETAG, http::header::RETRY_AFTER];
