//! The benchmark book: every crate beside its peers, as tables and plots, in `benches/book/`. Linux, with wrk,
//! valgrind and redis-server: `cargo bench -p benches --features redis-1 --bench book`. It takes about five minutes.
//!
//! With `-- stack`, `-- profile`, `-- costs` or `-- trips` it measures that part alone, and prints it.

mod costs;
mod machine;
mod page;
mod profile;
#[path = "../../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod scaling;
mod stack;
mod trips;

use benches::{stack as server, twin_word};
use page::Page;

const INTRODUCTION: &str = "\
What each layer costs, beside its peers, beside the bare service and beside the least code that could do the job.
One command measures all of it and writes this page and its plots:

    cargo bench -p benches --features redis-1 --bench book

It needs wrk, valgrind and redis-server, and takes some minutes. [benches](../README.md) says how it is measured, and what peers do
less or more: read that before you compare. Read ratios; times are those of this run and this machine. Allocations and
round trips are exact, and tests fail when they change.";

fn main() {
    match twin_word().as_deref() {
        None => write(),
        Some("stack") => print(stack::measure),
        Some("costs") => print(costs::measure),
        Some("profile") => print(profile::measure),
        Some("trips") => print(trips::measure),
        Some(name) => server::serve(name),
    }
}

fn write() {
    let mut page = Page::new();
    page.text("# The benchmark book");
    page.text(INTRODUCTION);
    page.text(&machine::described());
    stack::measure(&mut page);
    profile::measure(&mut page);
    costs::measure(&mut page);
    trips::measure(&mut page);
    page.write();
}

fn print(measure: fn(&mut Page)) {
    let mut page = Page::new();
    measure(&mut page);
    page.print();
}
