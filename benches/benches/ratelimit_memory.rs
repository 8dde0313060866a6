//! What a million clients take, and a flood of four million that nobody has seen before:
//! `cargo bench -p benches --bench ratelimit_memory`.
//!
//! Bytes are those of the allocator, counted. Keys are addresses, which need no memory of their
//! own; a store that keeps longer keys takes more.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use benches::ratelimit::{Allowance, Decide, Decisions, Governor, Keys, Limitador, Ours, Table};
use benches::{Work, print_head, print_row, processor_time};
use stonework_ratelimit::store::MemoryStore;

const MILLION: u32 = 1_000_000;
const FLOOD: u32 = 4_000_000;

/// Keys that are made at once.
const BATCH: usize = 1_000;

fn main() {
    let figures = ["bytes", "bytes per client", "most at once, MB", "ns per client"];
    print_head(&["subject", "clients"], &figures);
    for clients in [MILLION, FLOOD] {
        show("limit: locked hash tables", clients, Table::new);
        let ours = show("**stonework-ratelimit**, room for all", clients, Ours::new);
        assert_eq!(ours.stats().keys, clients as usize);
        let ours = show("**stonework-ratelimit**, as it is by default", clients, default_store);
        let stats = ours.stats();
        let rest = format!("of these, {} are held, in tables of {} bytes", stats.keys, stats.bytes);
        print_row(&[
            rest,
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ]);
        show("governor 0.10, keyed", clients, Governor::new);
        show("limitador 0.14, in memory", clients, Limitador::new);
    }
}

fn default_store(allowance: Allowance) -> Ours {
    Ours::with(MemoryStore::new(), allowance)
}

/// Lets so many clients ask once each, and prints what that took.
fn show<D: Decide>(subject: &str, clients: u32, new: fn(Allowance) -> D) -> Arc<D> {
    let mut time = Duration::ZERO;
    let mut kept = None;
    let info = measure(|| {
        let decider = Arc::new(new(Allowance::PLENTY));
        let mut decisions = Decisions::new(Arc::clone(&decider), Keys::of(clients));
        for _ in 0..clients as usize / BATCH {
            decisions.prepare(BATCH);
            let start = processor_time();
            decisions.run();
            time += processor_time().saturating_sub(start);
        }
        kept = Some(decider);
    });
    let per_client = |total: f64| total / f64::from(clients);
    print_row(&[
        subject.to_owned(),
        clients.to_string(),
        info.bytes_current.to_string(),
        format!("{:.1}", per_client(info.bytes_current as f64)),
        format!("{:.1}", info.bytes_max as f64 / 1e6),
        format!("{:.0}", per_client(time.as_nanos() as f64)),
    ]);
    kept.expect("it was made")
}
