//! Rate limits for any tower service.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admit;
mod admitted;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod body;
mod charge;
mod client_ip;
mod concurrency;
mod decide;
mod decision;
#[cfg(feature = "memory")]
mod fallback;
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
mod gcra;
mod grpc_details;
mod headers;
mod layer;
mod outage;
mod partition;
mod policy;
mod quota;
#[cfg(feature = "quotas")]
mod quotas;
mod rejection;
mod reply;
mod service;
mod settlement;
mod shared;
mod span;
pub mod store;
mod sync;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod trace;
mod verdict;
mod warning;
mod who;

#[cfg(feature = "axum-0-8")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum-0-8")))]
pub use axum08::NotLimited;
pub use body::ResponseBody;
pub use charge::Charge;
pub use client_ip::{ClientIp, ForwardedBy, PeerAddr};
pub use concurrency::Concurrency;
pub use decision::{Basis, Decision, Standing};
pub use future::ResponseFuture;
pub use headers::{Headers, RESPONSE_HEADERS};
pub use layer::{RateLimitLayer, RateLimitLayerBuilder};
pub use outage::Outage;
pub use policy::Policy;
pub use quota::{Quota, QuotaError};
#[cfg(feature = "quotas")]
#[cfg_attr(docsrs, doc(cfg(feature = "quotas")))]
pub use quotas::{Allowance, QuotaProvider, Quotas};
pub use rejection::Rejection;
pub use service::RateLimitService;
pub use span::Span;
#[doc(no_inline)]
pub use stonework_core::{
    ConfigError, ConfigErrors, Key, NotExecuted, Problem, RequestHead, StoneBody,
};
pub use warning::Warning;
pub use who::MissingKey;
