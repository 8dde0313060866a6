//! Streams over sockets: a server in a process of its own, on one core, and all of its clients on another.

mod clients;
mod server;

pub use super::sources::Name;
pub use clients::Clients;
pub use server::{Memory, Server, serve};

use rustix::thread::{CpuSet, sched_setaffinity};

/// By what an event is counted: one byte of each, which no frame has otherwise.
const MARK: u8 = b'#';

/// Keeps this thread, and those that it starts, on one core; on a machine that has only one, on that.
fn stay_on(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    let _ = sched_setaffinity(None, &cores);
}
