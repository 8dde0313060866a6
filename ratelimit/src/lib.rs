//! Rate limits for any tower service.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod decision;
#[allow(dead_code)]
mod gcra;
mod quota;
#[allow(dead_code)]
mod span;
pub mod store;

pub use decision::{Basis, Decision, Standing, Standings};
pub use quota::{Quota, QuotaError};
pub use span::Span;
#[doc(no_inline)]
pub use stonework_core::{Key, NotExecuted, Problem, RequestHead, StoneBody};
