//! `stonework-versioning` beside axum's `nest` and `api-version`.

mod limit;
mod ours;
mod routes;
mod scenario;
mod subject;
mod traffic;

use crate::suite::Suite;

pub(crate) fn suite() -> Suite {
    Suite::new("versioning", scenario::Case::ALL.into_iter().map(traffic::scenario).collect())
}

/// The header that `api-version` reads; its name cannot be chosen.
const HEADER: &str = "x-api-version";
