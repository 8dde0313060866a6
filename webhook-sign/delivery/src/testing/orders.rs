use std::time::Duration;

use super::case::{Case, answered, is_done};
use super::{LONG, Store};
use crate::store::{Requeue, State};

/// Messages of one order are sent one after the other, in the order in which they came; others do not wait for them.
pub async fn an_order_is_kept(store: &Store) {
    let case = Case::new(store);
    for message in ["z1", "y2", "x3"] {
        case.enqueue_in_order(0, message, "order").await;
    }
    case.enqueue_in_order(0, "other", "another").await;
    case.enqueue_in_order(1, "elsewhere", "order").await;
    let leased = case.claim(100).await;
    assert_eq!(leased.len(), 3, "the first of each order");
    let of = |name: &str| leased.iter().find(|leased| leased.lease.id.message().as_str() == name);
    let first = of("z1").expect("the first of the order");
    assert!(of("other").is_some() && of("elsewhere").is_some());
    assert!(is_done(case.retry(&first.lease, Duration::ZERO).await));
    let again = case.claim_one(LONG).await;
    assert_eq!(again.lease.id.message().as_str(), "z1", "one that fails is waited for");
    assert!(is_done(case.ack(&again.lease).await));
    for next in ["y2", "x3"] {
        let leased = case.claim_one(LONG).await;
        assert_eq!(leased.lease.id.message().as_str(), next);
        assert!(is_done(case.ack(&leased.lease).await));
    }
    // The order is free again.
    case.enqueue_in_order(0, "w4", "order").await;
    assert_eq!(case.claim_names().await, ["w4"]);
    case.end().await;
}

/// A message that is given up holds nobody up any more.
pub async fn a_dead_letter_lets_the_next_pass(store: &Store) {
    let case = Case::new(store);
    for message in ["m", "n"] {
        case.enqueue_in_order(0, message, "order").await;
    }
    let states: Vec<_> = case.list(0).await.iter().map(|entry| entry.state.kind()).collect();
    assert!(states.contains(&State::Waiting.kind()), "the second waits: {states:?}");
    let leased = case.claim_one(LONG).await;
    assert!(is_done(case.dead(&leased.lease).await));
    assert_eq!(case.claim_names().await, ["n"]);
    case.end().await;
}

/// A dead letter that is queued again is behind all that came meanwhile.
pub async fn a_requeued_one_is_the_last_of_its_order(store: &Store) {
    let case = Case::new(store);
    for message in ["m", "n", "o"] {
        case.enqueue_in_order(0, message, "order").await;
    }
    let leased = case.claim_one(LONG).await;
    assert!(is_done(case.dead(&leased.lease).await));
    answered(case.store.requeue(Requeue::new(case.id(0, "m"))).await);
    for next in ["n", "o", "m"] {
        let leased = case.claim_one(LONG).await;
        assert_eq!(leased.lease.id.message().as_str(), next);
        assert!(is_done(case.ack(&leased.lease).await));
    }
    case.end().await;
}
