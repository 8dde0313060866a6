use std::time::Duration;

use stonework_core::{Clock, SystemClock};

use super::case::{Case, answered, is_done, names};
use super::{BRIEF, LONG, Store, past, times};
use crate::store::{
    Ack, Counts, Enqueue, Enqueued, Lease, LeaseToken, Requeue, Requeued, Retry, Settled,
};

/// What is enqueued is claimed, as it was.
pub async fn what_is_enqueued_is_claimed(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    let leased = case.claim_one(LONG).await;
    assert_eq!(leased.lease.id, case.id(0, "m"));
    assert_eq!(leased.payload, case.new_message(0, "m").payload, "byte for byte");
    assert_eq!(leased.tries, 1, "this is the first attempt");
    case.end().await;
}

/// There is one record for each message and endpoint, whatever has become of it.
pub async fn a_message_is_kept_once_for_each_endpoint(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    case.enqueue(1, "m").await;
    let again = || case.enqueue_as(case.new_message(0, "m"));
    assert_eq!(again().await, Enqueued::Duplicate, "while it is queued");
    let leased = case.claim(100).await;
    assert_eq!(leased.len(), 2, "each endpoint has its own");
    assert_eq!(again().await, Enqueued::Duplicate, "while it is sent");
    let at = leased.iter().position(|leased| leased.lease.id == case.id(0, "m")).expect("leased");
    assert!(is_done(case.ack(&leased[at].lease).await));
    assert_eq!(again().await, Enqueued::Duplicate, "after it was delivered");
    assert!(is_done(case.dead(&leased[1 - at].lease).await));
    let dead = case.enqueue_as(case.new_message(1, "m")).await;
    assert_eq!(dead, Enqueued::Duplicate, "when it is a dead letter");
    assert_eq!(case.claim_names().await, [""; 0]);
    case.end().await;
}

/// A delivered message is not claimed again, and an acknowledgement again is the same one.
pub async fn a_delivered_message_is_not_claimed_again(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    let leased = case.claim_one(LONG).await;
    for _ in 0..3 {
        assert!(is_done(case.ack(&leased.lease).await), "an acknowledgement again is the same");
    }
    assert_eq!(case.retry(&leased.lease, Duration::ZERO).await, Settled::Lost, "it is over");
    assert_eq!(case.dead(&leased.lease).await, Settled::Lost, "it is over");
    assert_eq!(case.claim_names().await, [""; 0]);
    case.end().await;
}

/// A record that was leased and not tried has the same number of attempts as before.
pub async fn what_was_not_tried_does_not_count(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    for _ in 0..3 {
        let leased = case.claim_one(LONG).await;
        assert_eq!(leased.tries, 1, "no attempt was made");
        let untried = Retry::untried(leased.lease, Duration::ZERO);
        assert!(is_done(answered(case.store.retry(untried).await)));
    }
    case.end().await;
}

/// An attempt that was broken off is one more, and one that is lost.
pub async fn what_was_broken_off_is_lost(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    for lost in 0..3 {
        let leased = case.claim_one(LONG).await;
        assert_eq!((leased.tries, leased.lost), (lost + 1, lost));
        let retry = Retry { counts: Counts::Lost, ..Retry::new(leased.lease, Duration::ZERO) };
        for _ in 0..2 {
            assert!(is_done(answered(case.store.retry(retry.clone()).await)), "once");
        }
    }
    let leased = case.claim_one(LONG).await;
    assert!(is_done(case.retry(&leased.lease, Duration::ZERO).await));
    let leased = case.claim_one(LONG).await;
    assert_eq!((leased.tries, leased.lost), (5, 3), "one that failed is not lost");
    assert!(is_done(case.dead(&leased.lease).await));
    answered(case.store.requeue(Requeue::new(case.id(0, "m"))).await);
    let leased = case.claim_one(LONG).await;
    assert_eq!((leased.tries, leased.lost), (1, 0), "from the beginning");
    case.end().await;
}

