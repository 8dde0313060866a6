//! One table of all scenarios and subjects: `cargo bench -p benches --bench report`.
//!
//! With `-- --instructions` it also counts instructions under callgrind, which takes some minutes.
//! With `-- WORD` it shows only the scenarios whose name contains the word.

use std::collections::HashMap;
use std::process::Command;

use benches::{BATCH, Bench, Name, SCENARIOS, Scenario};

const ROUNDS: usize = 201;

/// Batches of the shorter run under callgrind; the longer one has twice as many.
const COUNTED: u64 = 4;

type Cell = (String, &'static str);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let counts = words.iter().any(|word| word == "--instructions");
    let wanted = |scenario: &Scenario| {
        let mut filters = words.iter().filter(|word| !word.starts_with("--")).peekable();
        filters.peek().is_none() || filters.any(|word| scenario.to_string().contains(word))
    };
    let allocations = count_allocations();
    println!(
        "| scenario | subject | ns | ns over floor | over ours | allocations | bytes | instructions |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|");
    for scenario in SCENARIOS.into_iter().filter(wanted) {
        let rows = time(scenario);
        let instructions = counts.then(|| count_instructions(scenario));
        print(scenario, &rows, &allocations, instructions.as_ref());
    }
}

/// A subject's times, in nanoseconds per call.
struct Row {
    name: Name,
    /// The median.
    whole: f64,
    /// The median of the differences to the floor in the same round.
    over: f64,
}

/// Batches of all subjects in turn, so that whatever disturbs the machine disturbs them all.
fn time(scenario: Scenario) -> Vec<Row> {
    let mut benches: Vec<_> = subjects(scenario).map(|name| Bench::new(name, scenario)).collect();
    let rounds: Vec<Vec<f64>> = (0..ROUNDS).map(|_| round(&mut benches)).collect();
    let row = |(at, name)| Row {
        name,
        whole: median(rounds.iter().map(|round| round[at])),
        over: median(rounds.iter().map(|round| round[at] - round[0])),
    };
    subjects(scenario).enumerate().map(row).collect()
}

fn round(benches: &mut [Bench]) -> Vec<f64> {
    benches.iter_mut().map(|bench| bench.time(BATCH).as_nanos() as f64 / BATCH as f64).collect()
}

/// The floor is the first.
fn subjects(scenario: Scenario) -> impl Iterator<Item = Name> {
    Name::ALL.into_iter().filter(move |name| name.does(scenario))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print(
    scenario: Scenario,
    rows: &[Row],
    allocations: &HashMap<Cell, (f64, f64)>,
    instructions: Option<&HashMap<&str, f64>>,
) {
    let ours = rows.iter().find(|row| row.name == Name::Stonework).map_or(f64::NAN, |row| row.over);
    let floor = allocations[&(scenario.to_string(), Name::Floor.word())];
    for Row { name, whole, over } in rows {
        let (count, bytes) = allocations[&(scenario.to_string(), name.word())];
        let instructions = instructions.map_or_else(String::new, |of| match name {
            Name::Floor => format!("({:.0})", of[name.word()]),
            _ => format!("{:.0}", of[name.word()] - of[Name::Floor.word()]),
        });
        if *name == Name::Floor {
            println!(
                "| {scenario} | {name} | {whole:.0} | | | ({count:.1}) | ({bytes:.0}) | {instructions} |"
            );
        } else {
            let (count, bytes) = (plain(count - floor.0), (bytes - floor.1).round());
            let ratio = over / ours;
            println!(
                "| | {name} | {whole:.0} | {over:.0} | {ratio:.2} | {count} | {bytes:.0} | {instructions} |"
            );
        }
    }
}

/// With a decimal only where there is something behind it.
fn plain(number: f64) -> String {
    let rounded = (number * 10.0).round() / 10.0;
    if rounded.fract() == 0.0 { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}

fn count_allocations() -> HashMap<Cell, (f64, f64)> {
    let output = Command::new(env!("CARGO_BIN_EXE_allocations")).output();
    let output = output.expect("the counting program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout);
    let cell = |line: &str| {
        let [scenario, word, count, bytes] =
            line.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let name = Name::of(word)?.word();
        Some(((scenario.to_owned(), name), (count.parse().ok()?, bytes.parse().ok()?)))
    };
    lines.lines().filter_map(cell).collect()
}

/// Per call, by the difference of two runs: what is done once falls out.
fn count_instructions(scenario: Scenario) -> HashMap<&'static str, f64> {
    let per_call = |name| {
        let [short, long] =
            [COUNTED, 2 * COUNTED].map(|batches| callgrind(scenario, name, batches));
        (long - short) as f64 / (COUNTED as f64 * BATCH as f64)
    };
    subjects(scenario).map(|name| (name.word(), per_call(name))).collect()
}

/// Instructions within [`Bench::measured`].
fn callgrind(scenario: Scenario, name: Name, batches: u64) -> i64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*Bench*measured*")
        .arg(env!("CARGO_BIN_EXE_repeat"))
        .args([&scenario.to_string(), name.word(), &batches.to_string()])
        .output()
        .expect("valgrind is installed");
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.unwrap_or_else(|| panic!("callgrind failed: {log}"));
    number.trim().parse().expect("callgrind counts instructions")
}
