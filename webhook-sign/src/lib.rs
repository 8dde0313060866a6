//! Webhooks, signed and verified.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod check;
mod claims;
#[cfg(feature = "ed25519")]
mod ed25519;
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
mod handshake;
mod header;
mod json;
pub mod keys;
mod layer;
mod mac;
mod policy;
mod reading;
mod refusal;
mod rejection;
mod replay;
mod reply;
pub mod scheme;
mod sender;
mod service;
mod settle;
mod shared;
mod sign;
mod signing;
pub mod store;
mod tag;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod timestamp;
mod trace;
#[cfg(test)]
mod vector;
mod verified;
mod warning;

pub use algorithm::Algorithm;
#[cfg(feature = "axum-0-8")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum-0-8")))]
pub use axum08::{NotVerified, VerifiedJson};
pub use claims::{BodyRole, Claims, MAX_ID, MAX_SIGNATURES};
pub use future::ResponseFuture;
pub use handshake::{
    CloudEvents, HandshakeFuture, HandshakeLayer, HandshakeLayerBuilder, HandshakeService,
};
pub use layer::{VerifyLayer, VerifyLayerBuilder};
pub use policy::{InFlight, Outage};
pub use refusal::{Field, Refusal};
pub use rejection::Rejection;
pub use scheme::Encoding;
pub use sender::Sender;
pub use service::VerifyService;
pub use sign::{
    MessageId, SignError, SignErrorKind, SignFuture, SignLayer, SignLayerBuilder, SignService,
    Signer,
};
pub use signing::{SignFault, sign};
#[doc(no_inline)]
pub use stonework_core::{
    ConfigError, ConfigErrors, Key, NotExecuted, Problem, RequestHead, StoneBody, StoreError,
    StoreErrorKind, StoreFuture,
};
pub use tag::Tag;
pub use timestamp::Unit;
pub use verified::{Verified, verify};
pub use warning::Warning;
