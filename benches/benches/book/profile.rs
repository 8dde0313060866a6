use std::collections::BTreeMap;

use benches::callgrind::{Cost, costs};
use benches::stack::{Ask, Name, Profiled};

use crate::page::Page;

const INTRODUCTION: &str = "\
Where the rest goes: instructions of the server's own code for one such `GET`, by the crate whose function they are in.
callgrind counts them, over the same sockets, without the kernel. What is inlined counts for the function around it.
The answer with all layers has ten header lines more, which somebody has to keep in a map, and to write.";

/// Instructions of one request, by part.
type Parts = BTreeMap<Part, f64>;

/// Whose code it is. In the order of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Hyper,
    Axum,
    Http,
    Handlers,
    Ours(String),
    Allocator,
    Moves,
    Rest,
}

pub(crate) fn measure(page: &mut Page) {
    page.text(INTRODUCTION);
    let [bare, all] = [Name::Bare, Name::All].map(parts);
    let of = |parts: &Parts, part: &Part| parts.get(part).copied().unwrap_or(0.0);
    let more: f64 = all.values().sum::<f64>() - bare.values().sum::<f64>();
    let row = |title: String, [bare, all]: [f64; 2]| {
        let share = (all - bare) / more * 100.0;
        // Without a sign of what is nothing.
        let shown = |figure: f64| format!("{:.0}", figure.round() + 0.0);
        let figures = [bare, all, all - bare].map(shown);
        [vec![title], figures.into(), vec![shown(share) + " %"]].concat()
    };
    let mut rows: Vec<_> =
        all.keys().map(|part| row(part.title(), [of(&bare, part), of(&all, part)])).collect();
    rows.push(row("**all**".to_owned(), [&bare, &all].map(|parts| parts.values().sum())));
    let figures = ["the router alone", "all layers", "more", "of what is more"];
    page.table(&["instructions"], &figures, &rows);
}

/// What each request costs: the difference of a run with many and one with few.
fn parts(name: Name) -> Parts {
    const FEW: u32 = 100;
    const MANY: u32 = 20_100;
    let [few, many] = [FEW, MANY].map(|requests| {
        let profile = Profiled::start(name).ask(Ask::Read, requests);
        sum(&costs(&profile))
    });
    let each = |(part, count): (Part, f64)| {
        let before = few.get(&part).copied().unwrap_or(0.0);
        (part, (count - before) / f64::from(MANY - FEW))
    };
    many.into_iter().map(each).collect()
}

fn sum(costs: &[Cost<'_>]) -> Parts {
    let mut parts = Parts::new();
    // What is done once is done for more than one request, and the clock is measured for as long as it takes.
    for cost in costs.iter().filter(|cost| !cost.function.contains("sync::once::")) {
        *parts.entry(Part::of(cost)).or_default() += cost.instructions as f64;
    }
    parts
}

impl Part {
    fn of(cost: &Cost<'_>) -> Self {
        let is = |names: &[&str]| names.iter().any(|name| cost.function.contains(name));
        if !cost.object.contains("/libc") {
            return Self::of_function(cost.function);
        }
        match () {
            () if is(&["malloc", "calloc", "realloc", "free", "unlink_chunk"]) => Self::Allocator,
            () if is(&["memcpy", "memmove", "memset"]) => Self::Moves,
            () => Self::Rest,
        }
    }

    /// By the first crate that its name has: what is inlined belongs to whoever uses it.
    fn of_function(name: &str) -> Self {
        let crates = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        crates.filter_map(Self::of_crate).next().unwrap_or(Self::Rest)
    }

    fn of_crate(name: &str) -> Option<Self> {
        Some(match name {
            "hyper" | "hyper_util" | "httparse" | "tokio" | "mio" | "futures_util" => Self::Hyper,
            "axum" | "axum_core" | "tower" | "matchit" => Self::Axum,
            "http" | "http_body" | "http_body_util" | "bytes" | "hashbrown" => Self::Http,
            "benches" => Self::Handlers,
            "__rdl_alloc" | "__rust_alloc" | "__rdl_dealloc" | "__rust_dealloc"
            | "__rdl_realloc" | "__rust_realloc" => Self::Allocator,
            name => Self::Ours(name.strip_prefix("stonework_")?.replace('_', "-")),
        })
    }

    fn title(&self) -> String {
        match self {
            Self::Hyper => "hyper, tokio".to_owned(),
            Self::Axum => "axum, tower".to_owned(),
            Self::Http => "http, bytes: header maps, extensions".to_owned(),
            Self::Handlers => "the handlers".to_owned(),
            Self::Ours(name) => format!("`stonework-{name}`"),
            Self::Allocator => "the allocator".to_owned(),
            Self::Moves => "copying in memory".to_owned(),
            Self::Rest => "all else".to_owned(),
        }
    }
}
