use std::fmt;

use crate::work::Bench;
use crate::{cors, idempotency, pagination, ratelimit, sse, versioning, webhook};

/// The word of the bare service, the first subject of every scenario.
pub const FLOOR: &str = "floor";

/// The word of our layer as it is by default, to which the others are compared.
pub const OURS: &str = "stonework";

/// All suites.
pub fn suites() -> Vec<Suite> {
    vec![
        cors::suite(),
        idempotency::suite(),
        pagination::suite(),
        ratelimit::suite(),
        sse::suite(),
        versioning::suite(),
        webhook::suite(),
    ]
}

/// What is measured of one crate.
#[derive(Debug)]
#[non_exhaustive]
pub struct Suite {
    /// The crate.
    pub name: &'static str,
    /// Its scenarios, each a row group of the report.
    pub scenarios: Vec<Scenario>,
}

impl Suite {
    pub(crate) const fn new(name: &'static str, scenarios: Vec<Scenario>) -> Self {
        Self { name, scenarios }
    }

    /// Is there a scenario in which subjects deny?
    pub fn denies(&self) -> bool {
        self.scenarios.iter().any(|scenario| scenario.subjects.iter().any(Subject::denies))
    }

    /// The suite, with only the scenarios of which one of the words is part of the name; with all
    /// if there are no words, or if one is part of the suite's name.
    #[must_use]
    pub fn filtered(mut self, words: &[String]) -> Self {
        let words: Vec<_> = words.iter().filter(|word| !word.starts_with("--")).collect();
        let has = |name: &str| words.iter().any(|word| name.contains(word.as_str()));
        if !words.is_empty() && !has(self.name) {
            self.scenarios.retain(|scenario| has(&scenario.name));
        }
        self
    }
}

/// What is asked of the subjects.
#[derive(Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// No other scenario has it.
    pub name: String,
    /// Calls that are prepared before, and made within, one measurement.
    pub batch: usize,
    /// Whether instructions are counted. Not where it takes minutes to get ready under valgrind.
    pub counts_instructions: bool,
    /// The floor first.
    pub subjects: Vec<Subject>,
}

impl Scenario {
    pub(crate) const fn new(name: String, batch: usize, subjects: Vec<Subject>) -> Self {
        Self { name, batch, counts_instructions: true, subjects }
    }

    /// The subject of this word.
    pub fn subject(&self, word: &str) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.word == word)
    }
}

type Start = Box<dyn Fn() -> Bench>;

/// What is measured in a scenario.
#[non_exhaustive]
pub struct Subject {
    /// The word for it on a command line.
    pub word: &'static str,
    /// The words for it in a table.
    pub title: &'static str,
    start: Start,
    allowed: Option<Start>,
}

impl Subject {
    pub(crate) fn new(
        word: &'static str,
        title: &'static str,
        start: impl Fn() -> Bench + 'static,
    ) -> Self {
        Self { word, title, start: Box::new(start), allowed: None }
    }

    /// Where this one denies: the same subject when it allows, to be compared with.
    pub(crate) fn beside(self, allowed: impl Fn() -> Bench + 'static) -> Self {
        Self { allowed: Some(Box::new(allowed)), ..self }
    }

    /// Makes it with a new store, checks that it does what the scenario says, and leaves it ready.
    ///
    /// # Panics
    ///
    /// If it does not do that.
    pub fn start(&self) -> Bench {
        (self.start)()
    }

    /// Is it one of our layers, however it is set up? Those have their names in bold.
    pub fn is_ours(&self) -> bool {
        self.title.starts_with("**stonework-")
    }

    const fn denies(&self) -> bool {
        self.allowed.is_some()
    }

    /// The same subject where it allows, if this one denies.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_allowed(&self) -> Option<Bench> {
        self.allowed.as_ref().map(|start| start())
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.word).finish()
    }
}
