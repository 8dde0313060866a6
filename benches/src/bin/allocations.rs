//! Counts allocations: one line per scenario and subject, which the report reads.
//!
//! With `--baseline` it prints what `allocations.txt` has: of our own layers, the calls beyond those of the floor. They are
//! given with one decimal: which of its tables a store has to grow first is random, and behind that.
//!
//! A program of its own, since an allocator that counts is slower.

use allocation_counter::measure;
use benches::{FLOOR, Scenario, Subject, suites};

/// Enough for the growth of a store's tables to be spread as it is over its life.
const BATCHES: usize = 16;

/// In the names of scenarios that take long without optimizations, and allocate as the smaller ones do.
const LARGE: [&str; 5] = ["1M keys", "100k origins", "10000 clients", "64 KiB", "1 MiB"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let print = if words.iter().any(|word| word == "--baseline") { print_ours } else { print_all };
    for suite in suites() {
        suite.filtered(&words).scenarios.iter().for_each(print);
    }
}

fn print_all(scenario: &Scenario) {
    for subject in &scenario.subjects {
        let (count, bytes) = count(scenario, subject);
        println!("{}\t{}\t{count}\t{bytes}", scenario.name, subject.word);
    }
}

fn print_ours(scenario: &Scenario) {
    if LARGE.iter().any(|large| scenario.name.contains(large)) {
        return;
    }
    let floor = scenario.subject(FLOOR).map_or(0.0, |floor| count(scenario, floor).0);
    for subject in scenario.subjects.iter().filter(|subject| subject.is_ours()) {
        let over = count(scenario, subject).0 - floor;
        println!("{over:9.1}  {}: {}", scenario.name, subject.word);
    }
}

/// Calls to the allocator, and bytes, per call of the subject.
fn count(scenario: &Scenario, subject: &Subject) -> (f64, f64) {
    let mut bench = subject.start();
    let (mut count, mut bytes) = (0, 0);
    for _ in 0..BATCHES {
        bench.prepare(scenario.batch);
        let info = measure(|| bench.measured());
        count += info.count_total;
        bytes += info.bytes_total;
    }
    let per_call = |total: u64| total as f64 / (BATCHES * scenario.batch) as f64;
    (per_call(count), per_call(bytes))
}