/// A dead letter is queued again when somebody says so, with the schedule from its beginning.
pub async fn a_dead_letter_is_queued_again(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    let leased = case.claim_one(LONG).await;
    assert!(is_done(case.retry(&leased.lease, Duration::ZERO).await));
    let leased = case.claim_one(LONG).await;
    assert_eq!(leased.tries, 2);
    for _ in 0..2 {
        assert!(is_done(case.dead(&leased.lease).await), "given up again is the same");
    }
    assert_eq!(case.claim_names().await, [""; 0], "a dead letter is not sent");
    let requeue = case.store.requeue(Requeue::new(case.id(0, "m"))).await;
    assert_eq!(answered(requeue), Requeued::Queued);
    let leased = case.claim_one(LONG).await;
    assert_eq!(leased.tries, 1, "from the beginning");
    assert_eq!(leased.payload, case.new_message(0, "m").payload, "its body was kept");
    case.end().await;
}

/// What is not dead is left as it is.
pub async fn only_dead_letters_are_queued_again(store: &Store) {
    let case = Case::new(store);
    let requeue = async || answered(case.store.requeue(Requeue::new(case.id(0, "m"))).await);
    assert_eq!(requeue().await, Requeued::NotFound);
    case.enqueue(0, "m").await;
    assert_eq!(requeue().await, Requeued::Queued, "it was already");
    let leased = case.claim_one(LONG).await;
    assert_eq!(requeue().await, Requeued::Queued, "it is being sent");
    assert_eq!(case.claim_names().await, [""; 0], "and not twice");
    assert!(is_done(case.ack(&leased.lease).await));
    assert_eq!(requeue().await, Requeued::Delivered);
    case.end().await;
}

/// A token that claimed nothing settles nothing.
pub async fn a_stranger_settles_nothing(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    let leased = case.claim_one(LONG).await;
    let stranger = Lease::new(leased.lease.id.clone(), LeaseToken::random());
    let nobody = Lease::new(case.id(1, "m"), leased.lease.token);
    for lease in [&stranger, &nobody] {
        assert_eq!(case.ack(lease).await, Settled::Lost);
        assert_eq!(case.retry(lease, Duration::ZERO).await, Settled::Lost);
        assert_eq!(case.dead(lease).await, Settled::Lost);
    }
    assert_eq!(case.claim_names().await, [""; 0], "it is leased as before");
    assert!(is_done(case.ack(&leased.lease).await));
    case.end().await;
}

/// A message that is to be sent later is.
pub async fn nothing_is_due_before_its_time(store: &Store, elapse: &impl AsyncFn(Duration)) {
    for after in times() {
        let (case, began) = (Case::new(store), SystemClock::new());
        case.enqueue_as(Enqueue { after, ..case.new_message(0, "later") }).await;
        case.enqueue(0, "now").await;
        let due = case.claim_names().await;
        if began.monotonic() < after {
            assert_eq!(due, ["now"]);
            elapse(past(after)).await;
            assert_eq!(case.claim_names().await, ["later"]);
            return case.end().await;
        }
        case.end().await;
    }
}

/// A message that has failed is due again in the time that was said, and counts its attempts.
pub async fn a_retry_is_due_in_its_time(store: &Store, elapse: &impl AsyncFn(Duration)) {
    for after in times() {
        let (case, began) = (Case::new(store), SystemClock::new());
        case.enqueue(0, "m").await;
        let leased = case.claim_one(LONG).await;
        for _ in 0..2 {
            assert!(is_done(case.retry(&leased.lease, after).await), "a retry again is the same");
        }
        assert_eq!(case.ack(&leased.lease).await, Settled::Lost, "it said otherwise before");
        let due = case.claim_names().await;
        if began.monotonic() < after {
            assert_eq!(due, [""; 0], "not yet");
            elapse(past(after)).await;
            let again = case.claim_one(LONG).await;
            let name = names(std::slice::from_ref(&again));
            assert_eq!((again.tries, name), (2, vec!["m".to_owned()]));
            let late = case.retry(&leased.lease, after).await;
            assert_eq!(late, Settled::Lost, "it is the next one's");
            return case.end().await;
        }
        case.end().await;
    }
}

/// A delivered message is known for as long as was said, and no longer.
pub async fn a_delivered_message_is_forgotten_in_its_time(
    store: &Store,
    elapse: &impl AsyncFn(Duration),
) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    let leased = case.claim_one(LONG).await;
    let ack = Ack::new(leased.lease, BRIEF);
    assert!(is_done(answered(case.store.ack(ack).await)));
    elapse(past(BRIEF)).await;
    case.enqueue(0, "m").await;
    assert_eq!(case.claim_names().await, ["m"], "it is a new one");
    case.end().await;
}
