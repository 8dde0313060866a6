//! Who owns a key, and how it becomes nobody's.

use std::time::Duration;

use super::{BRIEF, Case, LONG, PRINT, answer, completed, owned, past};
use crate::lookup::{Fingerprint, Lookup, Token};
use crate::store::{Claim, Claimed, Completed, Held, IdempotencyStore, Record, State};
use stonework_core::Key;

/// The first claim of a key makes a record with attempt 1.
pub async fn a_fresh_key_is_owned(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1), "a fresh key is owned");
}

/// A claim by the owner is owned again, with the same attempt.
pub async fn the_owner_may_ask_again(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    for _ in 0..3 {
        assert_eq!(case.claim(case.a).await, owned(1), "a claim again is the same claim");
    }
}

/// A claim by the owner neither renews the lease nor changes the fingerprint.
pub async fn asking_again_changes_nothing(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    let again = Claim { fingerprint: Fingerprint::from_bytes([0; 32]), ..case.claiming(case.a) };
    assert_eq!(case.ask(again).await, owned(1));
    assert_eq!(case.lease_left().await, Duration::ZERO, "a claim again is no renewal");
    assert_eq!(case.record().await.fingerprint, PRINT, "a claim again is no other use");
}

/// A claim by another is told the record, and changes nothing.
pub async fn another_is_told_the_record(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    for other in [case.b, case.c] {
        let Claimed::Taken(record) = case.claim(other).await else {
            panic!("a record that another owns is taken");
        };
        let Record { fingerprint, token, attempt, state } = record;
        assert_eq!((fingerprint, token, attempt), (PRINT, case.a, 1));
        let State::Pending { lease_left } = state else {
            panic!("a record that was not completed is pending");
        };
        assert!(lease_left > Duration::ZERO && lease_left <= LONG, "{lease_left:?} of the lease");
    }
    assert_eq!(case.claim(case.a).await, owned(1), "the owner stays the owner");
}

/// A claim for another request is told the fingerprint of the first, pending or completed.
pub async fn another_use_is_told_the_first(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    let other = Claim { fingerprint: Fingerprint::from_bytes([0; 32]), ..case.claiming(case.b) };
    let told = |claimed| match claimed {
        Claimed::Taken(record) => record.fingerprint,
        claimed => panic!("a record that another owns is taken, not {claimed:?}"),
    };
    assert_eq!(told(case.ask(other).await), PRINT);
    assert_eq!(case.complete(case.a, "x").await, Completed::Stored);
    assert_eq!(told(case.ask(other).await), PRINT);
}

/// Records of other keys, and of the same key in other scopes, are others.
pub async fn keys_and_scopes_are_apart(store: &dyn IdempotencyStore) {
    let scope = |token: Token| Key::from(*token.as_bytes());
    let (one, other) = (scope(Token::random()), scope(Token::random()));
    let lookups = [
        Lookup::new(Some(&one), None, b"k"),
        Lookup::new(Some(&one), None, b"l"),
        Lookup::new(Some(&other), None, b"k"),
    ];
    for lookup in lookups {
        let case = Case { lookup, ..Case::new(store) };
        assert_eq!(case.claim(case.a).await, owned(1), "each key is fresh");
    }
}

/// A released key is as if it had never been used.
pub async fn a_released_key_is_fresh(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    assert_eq!(
        case.take_over(case.a, case.b).await,
        owned(2),
        "a lapsed owner is replaced when asked"
    );
    assert_eq!(case.save(case.b, "checkpoint").await, Held::Held);
    case.release(case.b).await;
    assert_eq!(case.claim(case.c).await, owned(1), "neither attempt nor checkpoint is left");
}

/// A release by somebody else, or of nothing, leaves all as it is.
pub async fn only_the_owner_releases(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.release(case.a).await;
    assert_eq!(case.claim(case.a).await, owned(1));
    case.release(case.b).await;
    assert_eq!(case.record().await.token, case.a, "a stranger releases nothing");
}

/// An answer is not released, not even by who gave it.
pub async fn a_completed_record_is_not_released(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    let complete = case.completing(case.a, answer("kept"));
    assert_eq!(case.ask_to_complete(complete).await, Completed::Stored);
    case.release(case.a).await;
    assert_eq!(case.record().await, completed(case.a, 1, "kept"));
}

/// A pending record is gone when its retention has passed since the claim.
pub async fn a_pending_record_expires(
    store: &dyn IdempotencyStore,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store);
    let claim = Claim { retention: BRIEF, ..case.claiming(case.a) };
    assert_eq!(case.ask(claim).await, owned(1));
    elapse(past(BRIEF)).await;
    assert_eq!(case.renew(case.a, LONG).await, Held::Lost, "an expired record is nobody's");
    case.is_gone().await;
}
