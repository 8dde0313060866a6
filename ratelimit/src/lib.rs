//! Rate limits for any tower service.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod decision;
mod gcra;
mod quota;
mod span;
pub mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use decision::{Basis, Decision, Standing, Standings};
pub use quota::{Quota, QuotaError};
pub use span::Span;
#[doc(no_inline)]
pub use stonework_core::{Key, NotExecuted, Problem, RequestHead, StoneBody};
