//! CORS for any tower service.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod act;
mod asked;
#[cfg(feature = "axum-0-8")]
mod axum08;
pub mod bundle;
#[cfg(feature = "serde")]
mod config;
mod decide;
mod decision;
mod denial;
mod explain;
mod future;
mod handle;
mod layer;
mod names;
mod origin;
mod policy;
mod preflight;
mod reject;
mod resolver;
mod service;
mod shared;
mod stamp;
pub mod store;
mod token;
mod trace;
mod warning;

#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use config::CorsConfig;
pub use decision::{Decision, Denial, Reason};
pub use explain::{Report, explain};
pub use future::ResponseFuture;
pub use handle::Handle;
pub use layer::CorsLayer;
pub use origin::{OriginError, OriginErrorKind, OriginPattern, OriginSet};
pub use policy::{Builder, CorsLayerBuilder, Policy, PolicyBuilder};
pub use resolver::PolicyResolver;
pub use service::CorsService;
#[doc(no_inline)]
pub use stonework_core::{
    ConfigError, ConfigErrors, Key, NotExecuted, Problem, RequestHead, StoneBody, StoreError,
    StoreFuture,
};
pub use warning::Warning;
