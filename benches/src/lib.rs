//! What the layers cost, each beside its peers, beside the bare service (the floor) and beside the
//! least code that could do the job (the limit).
//!
//! Each crate has a room of its own, which makes a [`Suite`]: subjects in scenarios, each a
//! [`Work`]. All else is the same for all of them. `README.md` says how it is measured, and how to
//! read the figures.

pub mod callgrind;
pub mod chart;
mod cors;
mod costs;
pub mod delivery;
mod idempotency;
mod inner;
mod layered;
pub mod migrate;
mod pagination;
mod process;
pub mod ratelimit;
mod rounds;
pub mod sse;
pub mod stack;
mod suite;
mod table;
mod time;
mod versioning;
mod webhook;
mod work;

pub use costs::{Allocations, Row, plain, times};
pub use process::{Twin, orders, resident, stay_on, twin_word};
pub use rounds::Rounds;
pub use suite::{FLOOR, OURS, Scenario, Subject, Suite, suites};
pub use table::{print_head, print_row};
pub use time::{processor_time, wall_time};
pub use work::{Bench, Work};
