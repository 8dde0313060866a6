use benches::OURS;
use benches::chart::{Line, Lines, Whose};

use crate::costs::Measured;
use crate::page::Page;

/// A plot of scenarios that differ in one number.
struct Plot {
    file: &'static str,
    title: &'static str,
    across: &'static str,
    /// By number.
    scenarios: &'static [(f64, &'static str)],
    subjects: &'static [(&'static str, &'static str, Whose)],
}

const PLOTS: [Plot; 3] = [
    Plot {
        file: "keys",
        title: "a rate limit: ns over the bare service",
        across: "clients that are known",
        scenarios: &[
            (1.0, "allowed, 1 key"),
            (1e4, "allowed, 10k keys"),
            (1e6, "allowed, 1M keys"),
        ],
        subjects: &[
            (OURS, "stonework-ratelimit", Whose::Ours),
            ("peer-headers", "tower_governor, with headers", Whose::Peer),
            ("limit", "limit: locked hash tables", Whose::Limit),
        ],
    },
    Plot {
        file: "origins",
        title: "CORS, GET allowed: ns over the bare service",
        across: "origins that are allowed",
        scenarios: &[
            (1.0, "GET allowed, 1 origin"),
            (1e2, "GET allowed, 100 origins"),
            (1e4, "GET allowed, 10k origins"),
            (1e5, "GET allowed, 100k origins"),
        ],
        subjects: &[
            (OURS, "stonework-cors", Whose::Ours),
            ("peer", "tower-http, a list", Whose::Peer),
            ("limit", "limit: a hash set", Whose::Limit),
        ],
    },
    Plot {
        file: "subscribers",
        title: "an event to all subscribers: ns",
        across: "subscribers",
        scenarios: &[
            (1e2, "event to 100 clients"),
            (1e3, "event to 1000 clients"),
            (1e4, "event to 10000 clients"),
        ],
        subjects: &[
            (OURS, "stonework-sse, Hub", Whose::Ours),
            ("axum", "broadcast, axum's Event for each", Whose::Peer),
            ("shared", "limit: broadcast of shared Bytes", Whose::Limit),
        ],
    },
];

/// How costs grow.
pub(crate) fn draw(page: &mut Page, all: &[&Measured<'_>]) {
    for plot in PLOTS {
        let mut lines = Lines::new(plot.title, plot.across);
        for (word, name, whose) in plot.subjects {
            let points = plot
                .scenarios
                .iter()
                .map(|(number, scenario)| (*number, over(all, scenario, word)));
            lines.add(Line::new(*name, *whose, points.collect()));
        }
        page.plot(plot.file, plot.title, lines.draw());
    }
}

fn over(all: &[&Measured<'_>], scenario: &str, word: &str) -> f64 {
    let measured = all.iter().find(|measured| measured.scenario.name == scenario);
    let row = measured.and_then(|measured| measured.row(word));
    row.unwrap_or_else(|| panic!("{scenario} has no {word}")).over
}
