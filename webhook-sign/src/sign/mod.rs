//! Signing what goes out.

mod error;
mod future;
mod layer;
mod message_id;
mod service;
mod signer;

pub use error::{SignError, SignErrorKind};
pub use future::SignFuture;
pub use layer::{SignLayer, SignLayerBuilder};
pub use message_id::MessageId;
pub use service::SignService;
pub use signer::Signer;
