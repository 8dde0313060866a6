//! Rate limits for any tower service.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[allow(dead_code)]
mod client_ip;
mod decision;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
mod gcra;
#[allow(dead_code)]
mod grpc_details;
#[allow(dead_code, unused_imports)]
mod headers;
mod quota;
mod span;
pub mod store;

pub use client_ip::{ClientIp, ForwardedBy, PeerAddr};
pub use decision::{Basis, Decision, Standing, Standings};
pub use headers::{Headers, RESPONSE_HEADERS};
pub use quota::{Quota, QuotaError};
pub use span::Span;
#[doc(no_inline)]
pub use stonework_core::{Key, NotExecuted, Problem, RequestHead, StoneBody};
