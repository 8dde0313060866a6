//! Megabytes of JSON per second, up and down: `cargo bench -p benches --bench versioning_migrate`.
//!
//! Those of the text that is read, on one thread.

use benches::migrate::{Case, Name};
use benches::{Bench, Rounds, print_head, print_row};

const ROUNDS: usize = 101;

/// Bytes that are rewritten in one measurement, at least.
const TURN: usize = 400_000;

fn main() {
    print_head(&["body", "subject"], &["MB/s", "÷ `Value`", "÷ limit"]);
    Case::all().for_each(show);
}

fn show(case: Case) {
    let mut subjects = Name::ALL.map(|name| name.start(case));
    let rounds = Rounds::of(ROUNDS, &mut subjects, |(bench, bytes)| per_second(bench, *bytes));
    let of = |name| Name::ALL.iter().position(|other| *other == name).expect("all are there");
    for (at, name) in Name::ALL.into_iter().enumerate() {
        let ratio = |to: Name| rounds.median(|round| round[at] / round[of(to)]);
        print_row(&[
            if at == 0 { case.to_string() } else { String::new() },
            name.title().to_owned(),
            format!("{:.0}", rounds.median(|round| round[at]) / 1e6),
            format!("{:.2}", ratio(Name::Tree)),
            format!("{:.2}", ratio(Name::Limit)),
        ]);
    }
}

fn per_second(bench: &mut Bench, bytes: usize) -> f64 {
    let count = TURN.div_ceil(bytes);
    (count * bytes) as f64 / bench.time(count).as_secs_f64()
}
