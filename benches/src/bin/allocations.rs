//! Counts allocations: one line per scenario and subject, which the report reads.
//!
//! A program of its own, since an allocator that counts is slower.

use allocation_counter::measure;
use benches::{Scenario, Subject, suites};

/// Enough for the growth of a store's tables to be spread as it is over its life.
const BATCHES: usize = 16;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    for suite in suites() {
        for scenario in suite.filtered(&words).scenarios {
            scenario.subjects.iter().for_each(|subject| count(&scenario, subject));
        }
    }
}

fn count(scenario: &Scenario, subject: &Subject) {
    let mut bench = subject.start();
    let (mut count, mut bytes) = (0, 0);
    for _ in 0..BATCHES {
        bench.prepare(scenario.batch);
        let info = measure(|| bench.measured());
        count += info.count_total;
        bytes += info.bytes_total;
    }
    let per_call = |total: u64| total as f64 / (BATCHES * scenario.batch) as f64;
    println!("{}\t{}\t{}\t{}", scenario.name, subject.word, per_call(count), per_call(bytes));
}
