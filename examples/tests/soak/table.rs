use std::time::{Duration, Instant};

use super::process::Sample;
use super::setting::Setting;
use super::tally::{KINDS, Tally};

/// A line now and then.
pub(crate) struct Table {
    began: Instant,
    every: Duration,
    printed: Duration,
    asked: [u64; KINDS.len()],
}

#[allow(clippy::disallowed_methods)] // It is about real time.
impl Table {
    pub(crate) fn begin(setting: &Setting) -> Self {
        let names: String =
            KINDS.iter().map(|kind| format!("{:>11}", format!("{kind:?}"))).collect();
        println!("seconds{names}  a second  RSS MiB    fds threads");
        let (printed, asked) = (Duration::ZERO, [0; KINDS.len()]);
        Self { began: Instant::now(), every: setting.line_every, printed, asked }
    }

    pub(crate) fn lasted(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn sampled(&mut self, sample: Sample, tally: &Tally) {
        let (lasted, since) = (self.lasted(), self.printed);
        if lasted - since < self.every {
            return;
        }
        let asked = tally.asked();
        let new: Vec<u64> = asked.iter().zip(self.asked).map(|(now, then)| now - then).collect();
        let columns: String = new.iter().map(|count| format!("{count:>11}")).collect();
        let rate = new.iter().sum::<u64>() as f64 / (lasted - since).as_secs_f64();
        let Sample { memory, descriptors, threads } = sample;
        println!(
            "{:>7}{columns}{rate:>10.0}{:>9.1}{descriptors:>7}{threads:>8}",
            lasted.as_secs(),
            memory as f64 / 1_024.0,
        );
        (self.printed, self.asked) = (lasted, asked);
    }
}
