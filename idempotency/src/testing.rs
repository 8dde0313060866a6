//! Checks that a store keeps the contract of [`IdempotencyStore`]. Feature `testing`.
//!
//! [`store_conformance`] is all that most need. Each clause of the contract is also a function of
//! its own, in the modules here, so that one that fails can be run alone.
//!
#![cfg_attr(feature = "memory", doc = "```")]
#![cfg_attr(not(feature = "memory"), doc = "```ignore")]
//! use stonework_idempotency::store::MemoryStore;
//! use stonework_idempotency::testing::store_conformance;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! tokio::time::pause();
//! store_conformance(MemoryStore::new(), async |by| tokio::time::advance(by).await).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod answers;
pub mod claims;
pub mod leases;
mod lost_reply;
pub mod races;
pub mod takeovers;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use lost_reply::LostReply;

use crate::lookup::{Fingerprint, Lookup, Token};
use crate::store::{
    Answer, Claim, Claimed, Complete, Completed, Held, IdempotencyStore, Record, Release, Renew,
    State,
};

/// A time that does not pass during the suite.
const LONG: Duration = Duration::from_secs(3_600);

/// A lease that runs out while [`past`] it is waited. Nothing depends on its lasting until then.
const SHORT: Duration = Duration::from_millis(50);

/// A retention that passes while [`past`] it is waited.
const BRIEF: Duration = Duration::from_millis(500);

/// Times to try one after the other, until what must come within one has: a machine may be busy.
fn times() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(BRIEF), |last| Some(*last * 2))
}

/// How long to wait until `time` has surely passed, however the store rounds.
fn past(time: Duration) -> Duration {
    time + SHORT
}

/// Runs every clause upon `store`, then every clause again upon [`LostReply`] around it.
///
/// `elapse` lets time pass: it returns when the clock by which the store measures has moved by at
/// least the time given. Where time can be turned it turns it; where it is real it sleeps. The
/// suite waits about 6 s in all, and longer where a few operations take more than half a second.
///
/// The keys are new ones in each run, and stay in the store for up to an hour. The store needs
/// room for 200 records and 8 MiB, and for a quarter of that within one scope.
///
/// Runs within a tokio runtime with its time enabled; on one of many threads the races are real.
///
/// # Panics
///
/// When the store breaks a clause. The clause is named on standard error, and the message says
/// what was expected.
pub async fn store_conformance<S: IdempotencyStore>(store: S, elapse: impl AsyncFn(Duration)) {
    let store: Arc<dyn IdempotencyStore> = Arc::new(store);
    let repeating: Arc<dyn IdempotencyStore> = Arc::new(LostReply::new(Arc::clone(&store)));
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
    ($how:expr, $args:tt: $($module:ident::$clause:ident,)*) => {$({
        let _named = Clause(concat!(stringify!($module), "::", stringify!($clause)), $how);
        $module::$clause $args.await;
    })*};
}

async fn every_clause(
    store: &Arc<dyn IdempotencyStore>,
    elapse: &impl AsyncFn(Duration),
    how: &'static str,
) {
    run! { how, (store):
        claims::a_fresh_key_is_owned,
        claims::the_owner_may_ask_again,
        claims::asking_again_changes_nothing,
        claims::another_is_told_the_record,
        claims::another_use_is_told_the_first,
        claims::keys_and_scopes_are_apart,
        claims::a_released_key_is_fresh,
        claims::only_the_owner_releases,
        claims::a_completed_record_is_not_released,
        leases::only_a_pending_owner_renews,
        leases::a_renewal_of_zero_gives_up_at_once,
        leases::a_lapsed_owner_may_renew,
        leases::a_checkpoint_is_kept_and_replaced,
        takeovers::a_living_owner_is_not_replaced,
        takeovers::only_the_observed_owner_is_replaced,
        takeovers::each_takeover_counts_one_attempt,
        takeovers::a_takeover_again_is_the_same_one,
        takeovers::checkpoint_and_fingerprint_stay,
        takeovers::a_completed_record_is_not_taken_over,
        takeovers::an_absent_record_is_claimed,
        takeovers::the_replaced_owner_has_lost,
        answers::an_answer_is_told_to_all,
        answers::no_body_is_not_an_empty_body,
        answers::a_large_answer_comes_back_whole,
        answers::the_first_answer_stays,
        answers::a_lapsed_owner_may_complete,
        answers::a_stranger_completes_nothing,
        answers::a_replaced_owner_is_told_the_winner,
        answers::an_absent_record_is_completed,
        races::of_many_claims_one_is_owned,
        races::one_owner_may_ask_at_once,
        races::of_many_takeovers_one_is_owned,
        races::of_many_completions_one_is_stored,
        races::a_watch_ends_after_a_completion,
        races::a_watch_ends_after_a_release,
        races::a_watch_ends_after_a_takeover,
        races::a_watch_ends_after_an_interruption,
        races::a_watch_of_nothing_ends,
    }
    run! { how, (store, elapse):
        claims::a_pending_record_expires,
        leases::a_lease_runs_out_and_changes_nothing,
        leases::a_renewal_extends_the_lease,
        leases::a_renewal_does_not_extend_the_retention,
        takeovers::a_lapsed_owner_is_replaced,
        takeovers::a_takeover_starts_the_retention_anew,
        answers::a_completion_starts_the_retention_anew,
        answers::a_completed_record_expires,
    }
}

