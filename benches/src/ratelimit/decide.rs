use std::fmt;
use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;

use super::keys::{Keys, address};
use super::limit::Table;
use super::ours::Ours;
use super::peers::{Governor, Limitador};
use super::scenario::Case;
use crate::suite::{FLOOR, OURS, Scenario, Subject};
use crate::work::{Bench, Work};

/// Decisions of one measurement: as many as there are clients in all scenarios but one.
const BATCH: usize = 10_000;

/// What decides for a layer, without one.
pub trait Decide: Send + Sync + 'static {
    /// A client, as the subject wants it named.
    type Key: Send;

    /// The client with this number.
    fn key(number: u32) -> Self::Key;

    /// May this client go on? Takes one token if so.
    fn take(&self, key: &Self::Key) -> bool;
}

/// A decider at work. Several can share one.
pub struct Decisions<D: Decide> {
    decider: Arc<D>,
    keys: Keys,
    ready: Vec<D::Key>,
}

impl<D: Decide> Decisions<D> {
    /// On these clients.
    pub const fn new(decider: Arc<D>, keys: Keys) -> Self {
        Self { decider, keys, ready: Vec::new() }
    }

    /// Decides once for each of the next clients. Returns how many may go on.
    pub fn granted(&mut self, count: usize) -> usize {
        self.name(count);
        self.ready.iter().filter(|key| self.decider.take(key)).count()
    }

    /// All clients are named once: some names are dear.
    fn name(&mut self, count: usize) {
        if self.ready.len() != count || !self.keys.come_again_within(count) {
            self.ready.clear();
            self.ready.extend(self.keys.by_ref().take(count).map(D::key));
        }
    }
}

impl<D: Decide> Work for Decisions<D> {
    /// If these are all clients, then with what is known of them in the caches, as it is where they
    /// ask all the time. Otherwise whoever had the last turn would tell.
    fn prepare(&mut self, count: usize) {
        self.name(count);
        if self.keys.come_again_within(count) {
            self.run();
        }
    }

    /// The same again if it is not prepared again.
    fn run(&mut self) {
        for key in &self.ready {
            black_box(self.decider.take(black_box(key)));
        }
    }
}

impl<D: Decide> fmt::Debug for Decisions<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decisions").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// The loop without a decision.
struct Nothing;

impl Decide for Nothing {
    type Key = IpAddr;

    fn key(number: u32) -> IpAddr {
        address(number)
    }

    fn take(&self, _: &IpAddr) -> bool {
        true
    }
}

pub(super) fn scenario(case: Case) -> Scenario {
    let subjects = vec![
        Subject::new(FLOOR, "the loop alone", move || bench(|_| Nothing, Case::Allowed(1))),
        subject("limit", "limit: locked hash tables", case, Table::new),
        subject(OURS, "**stonework-ratelimit**, `MemoryStore`", case, Ours::new),
        subject("governor", "governor 0.10, keyed", case, Governor::new),
        subject("limitador", "limitador 0.14, in memory", case, Limitador::new),
    ];
    let scenario = Scenario::new(format!("decision, {case}"), BATCH, subjects);
    Scenario { counts_instructions: case.counts_instructions(), ..scenario }
}

fn subject<D: Decide>(
    word: &'static str,
    title: &'static str,
    case: Case,
    new: fn(super::Allowance) -> D,
) -> Subject {
    let subject = Subject::new(word, title, move || bench(new, case));
    match case {
        Case::Denied => subject.beside(move || bench(new, Case::Allowed(1))),
        Case::Allowed(_) | Case::New => subject,
    }
}

fn bench<D: Decide>(new: fn(super::Allowance) -> D, case: Case) -> Bench {
    let mut decisions = Decisions::new(Arc::new(new(case.allowance())), case.keys());
    assert_eq!(decisions.granted(BATCH), case.granted(BATCH), "{case}");
    for _ in 0..case.known().div_ceil(BATCH) {
        decisions.granted(BATCH);
    }
    Bench::new(decisions)
}
