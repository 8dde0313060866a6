//! Every scenario and subject under criterion: `cargo bench -p benches --bench idempotency`.

use std::time::Duration;

use benches::{BATCH, Bench, Name, SCENARIOS};
use criterion::{Criterion, criterion_group, criterion_main};

fn idempotency(criterion: &mut Criterion) {
    for scenario in SCENARIOS {
        let mut group = criterion.benchmark_group(format!("idempotency/{scenario}"));
        for name in Name::ALL.into_iter().filter(|name| name.does(scenario)) {
            let mut bench = Bench::new(name, scenario);
            group.bench_function(name.word(), |bencher| {
                bencher.iter_custom(|calls| time(&mut bench, calls));
            });
        }
        group.finish();
    }
}

/// Full batches and the rest.
fn time(bench: &mut Bench, calls: u64) -> Duration {
    let batch = BATCH as u64;
    let full: Duration = (0..calls / batch).map(|_| bench.time(BATCH)).sum();
    full + bench.time((calls % batch) as usize)
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = idempotency
}
criterion_main!(benches);
