//! Checks that a store keeps the contract of [`ReplayStore`]. Feature `testing`.
//!
//! [`store_conformance`] is all that most need. Each clause of the contract is also a function of its own, so that one that
//! fails can be run alone.
//!
//! ```
//! use stonework_webhook_sign::store::MemoryStore;
//! use stonework_webhook_sign::testing::store_conformance;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! tokio::time::pause();
//! store_conformance(MemoryStore::new(), async |by| tokio::time::advance(by).await).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod lost_reply;

use std::sync::Arc;
use std::time::Duration;

use stonework_core::{Clock, SystemClock};
use tokio::task::JoinSet;

pub use lost_reply::LostReply;

use crate::store::{Claim, Claimed, Commit, Committed, EventKey, Fence, Release, ReplayStore};

/// A time that does not pass during the suite.
const LONG: Duration = Duration::from_secs(3_600);

/// A time that passes while [`past`] it is waited.
const BRIEF: Duration = Duration::from_millis(500);

/// Times to try one after the other, until what must come within one has: a machine may be busy.
fn times() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(BRIEF), |last| Some(*last * 2))
}

/// How long to wait until `time` has surely passed, however the store rounds.
fn past(time: Duration) -> Duration {
    time + Duration::from_millis(50)
}

/// How many claim one event at once.
const MANY: usize = 1_000;

type Store = Arc<dyn ReplayStore>;

/// Runs every clause upon `store`, then every clause again upon [`LostReply`] around it.
///
/// `elapse` lets time pass: it returns when the clock by which the store measures has moved by at least the time given.
/// Where time can be turned it turns it; where it is real it sleeps. The suite waits about 5 s in all, and longer where
/// a few operations take more than half a second.
///
/// The events are new ones in each run, and stay in the store for up to an hour. The store needs room for 100 of them.
///
/// Runs within a tokio runtime with its time enabled; on one of many threads the races are real.
///
/// # Panics
///
/// When the store breaks a clause. The clause is named on standard error, and the message says what was expected.
pub async fn store_conformance<S: ReplayStore>(store: S, elapse: impl AsyncFn(Duration)) {
    let store: Store = Arc::new(store);
    let repeating: Store = Arc::new(LostReply::new(Arc::clone(&store)));
    every_clause(&store, &elapse, "each operation sent once").await;
    every_clause(&repeating, &elapse, "each operation sent twice").await;
}

/// Names the clause that is being tested, if it panics.
struct Clause(&'static str, &'static str);

impl Drop for Clause {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the store breaks `{}` ({})", self.0, self.1);
        }
    }
}

macro_rules! run {
    ($how:expr, $args:tt: $($clause:ident,)*) => {$({
        let _named = Clause(stringify!($clause), $how);
        $clause $args.await;
    })*};
}

async fn every_clause(store: &Store, elapse: &impl AsyncFn(Duration), how: &'static str) {
    run! { how, (store):
        a_new_event_is_won,
        the_winner_may_ask_again,
        another_is_told_that_it_is_in_flight,
        events_are_apart,
        a_committed_event_is_done,
        a_commit_again_is_the_same_one,
        a_stranger_commits_nothing,
        an_event_without_a_record_is_committed,
        a_released_event_is_new,
        only_the_winner_releases,
        a_done_event_is_not_released,
        of_many_claims_one_wins,
        of_many_commits_one_is_stored,
    }
    run! { how, (store, elapse):
        a_lease_runs_out,
        asking_again_renews_no_lease,
        a_late_commit_counts_if_nobody_came,
        a_late_commit_is_lost_if_somebody_came,
        a_late_release_leaves_the_next_one_alone,
        a_done_event_is_forgotten_in_its_time,
    }
}

/// An event that nobody has seen, and three who want it.
struct Case<'s> {
    store: &'s dyn ReplayStore,
    event: EventKey,
    a: Fence,
    b: Fence,
    c: Fence,
}

impl<'s> Case<'s> {
    fn new(store: &'s Store) -> Self {
        let [a, b, c] = std::array::from_fn(|_| Fence::random());
        let event = EventKey::of(&[b"conformance", &a.to_bytes()]);
        Self { store, event, a, b, c }
    }

    async fn claim_for(&self, fence: Fence, lease: Duration) -> Claimed {
        let claim = Claim::new(self.event, fence, lease);
        self.store.claim(claim).await.expect("the store answers a claim")
    }

    async fn claim(&self, fence: Fence) -> Claimed {
        self.claim_for(fence, LONG).await
    }

