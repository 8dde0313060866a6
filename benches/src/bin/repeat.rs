//! Serves N requests and ends. For callgrind and other profilers; see `benches/README.md`.

use std::process::ExitCode;

use benches::{BATCH, Bench, Name, Scenario};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [scenario, subject, batches] = words.as_slice() else { return usage() };
    let (Some(scenario), Some(name), Ok(batches)) =
        (Scenario::named(scenario), Name::of(subject), batches.parse::<usize>())
    else {
        return usage();
    };
    let mut bench = Bench::new(name, scenario);
    for _ in 0..batches {
        let requests = bench.prepare(BATCH);
        bench.measured(requests);
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: repeat 'SCENARIO' SUBJECT BATCHES, for instance: repeat");
    eprintln!("    'first, 1 KB in, 1 KB out' stonework 16   (batches of {BATCH} requests)");
    ExitCode::FAILURE
}
