//! Webhooks that arrive at least once.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
mod body;
mod breaker;
mod builder;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;
mod delivery;
pub mod egress;
mod endpoint;
mod endpoints;
mod error;
mod event;
mod id;
mod judge;
mod message;
mod names;
mod policy;
mod reason;
mod retry_after;
mod schedule;
mod secret;
mod shared;
pub mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod trace;
mod transport;
mod warning;
mod worker;

pub use attempt::{Attempt, MAX_ATTEMPTS};
pub use body::WebhookBody;
pub use breaker::Breaker;
pub use builder::DeliveryBuilder;
pub use delivery::Delivery;
pub use endpoint::{Endpoint, EndpointBuilder};
pub use endpoints::{Endpoints, MemoryEndpoints};
pub use error::EnqueueError;
pub use event::Event;
pub use id::{DeliveryId, EndpointId, IdError, OrderKey};
pub use message::Message;
pub use names::{REQUEST_HEADERS, RESPONSE_HEADERS};
pub use policy::Policy;
pub use reason::{DeadReason, DisableReason, Fault};
pub use schedule::Schedule;
pub use secret::Secret;
#[doc(no_inline)]
pub use stonework_core::{
    Clock, ConfigError, ConfigErrors, StoreError, StoreErrorKind, StoreFuture,
};
#[doc(no_inline)]
pub use stonework_webhook_sign::{MessageId, Signer, StoneBody, keys, scheme};
pub use warning::Warning;
pub use worker::{Drained, Workers};
