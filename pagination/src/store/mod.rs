//! Where cursors are kept that say nothing by themselves. Feature `stored`.
//!
//! For places that are too large for a URL, or that have to be taken back. In memory or, for more than one
//! process, in Redis. Any store of yours is one too: the suite in `testing` tells whether it keeps the
//! contract.

mod cursors;
mod memory;
#[cfg(feature = "redis-1")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis-1")))]
pub mod redis1;

pub use cursors::{CursorStore, Get, Put, Revoke};
pub use memory::MemoryStore;
