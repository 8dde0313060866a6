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
    print_head(
        &["subject", "clients"],
        &["held", "bytes", "bytes per held", "most at once, MB", "ns per client"],
    );
    for clients in [MILLION, FLOOD] {
        let all = clients as usize;
        show("limit: locked hash tables", clients, Table::new, |_| all);
        show("**stonework-ratelimit**, room for all", clients, Ours::new, held);
        show("**stonework-ratelimit**, as it is by default", clients, default_store, held);
        show("governor 0.10, keyed", clients, Governor::new, |_| all);
        // Of the flood it would want more memory than many machines have.
        if clients == MILLION {
            show("limitador 0.14, in memory", clients, Limitador::new, |_| all);
        }
    }
}

fn held(ours: &Ours) -> usize {
    ours.stats().keys
}

fn default_store(allowance: Allowance) -> Ours {
    Ours::with(MemoryStore::new(), allowance)
}

/// Lets so many clients ask once each, and prints what that took.
fn show<D: Decide>(
    subject: &str,
    clients: u32,
    new: fn(Allowance) -> D,
    held: impl Fn(&D) -> usize,
) {
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
    let held = held(&kept.expect("it was made"));
    print_row(&[
        subject.to_owned(),
        clients.to_string(),
        held.to_string(),
        info.bytes_current.to_string(),
        format!("{:.1}", info.bytes_current as f64 / held as f64),
        format!("{:.1}", info.bytes_max as f64 / 1e6),
        format!("{:.0}", time.as_nanos() as f64 / f64::from(clients)),
    ]);
}
