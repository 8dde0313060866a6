//! Webhooks, signed and verified.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
mod check;
mod claims;
#[cfg(feature = "ed25519")]
mod ed25519;
mod header;
mod json;
pub mod keys;
mod mac;
mod refusal;
pub mod scheme;
mod signing;
mod tag;
mod timestamp;
#[cfg(test)]
mod vector;
mod verified;

pub use algorithm::Algorithm;
pub use claims::{BodyRole, Claims, MAX_ID, MAX_SIGNATURES};
pub use refusal::{Field, Refusal};
pub use scheme::Encoding;
pub use signing::{SignFault, sign};
#[doc(no_inline)]
pub use stonework_core::{
    ConfigError, ConfigErrors, Key, NotExecuted, Problem, RequestHead, StoneBody, StoreError,
    StoreErrorKind, StoreFuture,
};
pub use tag::Tag;
pub use timestamp::Unit;
pub use verified::{Verified, verify};
