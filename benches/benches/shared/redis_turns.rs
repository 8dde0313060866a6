//! Calls of a Redis from one thread, so many at once.

use std::time::Duration;

use benches::{Rounds, print_head, print_row, wall_time};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const ROUNDS: usize = 31;
const TURN: Duration = Duration::from_millis(100);

/// Calls between two looks at the clock.
const LAP: usize = 8;

/// What is measured. Clones share its connection.
pub(crate) trait Caller: Clone + Send + 'static {
    fn title(&self) -> &'static str;

    fn call(&mut self) -> impl Future<Output = ()> + Send;
}

/// A figure that is made of those of a round: calls per second, of each subject.
pub(crate) type Figure = (&'static str, fn(&[f64], usize) -> f64);

/// A table of all subjects, who take turns.
pub(crate) fn show<C: Caller>(runtime: &Runtime, mut subjects: Vec<C>, figures: &[Figure]) {
    let names: Vec<_> = figures.iter().map(|(name, _)| *name).collect();
    print_head(&["at once", "subject"], &[&["per second"], &names[..]].concat());
    for at_once in [1, 16, 128] {
        let rounds = Rounds::of(ROUNDS, &mut subjects, |subject| turn(runtime, subject, at_once));
        for (at, subject) in subjects.iter().enumerate() {
            let name = if at == 0 { at_once.to_string() } else { String::new() };
            let rate = format!("{:.0}", rounds.median(|round| round[at]));
            let mut cells = vec![name, subject.title().to_owned(), rate];
            let figure = |(_, of): &Figure| rounds.median(|round| of(round, at));
            cells.extend(figures.iter().map(figure).map(|figure| format!("{figure:.2}")));
            print_row(&cells);
        }
    }
}

/// Calls per second, with so many under way at once. All client code is on this thread.
fn turn<C: Caller>(runtime: &Runtime, subject: &C, at_once: usize) -> f64 {
    let start = wall_time();
    let calls = runtime.block_on(async {
        let caller = |_| call_until(subject.clone(), start + TURN);
        let callers: JoinSet<usize> = (0..at_once).map(caller).collect();
        callers.join_all().await.into_iter().sum::<usize>()
    });
    calls as f64 / wall_time().saturating_sub(start).as_secs_f64()
}

/// At least one lap.
async fn call_until<C: Caller>(mut subject: C, end: Duration) -> usize {
    let mut calls = 0;
    loop {
        for _ in 0..LAP {
            subject.call().await;
        }
        calls += LAP;
        if wall_time() >= end {
            return calls;
        }
    }
}
