//! Many at once, and those who wait for them.

use std::sync::Arc;
use std::time::Duration;

use stonework_core::{StoreError, StoreFuture};
use tokio::task::JoinSet;

use super::{Case, PRINT, answer, owned};
use crate::lookup::Token;
use crate::store::{Claimed, Complete, Completed, Held, IdempotencyStore, Record, State, Watch};

type Store = Arc<dyn IdempotencyStore>;

/// How many at once.
const MANY: usize = 32;

/// How long a watch may take to notice. Only a store that breaks the clause takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends an operation of each of many, all at once, and gathers the replies.
async fn many<T: Send + 'static>(
    store: &Store,
    operation: impl Fn(&Store) -> StoreFuture<Result<T, StoreError>> + Clone + Send + 'static,
) -> Vec<T> {
    let mut tasks = JoinSet::new();
    for _ in 0..MANY {
        let (store, operation) = (Arc::clone(store), operation.clone());
        tasks.spawn(async move {
            let reply = operation(&store);
            reply.await.expect("the store answers")
        });
    }
    tasks.join_all().await
}

fn attempts(claims: &[Claimed]) -> Vec<u32> {
    let attempt = |claimed: &Claimed| match claimed {
        Claimed::Owned { attempt, .. } => Some(*attempt),
        Claimed::Taken(_) | Claimed::Full => None,
    };
    claims.iter().filter_map(attempt).collect()
}

/// Of many who claim one key at once, exactly one owns it.
pub async fn of_many_claims_one_is_owned(store: &Store) {
    let case = Case::new(&**store);
    let lookup = case.lookup;
    let claims = many(store, move |store| {
        let claim = Case { lookup, ..Case::new(&**store) };
        store.claim(claim.claiming(Token::random()))
    });
    assert_eq!(attempts(&claims.await), [1], "exactly one claim is owned");
}

/// One claim that is sent many times at once is owned every time, with one attempt.
pub async fn one_owner_may_ask_at_once(store: &Store) {
    let case = Case::new(&**store);
    let (lookup, token) = (case.lookup, case.a);
    let claims = many(store, move |store| {
        let claim = Case { lookup, ..Case::new(&**store) };
        store.claim(claim.claiming(token))
    });
    assert_eq!(attempts(&claims.await), [1; MANY], "one claim is one claim");
}

/// Of many who take one record over at once, exactly one owns it.
pub async fn of_many_takeovers_one_is_owned(store: &Store) {
    let case = Case::new(&**store);
    case.abandon(case.a).await;
    let (lookup, observed) = (case.lookup, case.a);
    let claims = many(store, move |store| {
        let claim = Case { lookup, ..Case::new(&**store) };
        store.claim(claim.claiming(Token::random()).taking_over(observed))
    });
    assert_eq!(attempts(&claims.await), [2], "exactly one takeover is owned");
}

/// Of many who complete one absent record at once, exactly one is stored, and the others are told
/// that one.
pub async fn of_many_completions_one_is_stored(store: &Store) {
    let case = Case::new(&**store);
    let lookup = case.lookup;
    let completions = many(store, move |store| {
        let answer = answer("the one");
        let token = Token::random();
        store.complete(Complete::new(&lookup, token, 1, PRINT, answer, super::LONG))
    });
    let winner = case_record(&completions.await);
    assert_eq!(case.record().await, winner, "the one that was stored stays");
}

/// The record that all losers were told.
fn case_record(completions: &[Completed]) -> Record {
    let lost = |completed: &Completed| match completed {
        Completed::Lost(record) => Some(record.clone()),
        Completed::Stored => None,
    };
    let losers: Vec<Record> = completions.iter().filter_map(lost).collect();
    assert_eq!(losers.len(), MANY - 1, "exactly one completion is stored");
    let first = losers[0].clone();
    assert!(losers.iter().all(|record| *record == first), "all are told the same record");
    assert!(matches!(first.state, State::Completed(_)), "it is completed");
    first
}

/// Watches the record of `case.a`, makes the change, and waits for the watch.
async fn wakes(case: &Case<'_>, change: impl Future<Output = ()>) {
    let watch = || case.store.watch(Watch::new(&case.lookup, case.a, 0));
    let mut watches = JoinSet::new();
    // One that was polled before the change, and one that was only made.
    watches.spawn(watch());
    tokio::task::yield_now().await;
    let unpolled = watch();
    change.await;
    watches.spawn(unpolled);
    // And one that comes too late.
    watches.spawn(watch());
    let woken = tokio::time::timeout(PATIENCE, watches.join_all());
    woken.await.expect("a watch resolves soon after the record has changed");
}

/// A watch resolves after a completion.
pub async fn a_watch_ends_after_a_completion(store: &Store) {
    let case = Case::new(&**store);
    assert_eq!(case.claim(case.a).await, owned(1));
    let change = async { assert_eq!(case.complete(case.a, "x").await, Completed::Stored) };
    wakes(&case, change).await;
}

/// A watch resolves after a release.
pub async fn a_watch_ends_after_a_release(store: &Store) {
    let case = Case::new(&**store);
    assert_eq!(case.claim(case.a).await, owned(1));
    wakes(&case, case.release(case.a)).await;
}

/// A watch resolves after a takeover.
pub async fn a_watch_ends_after_a_takeover(store: &Store) {
    let case = Case::new(&**store);
    case.abandon(case.a).await;
    let change = async { assert_eq!(case.take_over(case.a, case.b).await, owned(2)) };
    wakes(&case, change).await;
}

/// A watch resolves after the owner has given up.
pub async fn a_watch_ends_after_an_interruption(store: &Store) {
    let case = Case::new(&**store);
    assert_eq!(case.claim(case.a).await, owned(1));
    let change = async { assert_eq!(case.renew(case.a, Duration::ZERO).await, Held::Held) };
    wakes(&case, change).await;
}

/// A watch resolves where there is no record, and where it is another's.
pub async fn a_watch_of_nothing_ends(store: &Store) {
    let case = Case::new(&**store);
    wakes(&case, async {}).await;
    assert_eq!(case.claim(case.b).await, owned(1));
    wakes(&case, async {}).await;
}
