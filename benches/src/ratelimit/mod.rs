//! `stonework-ratelimit` beside `tower_governor`, `governor` and `limitador`.

mod decide;
mod keys;
mod limit;
mod ours;
mod peers;
mod scenario;
mod subject;
mod traffic;

use std::time::Duration;

pub use decide::{Decide, Decisions};
pub use keys::{Keys, address};
pub use limit::Table;
pub use ours::Ours;
pub use peers::{Governor, Limitador};

use crate::suite::Suite;

pub(crate) fn suite() -> Suite {
    let layers = scenario::CASES.into_iter().map(traffic::scenario);
    let decisions = scenario::CASES.into_iter().map(decide::scenario);
    Suite::new("ratelimit", layers.chain(decisions).collect())
}

/// A quota, as all subjects have it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Allowance {
    /// Tokens in a full bucket.
    pub burst: u32,
    /// How long one token takes to flow in.
    pub token: Duration,
}

impl Allowance {
    /// More than any run uses up. No bucket becomes full while one is under way: those who forget
    /// full buckets would have fewer to keep.
    pub const PLENTY: Self = Self { burst: 100_000_000, token: Duration::from_secs(30) };

    /// One token, and no other while a run is under way.
    pub const ONE: Self = Self { burst: 1, token: Duration::from_secs(24 * 60 * 60) };
}
