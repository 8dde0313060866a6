//! A suite under criterion.

use std::time::Duration;

use benches::{Bench, Scenario, suites};
use criterion::Criterion;

/// Every scenario and subject of the suite of this name.
pub(crate) fn measure(name: &str) {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let suite = suites().into_iter().find(|suite| suite.name == name).expect("a suite's name");
    for scenario in &suite.scenarios {
        group(&mut criterion, name, scenario);
    }
    criterion.final_summary();
}

fn group(criterion: &mut Criterion, suite: &str, scenario: &Scenario) {
    let mut group = criterion.benchmark_group(format!("{suite}/{}", scenario.name));
    for subject in &scenario.subjects {
        let mut bench = None;
        group.bench_function(subject.word, |bencher| {
            // Only if it is wanted: it may have a million clients to get to know.
            let bench = bench.get_or_insert_with(|| subject.start());
            bencher.iter_custom(|calls| time(bench, scenario.batch as u64, calls));
        });
    }
    group.finish();
}

/// Full batches and the rest.
fn time(bench: &mut Bench, batch: u64, calls: u64) -> Duration {
    let full: Duration = (0..calls / batch).map(|_| bench.time(batch as usize)).sum();
    full + bench.time((calls % batch) as usize)
}
