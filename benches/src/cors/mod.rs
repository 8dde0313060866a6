//! `stonework-cors` beside `tower-http`.

mod clones;
mod limit;
mod scenario;
mod subject;
mod traffic;

pub(crate) use subject::ours;

use crate::suite::Suite;

pub(crate) fn suite() -> Suite {
    let requests = scenario::CASES.into_iter().map(traffic::scenario);
    Suite::new("cors", requests.chain([1, 10_000].map(clones::scenario)).collect())
}

/// The page that is allowed, the last of the list.
const APP: &str = "https://app.example.com";

/// A page that is not.
const OTHER: &str = "https://www.example.org";

/// The origins of a list of this length.
fn origins(many: usize) -> impl Iterator<Item = String> {
    let others = (1..many).map(|number| format!("https://{number}.tenants.example.net"));
    others.chain([APP.to_owned()])
}
