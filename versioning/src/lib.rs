//! API versions: what they are, where a request says which, which of them serve it, and until when.
//!
//! Not finished: migrations and pins are still to come.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api_version;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod decide;
mod dispatch;
mod future;
mod layer;
mod life;
mod moment;
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
mod version;
mod versions;
mod warning;

pub use api_version::ApiVersion;
#[cfg(feature = "axum-0-8")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum-0-8")))]
pub use axum08::NotVersioned;
pub use dispatch::Dispatched;
pub use future::ResponseFuture;
pub use layer::{VersionLayer, VersionLayerBuilder};
pub use life::Stage;
pub use moment::{Moment, NoMoment};
pub use read::{GrpcPackage, Header, MediaType, PathSegment, Query, Reader, Source};
pub use rejection::Rejection;
pub use resolve::{Fault, Resolved};
pub use router::{VersionRouter, VersionRouterBuilder};
pub use service::VersionService;
#[doc(no_inline)]
pub use stonework_core::{
    Clock, ConfigError, ConfigErrors, NotExecuted, OriginalUri, Problem, RequestHead, StoneBody,
};
#[cfg(feature = "accounts")]
#[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
#[doc(no_inline)]
pub use stonework_core::{Key, StoreError, StoreErrorKind, StoreFuture};
pub use version::{Channel, DateVersion, Major, MajorMinor, Malformed, Status, Version};
pub use versions::{Found, Index, LifeBuilder, Select, Versions, VersionsBuilder};
pub use warning::Warning;
