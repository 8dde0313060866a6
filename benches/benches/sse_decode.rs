//! Megabytes of event streams per second: `cargo bench -p benches --bench sse_decode`.

use benches::sse::{Case, reading};
use benches::{Bench, OURS, Rounds, print_head, print_row};

const ROUNDS: usize = 101;

fn main() {
    print_head(&["stream", "subject"], &["MB/s", "÷ ours"]);
    Case::ALL.into_iter().for_each(show);
}

fn show(case: Case) {
    let scenario = reading(case);
    let events = scenario.batch;
    let bytes = case.len(events) as f64;
    // The first is the floor, which reads nothing.
    let subjects = &scenario.subjects[1..];
    let mut benches: Vec<Bench> = subjects.iter().map(benches::Subject::start).collect();
    let rounds = Rounds::of(ROUNDS, &mut benches, |bench| bytes / bench.time(events).as_secs_f64());
    let ours = subjects.iter().position(|subject| subject.word == OURS).expect("it is there");
    for (at, subject) in subjects.iter().enumerate() {
        print_row(&[
            if at == 0 { case.to_string() } else { String::new() },
            subject.title.to_owned(),
            format!("{:.0}", rounds.median(|round| round[at]) / 1e6),
            format!("{:.2}", rounds.median(|round| round[at] / round[ours])),
        ]);
    }
}
