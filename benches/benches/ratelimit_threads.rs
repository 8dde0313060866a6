//! Two threads that ask one store: `cargo bench -p benches --bench ratelimit_threads`.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use benches::ratelimit::{Allowance, Decide, Decisions, Governor, Keys, Limitador, Ours, Table};
use benches::{Rounds, Work, print_head, print_row, wall_time};

const ROUNDS: usize = 31;
const TURN: Duration = Duration::from_millis(100);

/// Decisions between two looks at the clock.
const LAP: usize = 10_000;

fn main() {
    print_head(&["keys", "subject"], &["million decisions/s", "÷ governor"]);
    for (name, keys) in [("10k", Keys::of(10_000)), ("one", Keys::of(1))] {
        let mut pairs = [
            Pair::new("limit: locked hash tables", Table::new, keys),
            Pair::new("**stonework-ratelimit**, `MemoryStore`", Ours::new, keys),
            Pair::new("governor 0.10, keyed", Governor::new, keys),
            Pair::new("limitador 0.14, in memory", Limitador::new, keys),
        ];
        let governor = 2;
        let rounds = Rounds::of(ROUNDS, &mut pairs, Pair::turn);
        for (at, pair) in pairs.iter().enumerate() {
            let per_second = rounds.median(|round| round[at]) / 1e6;
            let ratio = rounds.median(|round| round[at] / round[governor]);
            let name = if at == 0 { name } else { "" };
            print_row(&[
                name.to_owned(),
                pair.title.to_owned(),
                format!("{per_second:.1}"),
                format!("{ratio:.2}"),
            ]);
        }
    }
}

/// Two who ask, each on a processor of its own.
struct Pair {
    title: &'static str,
    works: [Box<dyn Work>; 2],
}

impl Pair {
    /// Both ask for all keys: one from the first on, the other from the middle on.
    fn new<D: Decide>(title: &'static str, decider: fn(Allowance) -> D, keys: Keys) -> Self {
        let decider = Arc::new(decider(Allowance::PLENTY));
        let works = [keys, keys.from_the_middle()].map(|keys| -> Box<dyn Work> {
            let mut decisions = Decisions::new(Arc::clone(&decider), keys);
            assert_eq!(decisions.granted(LAP), LAP, "{title}");
            Box::new(decisions)
        });
        Self { title, works }
    }

    /// Decisions per second of both together.
    fn turn(&mut self) -> f64 {
        let barrier = Barrier::new(self.works.len());
        thread::scope(|scope| {
            let barrier = &barrier;
            let works = self.works.iter_mut().zip(0..);
            let threads: Vec<_> = works
                .map(|(work, processor)| {
                    scope.spawn(move || {
                        pin(processor);
                        barrier.wait();
                        per_second(work.as_mut())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("nothing panics")).sum()
        })
    }
}

fn per_second(work: &mut dyn Work) -> f64 {
    let start = wall_time();
    let mut decisions = 0;
    loop {
        work.run();
        decisions += LAP;
        let passed = wall_time().saturating_sub(start);
        if passed >= TURN {
            return decisions as f64 / passed.as_secs_f64();
        }
    }
}

/// Keeps this thread on one processor: the n-th of those that it may use.
#[cfg(target_os = "linux")]
fn pin(which: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let all = sched_getaffinity(None).expect("a thread has processors");
    let mut allowed = (0..CpuSet::MAX_CPU).filter(|processor| all.is_set(*processor));
    let mut one = CpuSet::new();
    one.set(allowed.nth(which).expect("two threads need two processors"));
    sched_setaffinity(None, &one).expect("a thread may stay where it is");
}

/// Elsewhere the system decides.
#[cfg(not(target_os = "linux"))]
const fn pin(_: usize) {}
