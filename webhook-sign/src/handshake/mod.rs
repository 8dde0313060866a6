//! What providers ask for before they send events.

mod answer;
mod cloud_events;
mod future;
mod layer;
mod service;

pub use cloud_events::CloudEvents;
pub use future::HandshakeFuture;
pub use layer::{HandshakeLayer, HandshakeLayerBuilder};
pub use service::HandshakeService;
