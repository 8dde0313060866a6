use benches::chart::{Bar, Bars, Whose};
use benches::{Allocations, FLOOR, OURS, Row, Scenario, Suite, plain, suites, times};

use crate::page::Page;
use crate::scaling;

/// What is drawn of each crate: a scenario, and the words of those beside ours.
const DRAWN: [(&str, &str); 10] = [
    ("GET allowed, 1 origin", "peer"),
    ("preflight allowed, 1 origin", "peer"),
    ("allowed, 10k keys", "peer-headers"),
    ("denied, 1 key", "peer-headers"),
    ("first, 1 KB in, 1 KB out", "peer-key"),
    ("replay, 1 KB in, 1 KB out", "peer-key"),
    ("header read", "peer"),
    ("page of 20, by a cursor", "by-hand"),
    ("event written, 100 B", "axum"),
    ("webhook verified, 4 KiB", "standardwebhooks"),
];

/// A scenario that was measured.
pub(crate) struct Measured<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) rows: Vec<Row<'a>>,
}

impl Measured<'_> {
    pub(crate) fn row(&self, word: &str) -> Option<&Row<'_>> {
        self.rows.iter().find(|row| row.subject.word == word)
    }
}

/// Added time and allocations of all crates.
pub(crate) fn measure(page: &mut Page) {
    let allocations = Allocations::count(env!("CARGO_BIN_EXE_allocations"), &[]);
    let suites = suites();
    let measured: Vec<Vec<Measured<'_>>> = suites.iter().map(measured).collect();
    let all: Vec<&Measured<'_>> = measured.iter().flatten().collect();
    page.text("## Beside peers");
    draw(page, &all, &allocations);
    page.text("## With more keys, origins and subscribers");
    scaling::draw(page, &all);
    page.text("## Each crate");
    for (suite, measured) in suites.iter().zip(&measured) {
        table(page, suite, measured, &allocations);
    }
}

fn measured(suite: &Suite) -> Vec<Measured<'_>> {
    let measured = |scenario| Measured { scenario, rows: times(scenario) };
    suite.scenarios.iter().map(measured).collect()
}

fn draw(page: &mut Page, all: &[&Measured<'_>], allocations: &Allocations) {
    let mut time = Bars::new("nanoseconds over the bare service, by powers of ten");
    let mut count = Bars::new("allocations over the bare service");
    for (name, peer) in DRAWN {
        let measured = all.iter().find(|measured| measured.scenario.name == name);
        let measured = measured.unwrap_or_else(|| panic!("there is no scenario {name}"));
        for (bars, figure) in [
            (&mut time, &(|row: &Row<'_>| row.over) as &dyn Fn(&Row<'_>) -> f64),
            (&mut count, &|row: &Row<'_>| allocations.over(measured.scenario, row.subject.word).0),
        ] {
            let bar = |word: &str, whose| {
                let row = measured.row(word).unwrap_or_else(|| panic!("{name} has no {word}"));
                let title = row.subject.title.replace(['*', '`'], "");
                let name = if word == OURS { format!("{name}: Stonework") } else { title };
                Bar::new(name, whose, figure(row))
            };
            bars.add(vec![bar(OURS, Whose::Ours), bar(peer, Whose::Peer)]);
        }
    }
    page.plot("time", "Time over the bare service, beside peers", time.draw());
    page.plot("allocations", "Allocations over the bare service, beside peers", count.draw());
}

fn table(page: &mut Page, suite: &Suite, measured: &[Measured<'_>], allocations: &Allocations) {
    page.text(&format!("### {}", suite.name));
    let rows: Vec<_> = measured.iter().flat_map(|measured| cells(measured, allocations)).collect();
    let figures = ["ns", "over the floor", "÷ ours", "allocations", "bytes"];
    page.table(&["scenario", "subject"], &figures, &rows);
}

fn cells(measured: &Measured<'_>, allocations: &Allocations) -> Vec<Vec<String>> {
    let ours = measured.row(OURS).map_or(f64::NAN, |row| row.over);
    let row = |row: &Row<'_>| {
        let word = row.subject.word;
        let is_floor = word == FLOOR;
        let name = if is_floor { measured.scenario.name.clone() } else { String::new() };
        let mut cells = vec![name, row.subject.title.to_owned(), format!("{:.0}", row.whole)];
        if is_floor {
            let (count, bytes) = allocations.whole(measured.scenario, word);
            cells.extend([String::new(), String::new()]);
            cells.extend([format!("({})", plain(count)), format!("({bytes:.0})")]);
        } else {
            let (count, bytes) = allocations.over(measured.scenario, word);
            // Who refuses spares what the floor does. A difference below zero has no ratio.
            let is_more = row.over > 0.0 && ours > 0.0;
            let ratio = if is_more { format!("{:.2}", row.over / ours) } else { String::new() };
            cells.extend([format!("{:.0}", row.over), ratio]);
            cells.extend([plain(count), format!("{:.0}", bytes.round())]);
        }
        cells
    };
    measured.rows.iter().map(row).collect()
}
