//! Which answer is recorded, and how long it stays.

use std::time::Duration;

use bytes::Bytes;

use super::{BRIEF, Case, LONG, PRINT, answer, completed, owned, past};
use crate::store::{Answer, Claim, Claimed, Complete, Completed, IdempotencyStore, Record, State};

/// The answer is told to everyone who claims, also to who gave it.
pub async fn an_answer_is_told_to_all(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    assert_eq!(case.complete(case.a, "answer").await, Completed::Stored);
    for token in [case.a, case.b, case.c, case.b] {
        let told = case.claim(token).await;
        assert_eq!(told, Claimed::Taken(completed(case.a, 1, "answer")));
    }
}

async fn comes_back(store: &dyn IdempotencyStore, answer: Answer) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    let complete = case.completing(case.a, answer.clone());
    assert_eq!(case.ask_to_complete(complete).await, Completed::Stored);
    let State::Completed(kept) = case.record().await.state else {
        panic!("a completed record is completed");
    };
    // Not by `assert_eq`, which would print a mebibyte.
    assert!(kept.head == answer.head, "the head comes back as it was");
    let len = |body: &Option<Bytes>| body.as_ref().map(Bytes::len);
    assert_eq!(len(&kept.body), len(&answer.body), "the length of the body");
    assert!(kept.body == answer.body, "the body comes back as it was");
}

/// "No body was kept" and "the body is empty" are told apart; so is an empty head.
pub async fn no_body_is_not_an_empty_body(store: &dyn IdempotencyStore) {
    comes_back(store, Answer::new(Bytes::from_static(b"head"), None)).await;
    comes_back(store, Answer::new(Bytes::from_static(b"head"), Some(Bytes::new()))).await;
    comes_back(store, Answer::new(Bytes::new(), None)).await;
    comes_back(store, Answer::new(Bytes::new(), Some(Bytes::from_static(b"body")))).await;
}

/// A head of 16 KiB and a body of 1 MiB come back byte by byte, whatever the bytes.
pub async fn a_large_answer_comes_back_whole(store: &dyn IdempotencyStore) {
    let bytes = |len: usize| -> Bytes { (0..=u8::MAX).cycle().take(len).collect() };
    comes_back(store, Answer::new(bytes(16 * 1024), Some(bytes(1024 * 1024)))).await;
    comes_back(store, Answer::new(bytes(256), Some(bytes(255)))).await;
}

/// A second completion by the same owner is stored, and the first answer stays.
pub async fn the_first_answer_stays(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    assert_eq!(case.complete(case.a, "first").await, Completed::Stored);
    assert_eq!(case.complete(case.a, "second").await, Completed::Stored);
    assert_eq!(case.record().await, completed(case.a, 1, "first"));
}

/// A late completion counts, if nobody took the record over.
pub async fn a_lapsed_owner_may_complete(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    assert_eq!(case.complete(case.a, "late").await, Completed::Stored);
    assert_eq!(case.record().await, completed(case.a, 1, "late"));
}

/// A completion by somebody else is told the record, and changes nothing.
pub async fn a_stranger_completes_nothing(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    assert_eq!(case.claim(case.a).await, owned(1));
    let Completed::Lost(Record { token, state, .. }) = case.complete(case.b, "no").await else {
        panic!("a stranger has lost");
    };
    assert_eq!(token, case.a);
    assert!(matches!(state, State::Pending { .. }), "the record is still pending: {state:?}");
    assert_eq!(case.complete(case.a, "yes").await, Completed::Stored);
    let lost = Completed::Lost(completed(case.a, 1, "yes"));
    assert_eq!(case.complete(case.b, "no").await, lost);
    assert_eq!(case.record().await, completed(case.a, 1, "yes"));
}

/// A completion by an owner that was replaced is told the record of the winner.
pub async fn a_replaced_owner_is_told_the_winner(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    case.abandon(case.a).await;
    assert_eq!(case.take_over(case.a, case.b).await, owned(2));
    let Completed::Lost(record) = case.complete(case.a, "ghost").await else {
        panic!("a replaced owner has lost");
    };
    assert_eq!((record.token, record.attempt), (case.b, 2));
    let complete = Complete { attempt: 2, ..case.completing(case.b, answer("winner")) };
    assert_eq!(case.ask_to_complete(complete).await, Completed::Stored);
    let lost = Completed::Lost(completed(case.b, 2, "winner"));
    assert_eq!(case.complete(case.a, "ghost").await, lost);
}

/// Where the record was lost, the answer is kept all the same.
pub async fn an_absent_record_is_completed(store: &dyn IdempotencyStore) {
    let case = Case::new(store);
    let complete = Complete { attempt: 3, ..case.completing(case.a, answer("found")) };
    assert_eq!(case.ask_to_complete(complete).await, Completed::Stored);
    assert_eq!(case.record().await, completed(case.a, 3, "found"));
    assert_eq!(case.record().await.fingerprint, PRINT);
}

/// The retention of an answer counts from the completion.
pub async fn a_completion_starts_the_retention_anew(
    store: &dyn IdempotencyStore,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store);
    let claim = Claim { retention: BRIEF, ..case.claiming(case.a) };
    assert_eq!(case.ask(claim).await, owned(1));
    assert_eq!(case.complete(case.a, "kept").await, Completed::Stored);
    elapse(past(BRIEF)).await;
    assert_eq!(case.record().await, completed(case.a, 1, "kept"));
}

/// An answer is gone when its retention has passed, and the key is fresh.
pub async fn a_completed_record_expires(
    store: &dyn IdempotencyStore,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store);
    let claim = Claim { retention: LONG, ..case.claiming(case.a) };
    assert_eq!(case.ask(claim).await, owned(1));
    let complete = Complete { retention: BRIEF, ..case.completing(case.a, answer("brief")) };
    assert_eq!(case.ask_to_complete(complete).await, Completed::Stored);
    elapse(past(BRIEF)).await;
    case.is_gone().await;
}
