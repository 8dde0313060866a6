//! Streams over real sockets, on Linux: what 10,000 quiet ones take, and how fast 1,000 clients are
//! told. The server is a process of its own, on one core: `cargo bench -p benches --bench sse_sockets`.

use allocation_counter::measure;
use benches::sse::sockets::{Clients, Memory, Name, Server, serve};
use benches::{Rounds, print_head, print_row, twin_word, wall_time};

const QUIET: usize = 10_000;
const CLIENTS: usize = 1_000;
const ROUNDS: usize = 51;

/// Of one turn.
const EVENTS: usize = 16;

fn main() {
    match twin_word() {
        Some(name) => serve(&name, |serving| measure(serving).bytes_current),
        None => {
            quiet();
            told();
        }
    }
}

fn title(name: Name) -> &'static str {
    match name {
        Name::Idle => "axum's `Sse` and `KeepAlive`, of which nothing can come",
        Name::Axum => "axum's `Sse` and `KeepAlive`, of tokio's `broadcast`",
        Name::Stonework => "**stonework-sse**, `Hub`, `SseBody`",
        Name::Layered => "**stonework-sse**, the same below `SseLayer` with a `Drain`",
        Name::Shared => "limit: tokio's `broadcast` of shared `Bytes`",
        _ => "",
    }
}

/// Bytes of each connection that is open and quiet, of all there is to it in the server.
fn quiet() {
    let subjects = [Name::Idle, Name::Axum, Name::Stonework, Name::Layered];
    let taken = subjects.map(|name| {
        let server = Server::start(name);
        let clients = Clients::connect(server.address(), QUIET);
        let memory = server.memory();
        drop(clients);
        memory
    });
    print_head(&["10,000 quiet streams"], &["heap, B each", "÷ first", "resident, B each"]);
    for (name, memory) in subjects.into_iter().zip(taken) {
        let Memory { heap, resident, .. } = memory;
        print_row(&[
            title(name).to_owned(),
            format!("{}", heap / QUIET as u64),
            format!("{:.3}", heap as f64 / taken[0].heap as f64),
            format!("{}", resident / QUIET as u64),
        ]);
    }
}

/// Events of 100 bytes.
fn told() {
    let names = [Name::Shared, Name::Stonework, Name::Layered, Name::Axum];
    let ours = 1;
    let mut subjects = names.map(Telling::start);
    let figures = ["deliveries per second", "÷ ours", "server's CPU, ns each", "÷ ours"];
    print_head(&["1,000 clients", "subject"], &figures);
    for at_once in [1, 16] {
        let rates = Rounds::of(ROUNDS, &mut subjects, |subject| subject.rate(at_once));
        let busy = Rounds::of(ROUNDS, &mut subjects, |subject| subject.busy(at_once));
        for (at, name) in names.into_iter().enumerate() {
            print_row(&[
                if at == 0 { format!("{at_once} at once") } else { String::new() },
                title(name).to_owned(),
                format!("{:.0}", rates.median(|round| round[at])),
                format!("{:.2}", rates.median(|round| round[at] / round[ours])),
                format!("{:.0}", busy.median(|round| round[at])),
                format!("{:.2}", busy.median(|round| round[at] / round[ours])),
            ]);
        }
    }
}

struct Telling {
    server: Server,
    clients: Clients,
}

impl Telling {
    fn start(name: Name) -> Self {
        let server = Server::start(name);
        let mut clients = Clients::connect(server.address(), CLIENTS);
        clients.read();
        let mut telling = Self { server, clients };
        // The first events meet buffers that are not there yet.
        telling.tell(16);
        telling
    }

    /// So many at once, until all clients have them; again and again. How many were delivered?
    fn tell(&mut self, at_once: usize) -> f64 {
        let turns = EVENTS / at_once;
        for _ in 0..turns {
            self.clients.told(at_once, || self.server.publish(at_once));
        }
        (turns * at_once * self.clients.count()) as f64
    }

    /// Deliveries per second.
    fn rate(&mut self, at_once: usize) -> f64 {
        let start = wall_time();
        self.tell(at_once) / wall_time().saturating_sub(start).as_secs_f64()
    }

    /// What a delivery costs the server, in nanoseconds.
    fn busy(&mut self, at_once: usize) -> f64 {
        let start = self.server.processor_time();
        let delivered = self.tell(at_once);
        self.server.processor_time().saturating_sub(start).as_nanos() as f64 / delivered
    }
}