/// A key that nobody has used before.
fn fresh_lookup() -> Lookup {
    let scope = stonework_core::Key::from(*Token::random().as_bytes());
    Lookup::new(Some(&scope), None, b"conformance")
}

const PRINT: Fingerprint = Fingerprint::from_bytes([0xa5; 32]);

fn owned(attempt: u32) -> Claimed {
    Claimed::Owned { attempt, checkpoint: None }
}

fn answer(body: &'static str) -> Answer {
    Answer::new(Bytes::from_static(b"a head"), Some(Bytes::from_static(body.as_bytes())))
}

/// A fresh key, and what is asked about it by three who are called `a`, `b` and `c`.
struct Case<'s> {
    store: &'s dyn IdempotencyStore,
    lookup: Lookup,
    a: Token,
    b: Token,
    c: Token,
}

impl<'s> Case<'s> {
    fn new(store: &'s dyn IdempotencyStore) -> Self {
        let [a, b, c] = std::array::from_fn(|_| Token::random());
        Self { store, lookup: fresh_lookup(), a, b, c }
    }

    /// A claim with a long lease and a long retention.
    fn claiming(&self, token: Token) -> Claim<'_> {
        Claim::new(&self.lookup, token, PRINT, LONG, LONG)
    }

    /// A completion of attempt 1 with a long retention.
    fn completing(&self, token: Token, answer: Answer) -> Complete<'_> {
        Complete::new(&self.lookup, token, 1, PRINT, answer, LONG)
    }

    async fn ask(&self, claim: Claim<'_>) -> Claimed {
        self.store.claim(claim).await.expect("the store answers a claim")
    }

    async fn claim(&self, token: Token) -> Claimed {
        self.ask(self.claiming(token)).await
    }

    /// Makes the record pending, owned by `token`, with a lease that has run out.
    async fn abandon(&self, token: Token) {
        let claim = Claim { lease: Duration::ZERO, ..self.claiming(token) };
        assert_eq!(self.ask(claim).await, owned(1), "a fresh key is owned");
    }

    async fn take_over(&self, from: Token, to: Token) -> Claimed {
        self.ask(self.claiming(to).taking_over(from)).await
    }

    async fn ask_to_renew(&self, renew: Renew<'_>) -> Held {
        self.store.renew(renew).await.expect("the store answers a renewal")
    }

    async fn renew(&self, token: Token, lease: Duration) -> Held {
        self.ask_to_renew(Renew::new(&self.lookup, token, lease)).await
    }

    async fn save(&self, token: Token, checkpoint: &'static str) -> Held {
        let checkpoint = Bytes::from_static(checkpoint.as_bytes());
        let renew = Renew::new(&self.lookup, token, LONG).with_checkpoint(checkpoint);
        self.ask_to_renew(renew).await
    }

    async fn ask_to_complete(&self, complete: Complete<'_>) -> Completed {
        self.store.complete(complete).await.expect("the store answers a completion")
    }

    async fn complete(&self, token: Token, body: &'static str) -> Completed {
        self.ask_to_complete(self.completing(token, answer(body))).await
    }

    async fn release(&self, token: Token) {
        let release = self.store.release(Release::new(&self.lookup, token)).await;
        release.expect("the store answers a release");
    }

    /// The record, as somebody is told who only asks.
    async fn record(&self) -> Record {
        match self.claim(Token::random()).await {
            Claimed::Taken(record) => record,
            other => panic!("there is a record, and the store says {other:?}"),
        }
    }

    async fn lease_left(&self) -> Duration {
        match self.record().await.state {
            State::Pending { lease_left } => lease_left,
            other @ State::Completed(_) => panic!("the record is pending, not {other:?}"),
        }
    }

    async fn is_gone(&self) {
        let told = self.claim(self.c).await;
        assert_eq!(told, owned(1), "there is no record, so the key is fresh");
    }
}

fn completed(token: Token, attempt: u32, body: &'static str) -> Record {
    Record::new(PRINT, token, attempt, State::Completed(answer(body)))
}
