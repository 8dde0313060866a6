use std::fmt;
use std::hint::black_box;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};

use crate::scenario::{Kind, Scenario};
use crate::subject::{Name, Subject};
use crate::traffic;

/// Requests that are made before, and served within, one measurement.
pub const BATCH: usize = 256;

/// One subject in one scenario.
pub struct Bench {
    scenario: Scenario,
    name: Name,
    subject: Subject,
    /// Requests that the subject's store has seen.
    age: usize,
    /// The number of the next request.
    next: u64,
    runtime: Runtime,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench")
            .field("scenario", &self.scenario)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Bench {
    /// Makes the subject, checks that it does what the scenario says, and for a replay leaves it
    /// with the records of one batch.
    ///
    /// # Panics
    ///
    /// If the subject does not do that.
    pub fn new(name: Name, scenario: Scenario) -> Self {
        Self::of(name, Subject::new(name, scenario), scenario)
    }

    /// The same with a subject that is there already.
    ///
    /// # Panics
    ///
    /// If the subject does not do what the scenario says.
    pub fn of(name: Name, subject: Subject, scenario: Scenario) -> Self {
        let runtime = Builder::new_current_thread().enable_time().build();
        let mut bench = Self {
            scenario,
            name,
            subject,
            age: 0,
            next: 0,
            runtime: runtime.expect("a runtime starts"),
        };
        bench.check();
        bench
    }

    fn check(&mut self) {
        let protects = !matches!(self.name, Name::Floor | Name::Sessions);
        let keyed = self.scenario.kind != Kind::Bypass;
        assert_eq!(self.checked(), 0, "{self:?}: nothing was there to replay");
        self.next = 0;
        let replays = if protects && keyed { BATCH } else { 0 };
        assert_eq!(self.checked(), replays, "{self:?}: replays");
        self.age = BATCH;
    }

    fn checked(&mut self) -> usize {
        let requests = self.requests(BATCH);
        let serving = self.subject.check(requests);
        self.runtime.block_on(async { tokio::spawn(serving).await.expect("nothing panics") })
    }

    /// Makes a batch, and a new store if it is time; not measured.
    pub fn prepare(&mut self, count: usize) -> Vec<Request<Body>> {
        let grows = self.scenario.kind == Kind::First;
        if grows && self.age + count > self.name.lifetime() {
            self.subject = Subject::new(self.name, self.scenario);
            self.age = 0;
        }
        self.age += count;
        self.requests(count)
    }

    fn requests(&mut self, count: usize) -> Vec<Request<Body>> {
        let first = self.next;
        if self.scenario.kind == Kind::First {
            self.next += count as u64;
        }
        traffic::requests(self.scenario, first, count)
    }

    /// Serves a batch: the part that is measured. A name of its own, by which callgrind finds it.
    #[inline(never)]
    pub fn measured(&self, requests: Vec<Request<Body>>) {
        let serving = self.subject.serve(black_box(requests));
        // In a task, as a server's connections are: to wake the thread that blocks on a runtime
        // costs more than to wake a task.
        let task = self.runtime.block_on(async { tokio::spawn(serving).await });
        task.expect("nothing panics");
    }

    /// How much processor time a batch takes.
    pub fn time(&mut self, count: usize) -> Duration {
        let requests = self.prepare(count);
        let start = processor_time();
        self.measured(requests);
        processor_time().saturating_sub(start)
    }
}

/// Of this thread, on which all happens: the turns of other programs do not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("processor time is not negative")
}
