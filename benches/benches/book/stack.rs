use benches::Rounds;
use benches::chart::{Bar, Bars, Whose};
use benches::stack::{Ask, Name, Server};

use crate::page::Page;

const ROUNDS: usize = 25;

/// Of one turn.
const SECONDS: u32 = 1;

const INTRODUCTION: &str = "\
## The whole stack

The layers in one `ServiceBuilder`, in the order of [the stack](../../README.md), before an axum router with handlers that
do next to nothing; pages and event streams have theirs at their routes. The server is a process of its own on one core; wrk, with 32 connections, is on the
other. State is in memory. Servers take turns; figures are medians, and ratios are those of the same round. A request has an
`Origin` that is allowed, a token, and the newest version in a header, so that no body is migrated; answers get all headers
that the layers have to say. A `GET` has no key, and the one of 110 B goes to a route without pages or streams.";

/// Requests per second, and what a request takes, of servers that take turns.
pub(crate) fn measure(page: &mut Page) {
    page.text(INTRODUCTION);
    let rows = of(Ask::Read, &Name::ALL);
    let mut bars = Bars::new("requests per second of one core: GET of 110 B, layer by layer");
    bars.add(rows.iter().map(Row::bar).collect());
    page.plot("stack", "Requests per second, layer by layer", bars.draw());
    let figures = ["per second", "÷ the router alone", "CPU, µs each", "over the row above"];
    let above = rows.iter().skip(1).zip(&rows).map(|(row, above)| row.micros - above.micros);
    let above: Vec<_> =
        std::iter::once(String::new()).chain(above.map(|more| format!("{more:+.2}"))).collect();
    let cells: Vec<_> = rows.iter().zip(above).map(|(row, more)| row.cells(more)).collect();
    page.table(&["`GET` of 110 B"], &figures, &cells);
    others(page);
}

/// What else is asked, with nothing and with all.
fn others(page: &mut Page) {
    let mut cells = Vec::new();
    for ask in [Ask::List, Ask::Pay, Ask::Retry] {
        let [bare, all] = [Name::Bare, Name::All];
        let rows = of(ask, &[bare, all]);
        for (at, row) in rows.iter().enumerate() {
            let title = if at == 0 { ask.title() } else { "" };
            let more = if at == 0 { 0.0 } else { row.micros - rows[0].micros };
            let more = if at == 0 { String::new() } else { format!("{more:+.2}") };
            cells.push([vec![title.to_owned()], row.cells(more)].concat());
        }
    }
    let figures = ["per second", "÷ the router alone", "CPU, µs each", "over the row above"];
    page.table(&["asked", "layers"], &figures, &cells);
}

/// Figures of one stack.
struct Row {
    name: Name,
    per_second: f64,
    ratio: f64,
    micros: f64,
}

/// What a turn came to.
struct Turn {
    per_second: f64,
    micros: f64,
}

fn of(ask: Ask, names: &[Name]) -> Vec<Row> {
    let mut servers: Vec<Server> = names.iter().map(|name| Server::start(*name)).collect();
    for (server, name) in servers.iter().zip(names) {
        ask.check(server.address(), *name);
    }
    let rounds = Rounds::of(ROUNDS, &mut servers, |server| turn(server, ask));
    let row = |(at, name): (usize, &Name)| Row {
        name: *name,
        per_second: rounds.median(|round| round[at].per_second),
        ratio: rounds.median(|round| round[at].per_second / round[0].per_second),
        micros: rounds.median(|round| round[at].micros),
    };
    names.iter().enumerate().map(row).collect()
}

fn turn(server: &Server, ask: Ask) -> Turn {
    let start = server.processor_time();
    let answered = ask.count(server.address(), SECONDS);
    let busy = server.processor_time().saturating_sub(start);
    Turn { per_second: answered.per_second, micros: busy.as_secs_f64() * 1e6 / answered.requests }
}

impl Row {
    fn bar(&self) -> Bar {
        let whose = match self.name {
            Name::Bare => Whose::Limit,
            _ => Whose::Ours,
        };
        Bar::new(self.name.title().replace('`', ""), whose, self.per_second)
    }

    fn cells(&self, more: String) -> Vec<String> {
        let title = self.name.title();
        vec![
            if self.name == Name::All { format!("**{title}**") } else { title.to_owned() },
            format!("{:.0}", self.per_second),
            format!("{:.2}", self.ratio),
            format!("{:.2}", self.micros),
            more,
        ]
    }
}
