//! The seams that the Stonework layers share, and no more.
//!
//! You do not need this crate to use a layer. You meet its types when you write a closure over a
//! request ([`RequestHead`], [`Key`]), read why a layer said no ([`Problem`], [`NotExecuted`]), or
//! write a store of your own ([`StoreFuture`], [`StoreError`]).
//!
//! | type | what it is for |
//! |---|---|
//! | [`StoneBody`] | a body that is either the inner one or already in memory |
//! | [`collect_capped`] | read a body into memory, with a cap and a deadline |
//! | [`RequestHead`] | a request without its body, for closures |
//! | [`Key`] | who or what a limit, a scope or a cache entry belongs to |
//! | [`Problem`] | how a layer says no, in HTTP, gRPC and gRPC-web |
//! | [`NotExecuted`] | "the handler never ran", as a response extension |
//! | [`OriginalUri`] | the URI before anything rewrote it |
//! | [`StoreFuture`], [`StoreError`] | what a store's methods return |
//! | [`Clock`] | the only way in which Stonework reads time |
//! | [`Breaker`] | at most one probe while a store is away |
//! | `Deadline` (feature `tokio`) | a timeout that costs nothing until something has to wait |
//! | `StoreGuard` (feature `tokio`) | a breaker and a timeout around a store's operation |
//! | [`ConfigErrors`], [`ConfigError`] | every mistake of a configuration at once |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tokio` | `TokioClock`, whose time stands still under a paused runtime, `Deadline` and `StoreGuard` |
//! | `redis-1` | `redis1`: what the stores over Redis share |
//! | `utoipa-6` | `openapi`: a [`Problem`] is a schema, and what the layers' descriptions share |
//! | `axum-0-8` | [`OriginalUri::of`] also reads the extension that axum's routers leave; a [`Problem`] is a response |
//!
//! # Stability
//!
//! A breaking change here is a breaking change of every layer. Public structs and enums are
//! therefore `#[non_exhaustive]`. Nothing here does I/O, unless
//! a store asks for it, and only the clocks read time.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod breaker;
mod clock;
mod collect;
mod config;
#[cfg(feature = "tokio")]
mod deadline;
mod grpc;
mod grpc_details;
#[cfg(feature = "tokio")]
mod guard;
mod head;
mod json;
mod key;
mod not_executed;
#[cfg(feature = "utoipa-6")]
#[cfg_attr(docsrs, doc(cfg(feature = "utoipa-6")))]
pub mod openapi;
mod original_uri;
mod problem;
#[cfg(feature = "redis-1")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis-1")))]
pub mod redis1;
mod store;

pub use body::StoneBody;
pub use breaker::{Admission, Breaker};
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use clock::TokioClock;
pub use clock::{Clock, SystemClock};
pub use collect::{CollectCapped, CollectError, CollectErrorKind, Collected, collect_capped};
pub use config::{ConfigError, ConfigErrors};
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use deadline::Deadline;
pub use grpc::{GrpcCode, Protocol};
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use guard::{Started, StoreGuard};
pub use head::RequestHead;
pub use key::Key;
pub use not_executed::NotExecuted;
pub use original_uri::OriginalUri;
pub use problem::{Member, Problem, Retry};
pub use store::{StoreError, StoreErrorKind, StoreFuture};
