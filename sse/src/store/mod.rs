//! Where events are kept: the trait of logs, and those that there are.

mod announcements;
mod log;
mod memory;
#[cfg(feature = "redis-1")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis-1")))]
pub mod redis1;

pub use announcements::{Announced, Announcements, Announcer};
pub(crate) use log::identified;
pub use log::{Append, Entry, EventLog, Gap, Head, Listen, Logged, Lost, Read, ReadAfter, Said};
pub use memory::{MemoryLog, MemoryLogBuilder};