    async fn commit_for(&self, fence: Fence, keep: Duration) -> Committed {
        let commit = Commit::new(self.event, fence, keep);
        self.store.commit(commit).await.expect("the store answers a commit")
    }

    async fn commit(&self, fence: Fence) -> Committed {
        self.commit_for(fence, LONG).await
    }

    async fn release(&self, fence: Fence) {
        let release = self.store.release(Release::new(self.event, fence)).await;
        release.expect("the store answers a release");
    }

    async fn is_in_flight(&self) {
        match self.claim(self.c).await {
            Claimed::InFlight { lease_left } if lease_left <= LONG => {}
            other => panic!("the event is in flight, and the store says {other:?}"),
        }
    }
}

/// The first claim of an event wins.
pub async fn a_new_event_is_won(store: &Store) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, Claimed::Won, "nobody has it");
}

/// A claim by the winner wins again.
pub async fn the_winner_may_ask_again(store: &Store) {
    let case = Case::new(store);
    for _ in 0..3 {
        assert_eq!(case.claim(case.a).await, Claimed::Won, "a claim again is the same claim");
    }
}

/// A claim by another is told that it is in flight, and for how long, and changes nothing.
pub async fn another_is_told_that_it_is_in_flight(store: &Store) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, Claimed::Won);
    for other in [case.b, case.c] {
        let Claimed::InFlight { lease_left } = case.claim(other).await else {
            panic!("an event that another claimed is in flight");
        };
        assert!(!lease_left.is_zero() && lease_left <= LONG, "{lease_left:?} of the lease");
    }
    assert_eq!(case.claim(case.a).await, Claimed::Won, "the winner stays the winner");
}

/// Other events are others.
pub async fn events_are_apart(store: &Store) {
    let (one, other) = (Case::new(store), Case::new(store));
    assert_eq!(one.claim(one.a).await, Claimed::Won);
    assert_eq!(one.commit(one.a).await, Committed::Stored);
    assert_eq!(other.claim(other.a).await, Claimed::Won, "each event is new");
}

/// A committed event is done for all, the winner included.
pub async fn a_committed_event_is_done(store: &Store) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, Claimed::Won);
    assert_eq!(case.commit(case.a).await, Committed::Stored);
    for fence in [case.a, case.b] {
        assert_eq!(case.claim(fence).await, Claimed::Done, "it was handled");
    }
}

/// A commit by who committed is stored again, and does not keep the event for longer.
pub async fn a_commit_again_is_the_same_one(store: &Store) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, Claimed::Won);
    for _ in 0..3 {
        assert_eq!(case.commit(case.a).await, Committed::Stored, "a commit again is the same one");
    }
}

/// A commit by another is lost, and changes nothing.
pub async fn a_stranger_commits_nothing(store: &Store) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, Claimed::Won);
    assert_eq!(case.commit(case.b).await, Committed::Lost, "the event is another's");
    case.is_in_flight().await;
    assert_eq!(case.commit(case.a).await, Committed::Stored);
    assert_eq!(case.commit(case.b).await, Committed::Lost, "the event is done by another");
}

/// A commit of an event without a record is stored.
pub async fn an_event_without_a_record_is_committed(store: &Store) {
    let case = Case::new(store);
    assert_eq!(case.commit(case.a).await, Committed::Stored, "it was handled, whoever knows of it");
    assert_eq!(case.claim(case.b).await, Claimed::Done);
}

/// A released event is as if it had never been claimed.
pub async fn a_released_event_is_new(store: &Store) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, Claimed::Won);
    case.release(case.a).await;
    assert_eq!(case.claim(case.b).await, Claimed::Won, "it is free");
    assert_eq!(case.commit(case.a).await, Committed::Lost, "it is the next one's");
}

/// A release by another, or of nothing, leaves all as it is.
pub async fn only_the_winner_releases(store: &Store) {
    let case = Case::new(store);
    case.release(case.a).await;
    assert_eq!(case.claim(case.a).await, Claimed::Won);
    case.release(case.b).await;
    case.is_in_flight().await;
}

/// A done event is not released, not even by who did it.
pub async fn a_done_event_is_not_released(store: &Store) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, Claimed::Won);
    assert_eq!(case.commit(case.a).await, Committed::Stored);
    case.release(case.a).await;
    assert_eq!(case.claim(case.b).await, Claimed::Done, "what is done is done");
}

