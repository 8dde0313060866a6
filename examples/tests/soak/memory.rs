//! When memory is flat.

use super::process::Sample;

/// What noise there is between two hours of the same: buffers of connections, and what an allocator holds back.
const PERCENT: u64 = 5;
const KIB: u64 = 2_048;

/// The middles of the second third and of the last sixth, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Middles {
    pub(crate) second_third: u64,
    pub(crate) last_sixth: u64,
    pub(crate) most: u64,
}

/// Is it flat? The middles, either way.
pub(crate) fn judge(samples: &[Sample]) -> Result<Middles, Middles> {
    let count = samples.len();
    let second_third = middle(&samples[count / 3..count * 2 / 3]);
    let last_sixth = middle(&samples[count * 5 / 6..]);
    let most = second_third * (100 + PERCENT) / 100 + KIB;
    let middles = Middles { second_third, last_sixth, most };
    if last_sixth <= most { Ok(middles) } else { Err(middles) }
}

fn middle(samples: &[Sample]) -> u64 {
    let mut sorted: Vec<_> = samples.iter().map(|sample| sample.memory).collect();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

fn series(memory: impl Fn(u64) -> u64) -> Vec<Sample> {
    (0..720).map(|at| Sample { memory: memory(at), descriptors: 1, threads: 1 }).collect()
}

#[test]
fn what_fills_at_first_and_then_goes_up_and_down_is_flat() {
    let filling = |at: u64| 50_000 + at.min(230) * 1_000 + at * 7_919 % 20_000;
    assert!(judge(&series(filling)).is_ok());
}

/// A peak is no leak, however high.
#[test]
fn a_peak_at_the_end_is_flat_and_a_step_is_not() {
    assert!(judge(&series(|at| if at == 700 { 900_000 } else { 300_000 })).is_ok());
    assert!(judge(&series(|at| if at >= 600 { 320_000 } else { 300_000 })).is_err());
}

/// Between the middles of the two lie five twelfths of an hour: 25 minutes.
#[test]
fn seven_bytes_for_each_of_two_thousand_requests_in_a_second_are_seen() {
    let leaked = |bytes: u64| move |at: u64| 200_000 + at * 5 * 2_000 * bytes / 1_024;
    assert!(judge(&series(leaked(7))).is_err());
    assert!(judge(&series(leaked(1))).is_ok());
}
