//! Rate limits for any tower service.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod gcra;
mod quota;
mod span;
pub mod store;

pub use quota::{Quota, QuotaError};
pub use span::Span;
#[doc(no_inline)]
pub use stonework_core::{Key, NotExecuted, Problem, RequestHead, StoneBody};
