//! Server-sent events for any tower service.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod decoder;
mod error;
mod event;
mod frame;

pub use decoder::{DecodeError, Decoder, Message};
pub use error::{EventError, EventErrorKind};
pub use event::Event;
pub use frame::Frame;

#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "hub")]
mod last_event_id;
#[cfg(feature = "hub")]
mod position;
#[cfg(feature = "hub")]
pub mod store;
#[cfg(feature = "hub")]
mod trace;

#[cfg(feature = "hub")]
pub use hub::{
    Delivery, Hub, HubBuilder, Publish, PublishError, PublishErrorKind, SlowClients, Subscribe,
    Subscription,
};
#[cfg(feature = "hub")]
pub use last_event_id::LastEventId;
#[cfg(feature = "hub")]
pub use position::{Position, PositionError};
