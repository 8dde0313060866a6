//! Tables of deliveries.

use std::time::Duration;

use benches::delivery::{Bare, Latencies, Queued, Receiver, Sick};
use benches::{Rounds, print_head, print_row, processor_time, wall_time};

const ROUNDS: usize = 21;

/// Messages of one turn.
const TURN: usize = 4_000;

/// Rounds of each load, and how long each takes.
const LOADS: usize = 5;
const LOAD: Duration = Duration::from_secs(4);

/// Messages in each millisecond.
const PER_BEAT: usize = 2;

/// Whatever sends messages.
pub(crate) enum Subject {
    /// The first one.
    Bare(Box<Bare>),
    Queued(&'static str, Queued),
}

/// What a turn took, in seconds.
struct Turn {
    enqueuing: f64,
    delivering: f64,
    wall: f64,
    /// Of another process that has a part in it, while it was delivered.
    elsewhere: f64,
}

impl Subject {
    const fn title(&self) -> &'static str {
        match self {
            Self::Bare(_) => "the bare signed request: `SignLayer` over hyper-util",
            Self::Queued(title, _) => title,
        }
    }

    fn turn(&self, elsewhere: impl Fn() -> f64) -> Turn {
        let begun = processor_time();
        if let Self::Queued(_, queued) = self {
            queued.enqueue(TURN);
        }
        let (enqueued, there, start) = (processor_time(), elsewhere(), wall_time());
        match self {
            Self::Bare(bare) => bare.send(TURN),
            Self::Queued(_, queued) => queued.deliver(),
        }
        Turn {
            wall: (wall_time() - start).as_secs_f64(),
            delivering: (processor_time() - enqueued).as_secs_f64(),
            enqueuing: (enqueued - begun).as_secs_f64(),
            elsewhere: elsewhere() - there,
        }
    }
}

/// How many deliveries there are in a second, and what each takes. `elsewhere` is the processor time of a Redis, in seconds.
pub(crate) fn show(
    receiver: &mut Receiver,
    subjects: &mut [Subject],
    elsewhere: impl Fn() -> f64 + Copy,
) {
    let before = receiver.count();
    let rounds = Rounds::of(ROUNDS, subjects, |subject| subject.turn(elsewhere));
    let sent = ROUNDS * subjects.len() * TURN;
    assert_eq!(receiver.count() - before, sent, "each has come once");
    let figures =
        ["per second", "÷ bare", "CPU, µs each", "over bare", "to enqueue", "Redis, µs each"];
    print_head(&["deliveries"], &figures);
    let each = |seconds: f64| seconds * 1e6 / TURN as f64;
    for (at, subject) in subjects.iter().enumerate() {
        let median = |figure: fn(&[Turn], usize) -> f64| rounds.median(|round| figure(round, at));
        let rate = |round: &[Turn], at: usize| TURN as f64 / round[at].wall;
        print_row(&[
            subject.title().to_owned(),
            format!("{:.0}", median(rate)),
            format!("{:.2}", median(|round, at| round[0].wall / round[at].wall)),
            format!("{:.1}", each(median(|round, at| round[at].delivering))),
            format!("{:.1}", each(median(|round, at| round[at].delivering - round[0].delivering))),
            format!("{:.1}", each(median(|round, at| round[at].enqueuing))),
            format!("{:.1}", each(median(|round, at| round[at].elsewhere))),
        ]);
    }
}

/// How long messages to healthy endpoints take, while two others are sick. `load` runs one case with an outbox of its own.
pub(crate) fn show_fairness(load: impl Fn(Sick, usize, Duration) -> Latencies) {
    let mut cases = [Sick::None, Sick::Two, Sick::TwoWithoutBreaker];
    let rounds = Rounds::of(LOADS, &mut cases, |sick| load(*sick, PER_BEAT, LOAD));
    let figures = ["p50, ms", "÷ healthy", "p99, ms", "÷ healthy", "p99.9, ms"];
    print_head(&["the other 98 endpoints, 2,000 messages per second"], &figures);
    for (at, sick) in cases.into_iter().enumerate() {
        let ms = |permille| rounds.median(|round: &[Latencies]| round[at].permille(permille));
        let ratio = |permille| {
            rounds.median(|round: &[Latencies]| {
                round[at].permille(permille) / round[0].permille(permille)
            })
        };
        print_row(&[
            title(sick).to_owned(),
            format!("{:.2}", ms(500)),
            format!("{:.2}", ratio(500)),
            format!("{:.2}", ms(990)),
            format!("{:.2}", ratio(990)),
            format!("{:.2}", ms(999)),
        ]);
    }
}

fn title(sick: Sick) -> &'static str {
    match sick {
        Sick::None => "all 100 are healthy",
        Sick::Two => "one is dead, one never answers",
        Sick::TwoWithoutBreaker => "the same, and neither is ever left alone",
        _ => "",
    }
}
