//! Makes N batches of calls and ends. For callgrind and other profilers; see `benches/README.md`.

use std::process::ExitCode;

use benches::suites;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [scenario, subject, batches] = words.as_slice() else { return usage() };
    let mut scenarios = suites().into_iter().flat_map(|suite| suite.scenarios);
    let scenario = scenarios.find(|known| known.name == *scenario);
    let subject = scenario.as_ref().and_then(|scenario| scenario.subject(subject));
    let (Some(scenario), Some(subject), Ok(batches)) =
        (&scenario, subject, batches.parse::<usize>())
    else {
        return usage();
    };
    let mut bench = subject.start();
    for _ in 0..batches {
        bench.prepare(scenario.batch);
        bench.measured();
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: repeat 'SCENARIO' SUBJECT BATCHES, for instance: repeat");
    eprintln!("    'first, 1 KB in, 1 KB out' stonework 16   (batches of 256 requests)");
    ExitCode::FAILURE
}
