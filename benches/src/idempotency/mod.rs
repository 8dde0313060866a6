//! `stonework-idempotency` beside `axum-idempotent`.

mod limit;
mod peer;
mod scenario;
mod subject;
mod traffic;

use crate::layered::{BATCH, Layered};
use crate::suite::{Scenario, Subject, Suite};
use crate::work::Bench;
use scenario::{Case, Kind};
use subject::Name;
use traffic::Calls;

pub(crate) fn suite() -> Suite {
    Suite::new("idempotency", scenario::CASES.into_iter().map(scenario).collect())
}

fn scenario(case: Case) -> Scenario {
    let subject = |name: Name| Subject::new(name.word(), name.title(), move || bench(name, case));
    let subjects = Name::ALL.into_iter().filter(|name| name.does(case)).map(subject);
    Scenario::new(case.to_string(), BATCH, subjects.collect())
}

/// For a replay, with the records of one batch.
fn bench(name: Name, case: Case) -> Bench {
    let mut layered = Layered::new(Calls { name, case, next: 0 });
    assert_eq!(replays(&mut layered), 0, "{name:?}, {case}: nothing was there to replay");
    layered.traffic.next = 0;
    let answers = name.protects() && case.kind != Kind::Bypass;
    assert_eq!(replays(&mut layered), if answers { BATCH } else { 0 }, "{name:?}, {case}: replays");
    Bench::new(layered)
}

fn replays(layered: &mut Layered<Calls>) -> usize {
    let header = layered.traffic.name.replayed_header();
    let heads = layered.heads(BATCH);
    assert!(heads.iter().all(|head| head.status.is_success()));
    heads.iter().filter(|head| head.headers.contains_key(header)).count()
}
