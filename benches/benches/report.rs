//! A table of all scenarios and subjects of each crate: `cargo bench -p benches --bench report`.
//!
//! With `-- --instructions` it also counts instructions under callgrind, which takes some minutes.
//! With `-- WORD` it shows only the scenarios whose name, or whose crate's name, contains the word.

use std::collections::HashMap;
use std::process::Command;

use benches::{
    Allocations, FLOOR, OURS, Row, Scenario, Subject, plain, print_head, print_row, suites, times,
};

/// Batches of the shorter run under callgrind; the longer one has twice as many.
const COUNTED: u64 = 4;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let counts = words.iter().any(|word| word == "--instructions");
    let allocations = Allocations::count(env!("CARGO_BIN_EXE_allocations"), &words);
    let suites = suites().into_iter().map(|suite| suite.filtered(&words));
    for suite in suites.filter(|suite| !suite.scenarios.is_empty()) {
        let denies = suite.denies();
        head(denies);
        for scenario in &suite.scenarios {
            let rows = times(scenario);
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
        let instructions = self.instructions.as_ref().map(|of| (of[word], of[FLOOR]));
        if word == FLOOR {
            let (count, bytes) = self.allocations.whole(self.scenario, word);
            let instructions = instructions.map(|(floor, _)| format!("({floor:.0})"));
            return [
                format!("({count:.1})"),
                format!("({bytes:.0})"),
                instructions.unwrap_or_default(),
            ];
        }
        let (count, bytes) = self.allocations.over(self.scenario, word);
        let instructions = instructions.map(|(all, floor)| format!("{:.0}", all - floor));
        [plain(count), format!("{:.0}", bytes.round()), instructions.unwrap_or_default()]
    }
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
