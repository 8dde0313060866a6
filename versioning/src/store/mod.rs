//! Where it is kept what accounts are pinned to, and which versions they use. Feature `accounts`.
//!
//! [`PinStore`] must not forget; [`UsageStore`] may. Both are kept in memory. Any store of yours is one
//! too: the suite in `testing` tells whether it keeps the contract.

mod memory;
mod pins;
mod usage;

pub use memory::MemoryStore;
pub use pins::{Change, Changed, Lookup, Pin, PinStore, Pinned, Unpinned};
pub use usage::{Seen, UsageStore, User, Users};
