use std::time::Duration;

use stonework_core::{Clock, SystemClock};

use super::case::{Case, answered, is_done, names};
use super::{BRIEF, LONG, Store, past};
use crate::store::{Extend, Held, LeaseToken, Leased, Settled};

/// What is leased is not claimed by another.
pub async fn what_is_leased_is_nobody_elses(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    case.claim_one(LONG).await;
    assert_eq!(case.claim_names().await, [""; 0]);
    case.end().await;
}

/// A claim that is sent again is answered with what it claimed, and with nothing else.
pub async fn a_token_claims_the_same_again(store: &Store) {
    let case = Case::new(store);
    for message in ["m", "n", "o"] {
        case.enqueue(0, message).await;
    }
    let token = LeaseToken::random();
    let first = names(&case.claim_for(token, 2, LONG, 1_000).await);
    assert_eq!(first.len(), 2);
    for _ in 0..2 {
        let again = case.claim_for(token, 2, LONG, 1_000).await;
        assert_eq!(names(&again), first, "a claim again is the same claim");
        assert!(again.iter().all(|leased| leased.tries == 1), "and no attempt more");
    }
    assert_eq!(case.claim_names().await.len(), 1, "the third is another's");
    case.end().await;
}

/// The one message that is due, and how long it is leased. A claim that is sent again is to come within that.
async fn leased(store: &Store) -> (Case<'_>, Leased, Duration) {
    let mut lease = BRIEF;
    loop {
        let (case, began) = (Case::new(store), SystemClock::new());
        case.enqueue(0, "m").await;
        let mut leased = case.claim_for(LeaseToken::random(), 100, lease, 1_000).await;
        if began.monotonic() < lease {
            assert_eq!(names(&leased), ["m"]);
            return (case, leased.remove(0), lease);
        }
        case.end().await;
        lease *= 2;
    }
}

/// When a lease has run out, the message is another's, and its first holder can settle nothing.
pub async fn a_lease_runs_out(store: &Store, elapse: &impl AsyncFn(Duration)) {
    let (case, first, lease) = leased(store).await;
    elapse(past(lease)).await;
    let second = case.claim_one(LONG).await;
    assert_eq!((second.tries, second.lost), (2, 1), "the attempt of whoever died counts");
    assert_eq!(case.ack(&first.lease).await, Settled::Lost);
    assert_eq!(case.retry(&first.lease, Duration::ZERO).await, Settled::Lost);
    assert_eq!(case.dead(&first.lease).await, Settled::Lost);
    let extend = case.store.extend(Extend::new(first.lease.clone(), LONG)).await;
    assert_eq!(answered(extend), Held::Lost);
    assert!(is_done(case.ack(&second.lease).await));
    assert_eq!(case.ack(&first.lease).await, Settled::Lost, "it was not this one that delivered");
    case.end().await;
}

/// A lease that has run out still settles what nobody else has claimed: it was delivered.
pub async fn a_late_ack_counts_if_nobody_came(store: &Store, elapse: &impl AsyncFn(Duration)) {
    let (case, late, lease) = leased(store).await;
    elapse(past(lease)).await;
    // An operation that may notice that the lease has run out.
    case.enqueue(1, "n").await;
    assert!(is_done(case.ack(&late.lease).await));
    assert_eq!(case.claim_names().await, ["n"], "it is not sent again");
    case.end().await;
}

/// An attempt whose lease had run out was not lost, if it is heard of before somebody else has come.
pub async fn a_late_retry_is_not_lost(store: &Store, elapse: &impl AsyncFn(Duration)) {
    let (case, late, lease) = leased(store).await;
    elapse(past(lease)).await;
    case.enqueue(1, "n").await;
    assert!(is_done(case.retry(&late.lease, Duration::ZERO).await));
    let mut leased = case.claim(100).await;
    leased.retain(|leased| leased.lease.id == late.lease.id);
    assert_eq!((leased[0].tries, leased[0].lost), (2, 0));
    case.end().await;
}

/// A lease that has run out can be extended while nobody else has claimed the message.
pub async fn a_late_extension_counts_if_nobody_came(
    store: &Store,
    elapse: &impl AsyncFn(Duration),
) {
    let (case, late, lease) = leased(store).await;
    elapse(past(lease)).await;
    case.enqueue(1, "n").await;
    let extend = case.store.extend(Extend::new(late.lease.clone(), LONG)).await;
    assert_eq!(answered(extend), Held::Held);
    assert_eq!(case.claim_names().await, ["n"], "it is leased again");
    assert!(is_done(case.retry(&late.lease, Duration::ZERO).await));
    let again = case.claim_one(LONG).await;
    assert_eq!((again.tries, again.lost), (2, 0), "it was not lost");
    assert!(is_done(case.ack(&again.lease).await));
    let state = answered(case.store.endpoint(case.endpoints[0].clone()).await);
    assert_eq!(state.sending, 0, "what is leased again is counted once");
    case.end().await;
}

/// An extended lease ends when the extension says.
pub async fn an_extended_lease_does_not_run_out(store: &Store, elapse: &impl AsyncFn(Duration)) {
    let (case, leased, lease) = leased(store).await;
    let extend = case.store.extend(Extend::new(leased.lease.clone(), LONG)).await;
    assert_eq!(answered(extend), Held::Held);
    elapse(past(lease)).await;
    assert_eq!(case.claim_names().await, [""; 0], "it is being sent");
    let shorter = case.store.extend(Extend::new(leased.lease.clone(), lease)).await;
    assert_eq!(answered(shorter), Held::Held);
    elapse(past(lease)).await;
    assert_eq!(case.claim_names().await, ["m"], "the last extension counts");
    case.end().await;
}
