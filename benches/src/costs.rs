//! Times and allocations of all subjects, as tables and plots show them.

use std::collections::HashMap;
use std::process::Command;

use crate::rounds::Rounds;
use crate::suite::{FLOOR, Scenario, Subject};
use crate::work::Bench;

const ROUNDS: usize = 201;

/// A subject's times, in nanoseconds per call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Row<'a> {
    /// Whose times they are.
    pub subject: &'a Subject,
    /// The median.
    pub whole: f64,
    /// The median of the differences to the floor in the same round.
    pub over: f64,
    /// The median of the ratios to the same subject when it allows, where this one denies.
    pub denied: Option<f64>,
}

/// Batches of all subjects in turn; behind them, of those that are only there to be compared with.
pub fn times(scenario: &Scenario) -> Vec<Row<'_>> {
    let subjects = &scenario.subjects;
    let mut benches: Vec<Bench> = subjects.iter().map(Subject::start).collect();
    let mut allowed = HashMap::new();
    for subject in subjects {
        if let Some(bench) = subject.start_allowed() {
            allowed.insert(subject.word, benches.len());
            benches.push(bench);
        }
    }
    let batch = scenario.batch;
    let rounds = Rounds::of(ROUNDS, &mut benches, |bench| {
        bench.time(batch).as_nanos() as f64 / batch as f64
    });
    let row = |(at, subject): (usize, _)| Row {
        subject,
        whole: rounds.median(|round| round[at]),
        over: rounds.median(|round| round[at] - round[0]),
        denied: allowed.get(subject.word).map(|&of| rounds.median(|round| round[at] / round[of])),
    };
    subjects.iter().enumerate().map(row).collect()
}

/// Calls to the allocator, and bytes, per call of each subject.
#[derive(Clone, Debug)]
pub struct Allocations(HashMap<(String, String), (f64, f64)>);

impl Allocations {
    /// As the program counts them that is built for it: see `bin/allocations.rs`. Of the scenarios of these words.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn count(program: &str, words: &[String]) -> Self {
        let output = Command::new(program).args(words).output();
        let output = output.expect("the counting program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8_lossy(&output.stdout);
        Self(lines.lines().filter_map(read).collect())
    }

    /// Calls and bytes.
    ///
    /// # Panics
    ///
    /// If they were not counted.
    pub fn whole(&self, scenario: &Scenario, word: &str) -> (f64, f64) {
        self.0[&(scenario.name.clone(), word.to_owned())]
    }

    /// Beyond those of the floor.
    ///
    /// # Panics
    ///
    /// If they were not counted.
    pub fn over(&self, scenario: &Scenario, word: &str) -> (f64, f64) {
        let ((count, bytes), floor) = (self.whole(scenario, word), self.whole(scenario, FLOOR));
        (count - floor.0, bytes - floor.1)
    }
}

fn read(line: &str) -> Option<((String, String), (f64, f64))> {
    let [scenario, word, count, bytes] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
    let name = (scenario.to_owned(), word.to_owned());
    Some((name, (count.parse().ok()?, bytes.parse().ok()?)))
}

/// With a decimal only where there is something behind it.
pub fn plain(number: f64) -> String {
    let rounded = (number * 10.0).round() / 10.0;
    if rounded.fract() == 0.0 { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}
