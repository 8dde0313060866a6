//! What the layers cost, each beside its peer, beside the bare service (the floor) and beside the
//! least code that could do the job (the limit).
//!
//! `README.md` says how it is measured, and how to read the figures.

mod inner;
mod limit;
mod peer;
mod run;
mod scenario;
mod subject;
mod traffic;

pub use inner::Inner;
pub use run::{BATCH, Bench};
pub use scenario::{Kind, SCENARIOS, Scenario};
pub use subject::{Name, Subject};
