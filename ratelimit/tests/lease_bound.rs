//! How much several nodes that lease admit together, over every interval of a simulated while.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/leasing.rs"]
mod leasing;

use std::sync::Arc;
use std::time::Duration;

use leasing::{HOT, Remote, SECOND, WAY, granted, quota};
use stonework_core::Clock;
use stonework_ratelimit::store::LeasedStore;
use tokio::task::JoinSet;

/// What happened at one node.
#[derive(Clone, Copy, Debug)]
struct Asked {
    from: Duration,
    until: Duration,
    cost: u32,
    granted: bool,
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

const RATE: u32 = 200;
const BURST: u32 = 60;
const NODES: u32 = 3;
/// `BURST / (2 · NODES)`.
const RESERVE: u32 = 10;
const ROUND_TRIP: Duration = Duration::from_millis(16);

/// Every five seconds there are two of more demand than supply, then two of less, which leave
/// reserves, and then a rest that fills the bucket and is too short for the reserves to go back.
fn busy_and_at_rest(chance: &mut Chance, now: Duration) -> Duration {
    let within = (now.as_millis() % 5_000) as u64;
    Duration::from_millis(match within {
        0..2_000 => chance.below(50),
        2_000..4_200 => 50 + chance.below(250),
        rest => 5_000 - rest,
    })
}

fn always_busy(chance: &mut Chance, _: Duration) -> Duration {
    Duration::from_millis(chance.below(50))
}

type Pause = fn(&mut Chance, Duration) -> Duration;

/// One client of a node.
struct Client {
    store: LeasedStore<Remote>,
    clock: Arc<dyn Clock>,
    chance: Chance,
    pause: Pause,
}

impl Client {
    async fn run(mut self, end: Duration) -> Vec<Asked> {
        let mut all = Vec::new();
        while self.clock.monotonic() < end {
            all.push(self.ask().await);
            let pause = (self.pause)(&mut self.chance, self.clock.monotonic());
            tokio::time::sleep(pause).await;
        }
        all
    }

    /// Sometimes for more than a reserve may be, and sometimes with little patience.
    async fn ask(&mut self) -> Asked {
        let cost = match self.chance.below(40) {
            0 => RESERVE + 5,
            few => 1 + few as u32 % 3,
        };
        let patience = if self.chance.below(8) == 0 { WAY } else { SECOND };
        let from = self.clock.monotonic();
        let asked = granted(&self.store, HOT, quota(RATE, SECOND, BURST), cost);
        let granted = tokio::time::timeout(patience, asked).await.unwrap_or(false);
        Asked { from, until: self.clock.monotonic(), cost, granted }
    }
}

/// Several nodes with several clients each, for so long.
async fn simulate(remote: &Remote, seed: u64, pause: Pause, end: Duration) -> Vec<Asked> {
    let mut clients = JoinSet::new();
    for node in 0..NODES {
        let store = LeasedStore::builder(remote.clone())
            .nodes(NODES)
            // So long that the reserves are as large as they may be.
            .horizon(SECOND)
            .clock(Arc::clone(&remote.clock) as _)
            .build()
            .unwrap();
        for which in 0..4 {
            let chance = Chance(seed * 1_000 + u64::from(node * 10 + which));
            let clock = Arc::clone(&remote.clock) as _;
            let client = Client { store: store.clone(), clock, chance, pause };
            clients.spawn(client.run(end));
        }
    }
    let mut all: Vec<Asked> = clients.join_all().await.into_iter().flatten().collect();
    all.sort_by_key(|asked| asked.until);
    all
}

/// What is on its way at each time: asked for and being decided, or decided within the last round
/// trip, or travelling back.
fn under_way(all: &[Asked], back: &[(Duration, i64)]) -> Vec<(Duration, i64)> {
    // What was answered on the spot was never on its way.
    let asked = all.iter().filter(|asked| asked.until > asked.from).flat_map(|asked| {
        let cost = i64::from(asked.cost);
        [(asked.from, cost), (asked.until + ROUND_TRIP, -cost)]
    });
    let mut changes: Vec<(Duration, i64)> = asked.chain(back.iter().copied()).collect();
    changes.sort_by_key(|&(at, change)| (at, -change));
    let mut sum = 0;
    for (_, change) in &mut changes {
        sum += *change;
        *change = sum;
    }
    changes
}

/// The most by which any interval admits more than burst, flow and what was under way: `excess`
/// must be at most `NODES · RESERVE`.
///
/// With `A` tokens admitted until each time, the interval from i to j admits `A(j) - A(i)`, so the
/// worst beginning is the one with the least `A(i) - rate · t(i) + W(i)`: one pass sees them all.
fn largest_excess(all: &[Asked], under_way: &[(Duration, i64)]) -> f64 {
    let (mut admitted, mut worst, mut least) = (0.0, f64::MIN, f64::MAX);
    for asked in all.iter().filter(|asked| asked.granted) {
        let flow = f64::from(RATE) * asked.until.as_secs_f64();
        let at = under_way.partition_point(|&(at, _)| at <= asked.until);
        let w = at.checked_sub(1).map_or(0, |at| under_way[at].1);
        least = f64::min(least, admitted - flow + w as f64);
        admitted += f64::from(asked.cost);
        worst = f64::max(worst, admitted - flow - least - f64::from(BURST));
    }
    worst
}

fn admitted(all: &[Asked]) -> u32 {
    all.iter().filter(|asked| asked.granted).map(|asked| asked.cost).sum()
}

/// What burst and flow allow from the beginning on.
fn allowed(all: &[Asked]) -> u32 {
    let end = all.last().unwrap().until;
    BURST + end.as_millis() as u32 * RATE / 1_000
}

fn far_away() -> Remote {
    Remote::new(WAY).varying_by(Duration::from_millis(6))
}

#[tokio::test(start_paused = true)]
async fn no_interval_admits_more_than_the_bound() {
    let (reserves, mut worst) = (f64::from(NODES * RESERVE), f64::MIN);
    for seed in 1..=5 {
        let remote = far_away();
        let all = simulate(&remote, seed, busy_and_at_rest, Duration::from_secs(120)).await;
        let excess = largest_excess(&all, &under_way(&all, &remote.way_back()));
        assert!(excess <= reserves, "{excess} more than without leases, of {reserves}");
        assert!(admitted(&all) <= allowed(&all), "nothing is admitted that was not charged");
        worst = worst.max(excess);
    }
    assert!(worst > reserves / 2.0, "of {reserves} in reserve {worst} were seen to be used");
}

#[tokio::test(start_paused = true)]
async fn a_busy_bucket_gives_all_that_flows_in() {
    let remote = far_away();
    let all = simulate(&remote, 7, always_busy, Duration::from_secs(60)).await;
    let (admitted, allowed) = (admitted(&all), allowed(&all));
    assert!(admitted <= allowed, "{admitted} of {allowed}");
    assert!(u64::from(admitted) * 100 >= u64::from(allowed) * 99, "{admitted} of {allowed}");
}
