use std::fmt;
use std::time::Duration;

use crate::time::processor_time;

/// One subject in one scenario.
pub trait Work: Send {
    /// Makes what the next `count` calls need; not measured.
    fn prepare(&mut self, count: usize);

    /// Makes these calls; measured.
    fn run(&mut self);
}

/// A [`Work`] that is measured.
pub struct Bench(Box<dyn Work>);

impl Bench {
    /// Of any work.
    pub fn new(work: impl Work + 'static) -> Self {
        Self(Box::new(work))
    }

    /// Makes what the next calls need; not measured.
    pub fn prepare(&mut self, count: usize) {
        self.0.prepare(count);
    }

    /// Makes the calls: the part that is measured. A name of its own, by which callgrind finds it.
    #[inline(never)]
    pub fn measured(&mut self) {
        self.0.run();
    }

    /// How much processor time so many calls take.
    pub fn time(&mut self, count: usize) -> Duration {
        self.prepare(count);
        let start = processor_time();
        self.measured();
        processor_time().saturating_sub(start)
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}
