//! A table of all scenarios and subjects of each crate: `cargo bench -p benches --bench report`.
//!
//! With `-- --instructions` it also counts instructions under callgrind, which takes some minutes.
//! With `-- WORD` it shows only the scenarios whose name, or whose crate's name, contains the word.

use std::collections::HashMap;
use std::process::Command;

use benches::{Bench, FLOOR, OURS, Rounds, Scenario, Subject, print_head, print_row, suites};

const ROUNDS: usize = 201;

/// Batches of the shorter run under callgrind; the longer one has twice as many.
const COUNTED: u64 = 4;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let counts = words.iter().any(|word| word == "--instructions");
    let allocations = count_allocations(&words);
    let suites = suites().into_iter().map(|suite| suite.filtered(&words));
    for suite in suites.filter(|suite| !suite.scenarios.is_empty()) {
        let denies = suite.denies();
        head(denies);
        for scenario in &suite.scenarios {
            let rows = time(scenario);
            let counts = counts && scenario.counts_instructions;
            let instructions = counts.then(|| count_instructions(scenario));
            let costs = Costs { scenario, allocations: &allocations, instructions };
            costs.print(&rows, denies);
        }
    }
}

fn head(denies: bool) {
    let mut figures = vec!["ns", "ns over floor", "over ours"];
    figures.extend(denies.then_some("denied ÷ allowed"));
    figures.extend(["allocations", "bytes", "instructions"]);
    print_head(&["scenario", "subject"], &figures);
}

/// A subject's times, in nanoseconds per call.
struct Row<'a> {
    subject: &'a Subject,
    /// The median.
    whole: f64,
    /// The median of the differences to the floor in the same round.
    over: f64,
    /// The median of the ratios to the same subject when it allows, where this one denies.
    denied: Option<f64>,
}

/// Batches of all subjects in turn; behind them, of those that are only there to be compared with.
fn time(scenario: &Scenario) -> Vec<Row<'_>> {
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

/// Calls to the allocator, and bytes, by scenario and word.
type Allocations = HashMap<(String, String), (f64, f64)>;

/// What is counted and not timed.
struct Costs<'a> {
    scenario: &'a Scenario,
    allocations: &'a Allocations,
    /// By word.
    instructions: Option<HashMap<&'static str, f64>>,
}

impl Costs<'_> {
    fn print(&self, rows: &[Row<'_>], denies: bool) {
        let ours = rows.iter().find(|row| row.subject.word == OURS);
        let ours = ours.map_or(f64::NAN, |row| row.over);
        for row in rows {
            let is_floor = row.subject.word == FLOOR;
            let name = if is_floor { self.scenario.name.clone() } else { String::new() };
            let mut cells = vec![name, row.subject.title.to_owned(), format!("{:.0}", row.whole)];
            cells.extend(if is_floor {
                [String::new(), String::new()]
            } else {
                [format!("{:.0}", row.over), format!("{:.2}", row.over / ours)]
            });
            if denies {
                cells.push(row.denied.map_or_else(String::new, |ratio| format!("{ratio:.2}")));
            }
            cells.extend(self.counted(row.subject.word));
            print_row(&cells);
        }
    }

    /// Over the floor; the floor's own in parentheses.
    fn counted(&self, word: &str) -> [String; 3] {
        let allocated =
            |word: &str| self.allocations[&(self.scenario.name.clone(), word.to_owned())];
        let (count, bytes) = allocated(word);
        let instructions = self.instructions.as_ref().map(|of| (of[word], of[FLOOR]));
        if word == FLOOR {
            let instructions = instructions.map(|(floor, _)| format!("({floor:.0})"));
            return [
                format!("({count:.1})"),
                format!("({bytes:.0})"),
                instructions.unwrap_or_default(),
            ];
        }
        let floor = allocated(FLOOR);
        let instructions = instructions.map(|(all, floor)| format!("{:.0}", all - floor));
        [
            plain(count - floor.0),
            format!("{:.0}", (bytes - floor.1).round()),
            instructions.unwrap_or_default(),
        ]
    }
}

/// With a decimal only where there is something behind it.
fn plain(number: f64) -> String {
    let rounded = (number * 10.0).round() / 10.0;
    if rounded.fract() == 0.0 { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}

fn count_allocations(words: &[String]) -> Allocations {
    let output = Command::new(env!("CARGO_BIN_EXE_allocations")).args(words).output();
    let output = output.expect("the counting program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout);
    let cell = |line: &str| {
        let [scenario, word, count, bytes] =
            line.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let name = (scenario.to_owned(), word.to_owned());
        Some((name, (count.parse().ok()?, bytes.parse().ok()?)))
    };
    lines.lines().filter_map(cell).collect()
}

/// Per call, by the difference of two runs: what is done once falls out.
fn count_instructions(scenario: &Scenario) -> HashMap<&'static str, f64> {
    let per_call = |subject: &Subject| {
        let [short, long] =
            [COUNTED, 2 * COUNTED].map(|batches| callgrind(scenario, subject, batches));
        (long - short) as f64 / (COUNTED as f64 * scenario.batch as f64)
    };
    scenario.subjects.iter().map(|subject| (subject.word, per_call(subject))).collect()
}

/// Instructions within [`Bench::measured`].
fn callgrind(scenario: &Scenario, subject: &Subject, batches: u64) -> i64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*Bench*measured*")
        .arg(env!("CARGO_BIN_EXE_repeat"))
        .args([&scenario.name, subject.word, &batches.to_string()])
        .output()
        .expect("valgrind is installed");
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.unwrap_or_else(|| panic!("callgrind failed: {log}"));
    number.trim().parse().expect("callgrind counts instructions")
}
