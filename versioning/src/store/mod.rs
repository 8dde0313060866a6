//! Where it is kept what accounts are pinned to, and which versions they use. Feature `accounts`.
//!
//! [`PinStore`] must not forget; [`UsageStore`] may. Both are kept in memory or, for more than one
//! process, in Redis. Any store of yours is one too: the suite in `testing` tells whether it keeps the
//! contract.

mod memory;
mod pins;
#[cfg(feature = "redis-1")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis-1")))]
pub mod redis1;
mod usage;

pub use memory::MemoryStore;
pub use pins::{Change, Changed, Lookup, Pin, PinStore, Pinned, Unpinned};
pub use usage::{Seen, UsageStore, User, Users};
