//! API versions: what they are, where a request says which, which of them serve it, and until when.
//!
//! Not finished: migrations and pins are still to come.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "accounts")]
mod accounts;
mod api_version;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod decide;
mod dispatch;
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "accounts")]
mod last_seen;
mod layer;
mod life;
#[cfg(feature = "migrate")]
mod migrate;
mod moment;
#[cfg(feature = "accounts")]
mod pins;
mod read;
mod rejection;
mod resolve;
mod router;
mod service;
mod shared;
#[cfg(feature = "accounts")]
#[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
pub mod store;
mod table;
#[cfg(all(feature = "testing", feature = "accounts"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "testing", feature = "accounts"))))]
pub mod testing;
mod told;
mod trace;
mod usage;
mod version;
mod versions;
mod warning;

pub use api_version::ApiVersion;
#[cfg(feature = "axum-0-8")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum-0-8")))]
pub use axum08::NotVersioned;
pub use dispatch::Dispatched;
pub use future::ResponseFuture;
#[cfg(feature = "accounts")]
#[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
pub use last_seen::{LastSeen, VersionUsers};
pub use layer::{VersionLayer, VersionLayerBuilder};
pub use life::Stage;
#[cfg(feature = "migrate")]
#[cfg_attr(docsrs, doc(cfg(feature = "migrate")))]
pub use migrate::{
    Changelog, Document, Edits, EventMigration, Events, Gate, GateError, MigrationFuture,
    MigrationLayer, MigrationLayerBuilder, MigrationService,
};
pub use moment::{Moment, NoMoment};
#[cfg(feature = "accounts")]
#[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
pub use pins::{AccountPins, PinOutage, Pins};
pub use read::{GrpcPackage, Header, MediaType, PathSegment, Query, Reader, Source};
pub use rejection::Rejection;
pub use resolve::{Fault, Resolved};
pub use router::{VersionRouter, VersionRouterBuilder};
pub use service::VersionService;
#[doc(no_inline)]
pub use stonework_core::{
    Clock, ConfigError, ConfigErrors, Key, NotExecuted, OriginalUri, Problem, RequestHead,
    StoneBody, StoreError, StoreErrorKind, StoreFuture,
};
pub use usage::{Refusals, Usage};
pub use version::{Channel, DateVersion, Major, MajorMinor, Malformed, Status, Version};
pub use versions::{Found, Index, LifeBuilder, Select, Versions, VersionsBuilder};
pub use warning::Warning;

/// The request header that this crate reads unless another is named, for CORS to allow. One of another name
/// is yours to allow.
pub const REQUEST_HEADERS: &[&str] = &["api-version"];

/// The response headers that this crate writes, for CORS to expose. Put CORS around this layer: a page cannot
/// read a refusal without its headers.
pub const RESPONSE_HEADERS: &[&str] = &[
    "api-version",
    "deprecation",
    "sunset",
    "link",
    "api-supported-versions",
    "api-deprecated-versions",
    "retry-after",
];