/// Of many who claim one event at once, exactly one wins.
pub async fn of_many_claims_one_wins(store: &Store) {
    let case = Case::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..MANY {
        let claim = store.claim(Claim::new(case.event, Fence::random(), LONG));
        tasks.spawn(async move { claim.await.expect("the store answers a claim") });
    }
    let claims = tasks.join_all().await;
    let winners = claims.iter().filter(|claimed| **claimed == Claimed::Won).count();
    assert_eq!(winners, 1, "exactly one claim wins");
    let told = |claimed: &&Claimed| matches!(claimed, Claimed::InFlight { .. });
    assert_eq!(claims.iter().filter(told).count(), MANY - 1, "all others are told so");
}

/// Of many who commit one event without a record at once, exactly one is stored.
pub async fn of_many_commits_one_is_stored(store: &Store) {
    let case = Case::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let commit = store.commit(Commit::new(case.event, Fence::random(), LONG));
        tasks.spawn(async move { commit.await.expect("the store answers a commit") });
    }
    let commits = tasks.join_all().await;
    let stored = commits.iter().filter(|committed| **committed == Committed::Stored).count();
    assert_eq!(stored, 1, "exactly one commit is stored");
}

/// When a lease has run out, the event is as if it had never been claimed: its handler crashed.
pub async fn a_lease_runs_out(store: &Store, elapse: &impl AsyncFn(Duration)) {
    let case = Case::new(store);
    assert_eq!(case.claim_for(case.a, BRIEF).await, Claimed::Won);
    elapse(past(BRIEF)).await;
    assert_eq!(case.claim(case.b).await, Claimed::Won, "it is delivered again, and handled");
}

/// A claim by the winner does not make its lease longer.
pub async fn asking_again_renews_no_lease(store: &Store, elapse: &impl AsyncFn(Duration)) {
    for lease in times() {
        let (case, began) = (Case::new(store), SystemClock::new());
        assert_eq!(case.claim_for(case.a, lease).await, Claimed::Won);
        assert_eq!(case.claim_for(case.a, LONG).await, Claimed::Won);
        if began.monotonic() < lease {
            elapse(past(lease)).await;
            let claimed = case.claim(case.b).await;
            return assert_eq!(claimed, Claimed::Won, "the first claim's lease has run out");
        }
    }
}

/// A commit whose lease has run out counts if nobody else has claimed the event.
pub async fn a_late_commit_counts_if_nobody_came(store: &Store, elapse: &impl AsyncFn(Duration)) {
    let case = Case::new(store);
    assert_eq!(case.claim_for(case.a, BRIEF).await, Claimed::Won);
    elapse(past(BRIEF)).await;
    assert_eq!(case.commit(case.a).await, Committed::Stored, "it was handled");
    assert_eq!(case.claim(case.b).await, Claimed::Done);
}

/// A commit whose lease has run out is lost if somebody else has claimed the event.
pub async fn a_late_commit_is_lost_if_somebody_came(
    store: &Store,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store);
    assert_eq!(case.claim_for(case.a, BRIEF).await, Claimed::Won);
    elapse(past(BRIEF)).await;
    assert_eq!(case.claim(case.b).await, Claimed::Won);
    assert_eq!(case.commit(case.a).await, Committed::Lost, "it is the next one's");
    case.is_in_flight().await;
}

/// A release whose lease has run out leaves the next one's record alone.
pub async fn a_late_release_leaves_the_next_one_alone(
    store: &Store,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store);
    assert_eq!(case.claim_for(case.a, BRIEF).await, Claimed::Won);
    elapse(past(BRIEF)).await;
    assert_eq!(case.claim(case.b).await, Claimed::Won);
    case.release(case.a).await;
    case.is_in_flight().await;
}

/// A done event is remembered for as long as its commit said, and no longer.
pub async fn a_done_event_is_forgotten_in_its_time(store: &Store, elapse: &impl AsyncFn(Duration)) {
    for keep in times() {
        let (case, began) = (Case::new(store), SystemClock::new());
        assert_eq!(case.claim(case.a).await, Claimed::Won);
        assert_eq!(case.commit_for(case.a, keep).await, Committed::Stored);
        let again = case.commit_for(case.a, LONG).await;
        assert_eq!(again, Committed::Stored, "and is not kept for longer");
        let claimed = case.claim(case.b).await;
        if began.monotonic() < keep {
            assert_eq!(claimed, Claimed::Done);
            elapse(past(keep)).await;
            let claimed = case.claim(case.b).await;
            return assert_eq!(claimed, Claimed::Won, "its time has passed");
        }
    }
}
