//! Cursors that cannot be forged, keyset SQL that stays fast, links that clients follow.
//!
//! Begun: orders, and what becomes of them.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod anchor;
mod answer;
mod asked;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod binding;
mod check;
mod column;
mod context;
mod cursor_error;
mod cursors;
mod error;
mod future;
#[cfg(feature = "async-graphql-7")]
mod graphql7;
mod keys;
mod keyset;
mod layer;
mod link;
mod page;
mod paged;
mod payload;
mod profile;
mod rejection;
mod seek;
mod service;
mod shared;
mod sort;
#[cfg(feature = "sqlx-0-9")]
mod sqlx09;
mod token;
#[cfg(feature = "tonic-0-14")]
mod tonic014;
mod total;
mod trace;
mod value;
mod window;

pub use anchor::{Anchor, Direction};
pub use binding::Binding;
pub use column::{Column, Nulls};
pub use cursor_error::{CursorError, CursorErrorKind};
pub use cursors::{Cursors, CursorsBuilder, Encoder, Verified};
pub use error::PageError;
pub use future::ResponseFuture;
pub use keys::Keys;
pub use keyset::{Keyset, Place};
pub use layer::{PageLayer, PageLayerBuilder};
pub use page::{AnyPage, Page};
pub use paged::{Around, Paged};
pub use profile::{OverMax, Profile};
pub use rejection::Rejection;
pub use seek::{Dialect, Seek, SeekError, SeekErrorKind, Select, Shape, Statement};
pub use service::PageService;
pub use sort::Sort;
#[doc(hidden)]
pub use sort::assert_sorted;
#[doc(no_inline)]
pub use stonework_core::{
    Clock, ConfigError, ConfigErrors, Key, NotExecuted, OriginalUri, Problem, RequestHead,
    StoneBody, StoreError, StoreErrorKind, StoreFuture,
};
pub use total::Total;
pub use value::{Float, KeyField, Kind, NotANumber, Value};

/// The request headers that this crate reads, for CORS to allow. None: pages are asked for in the query.
pub const REQUEST_HEADERS: &[&str] = &[];

/// The response headers that this crate writes, for CORS to expose.
pub const RESPONSE_HEADERS: &[&str] = &["link"];
