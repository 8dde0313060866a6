//! Counts allocations: one line per scenario and subject, which the report reads.
//!
//! A program of its own, since an allocator that counts is slower.

use allocation_counter::measure;
use benches::{BATCH, Bench, Name, SCENARIOS};

/// Enough for the growth of a store's tables to be spread as it is over its life.
const BATCHES: usize = 16;

fn main() {
    for scenario in SCENARIOS {
        for name in Name::ALL.into_iter().filter(|name| name.does(scenario)) {
            let mut bench = Bench::new(name, scenario);
            let (mut count, mut bytes) = (0, 0);
            for _ in 0..BATCHES {
                let requests = bench.prepare(BATCH);
                let info = measure(|| bench.measured(requests));
                count += info.count_total;
                bytes += info.bytes_total;
            }
            println!("{scenario}\t{}\t{}\t{}", name.word(), per_call(count), per_call(bytes));
        }
    }
}

fn per_call(total: u64) -> f64 {
    total as f64 / (BATCHES * BATCH) as f64
}
