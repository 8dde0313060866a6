use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Of this thread: the turns of other programs do not count.
pub fn processor_time() -> Duration {
    read(ClockId::ThreadCPUTime)
}

/// For what more than one thread has a part in. Only differences mean something.
pub fn wall_time() -> Duration {
    read(ClockId::Monotonic)
}

fn read(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).expect("no clock is negative")
}
