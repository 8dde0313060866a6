//! Streams over sockets: a server in a process of its own, on one core, and all of its clients on another.

mod clients;
mod server;

pub use super::sources::Name;
pub use clients::Clients;
pub use server::{Memory, Server, serve};

/// By what an event is counted: one byte of each, which no frame has otherwise.
const MARK: u8 = b'#';
