//! Cursors that cannot be forged, keyset SQL that stays fast, links that clients follow.
//!
//! Begun: orders, and what becomes of them.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod anchor;
mod column;
mod keyset;
mod payload;
mod sort;
mod value;

pub use anchor::{Anchor, Direction};
pub use column::{Column, Nulls};
pub use keyset::Keyset;
pub use sort::Sort;
#[doc(hidden)]
pub use sort::assert_sorted;
pub use value::{Float, KeyField, Kind, NotANumber, Value};
