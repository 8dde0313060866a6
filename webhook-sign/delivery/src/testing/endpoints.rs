use std::time::Duration;

use super::case::{Case, answered, is_done, names};
use super::{BRIEF, LONG, Store, past};
use crate::DisableReason;
use crate::store::{Ack, EndpointChange, EndpointEffect, Enqueued, Health, LeaseToken};

/// What a settled record means for its endpoint is felt once, however often it is said.
pub async fn an_effect_is_felt_once(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    for failures in 1..=3 {
        let leased = case.claim_one(LONG).await;
        assert_eq!(leased.health.failures, failures - 1, "told with the next claim");
        let failed = EndpointEffect::Failed { pause: None };
        assert!(is_done(case.retry_with(&leased.lease, failed).await));
        assert!(is_done(case.retry_with(&leased.lease, failed).await), "the same again");
        let state = answered(case.store.endpoint(case.endpoints[0].clone()).await);
        assert_eq!(state.health.failures, failures);
        assert_eq!((state.sending, state.health.is_probing), (0, false));
    }
    let leased = case.claim_one(LONG).await;
    assert!(is_done(case.ack(&leased.lease).await));
    let state = answered(case.store.endpoint(case.endpoints[0].clone()).await);
    assert_eq!(state.health, Health::new(), "a success ends what has failed");
    case.end().await;
}

/// No more records of an endpoint are leased than a claim allows, and the others do not wait for it.
pub async fn an_endpoint_has_so_many_at_a_time(store: &Store) {
    let case = Case::new(store);
    for message in 0..5 {
        case.enqueue(0, &format!("a{message}")).await;
    }
    case.enqueue(1, "b").await;
    let claim = async || case.claim_for(LeaseToken::random(), 100, LONG, 2).await;
    let mut leased = claim().await;
    assert_eq!(names(&leased).len(), 3, "two of one, and the other's: {:?}", names(&leased));
    assert_eq!(names(&claim().await), [""; 0]);
    case.enqueue(0, "a5").await;
    case.enqueue(2, "c").await;
    assert_eq!(names(&claim().await), ["c"], "the third is not held up");
    leased.retain(|leased| *leased.lease.id.endpoint() == case.endpoints[0]);
    assert!(is_done(case.ack(&leased[0].lease).await));
    assert_eq!(claim().await.len(), 1, "one is done, and one begins");
    case.end().await;
}

/// A claim goes round between the endpoints that have something due, however much one of them has.
pub async fn claims_go_round(store: &Store) {
    let case = Case::new(store);
    for message in 0..20 {
        case.enqueue(0, &format!("a{message}")).await;
    }
    for endpoint in [1, 2] {
        for message in 0..2 {
            case.enqueue(endpoint, &format!("{endpoint}{message}")).await;
        }
    }
    let mut leased = Vec::new();
    for _ in 0..3 {
        leased.extend(case.claim(2).await);
    }
    for endpoint in &case.endpoints {
        let of = leased.iter().filter(|leased| leased.lease.id.endpoint() == endpoint).count();
        assert_eq!(of, 2, "two for each of three: {:?}", names(&leased));
    }
    assert_eq!(case.claim(100).await.len(), 18);
    case.end().await;
}

/// Of a disabled endpoint nothing is claimed and nothing is taken, until it is enabled.
pub async fn a_disabled_endpoint_rests(store: &Store) {
    let case = Case::new(store);
    let endpoint = &case.endpoints[0];
    case.enqueue(0, "m").await;
    case.enqueue(0, "n").await;
    let leased = case.claim(1).await.remove(0);
    let gone = EndpointEffect::Disabled(DisableReason::Gone);
    assert!(is_done(answered(
        case.store.ack(Ack { effect: gone, ..Ack::new(leased.lease, LONG) }).await
    )));
    case.change(endpoint, EndpointChange::Disable(DisableReason::Manual)).await;
    let state = answered(case.store.endpoint(endpoint.clone()).await);
    assert_eq!(state.disabled, Some(DisableReason::Gone), "the first reason stays");
    assert_eq!(case.claim_names().await, [""; 0]);
    let refused = case.enqueue_as(case.new_message(0, "o")).await;
    assert_eq!(refused, Enqueued::Disabled);
    case.change(endpoint, EndpointChange::Enable).await;
    assert_eq!(case.claim_names().await, ["n"], "what was queued has stayed");
    case.end().await;
}

/// Of a paused endpoint nothing is claimed until the pause is over; the longest pause counts.
pub async fn a_paused_endpoint_is_passed_by(store: &Store, elapse: &impl AsyncFn(Duration)) {
    let case = Case::new(store);
    for message in ["m", "n"] {
        case.enqueue(0, message).await;
    }
    case.enqueue(1, "o").await;
    case.change(&case.endpoints[1], EndpointChange::Pause(BRIEF)).await;
    let leased = case.claim(1).await.remove(0);
    let throttled = EndpointEffect::Throttled { pause: BRIEF };
    assert!(is_done(case.retry_with(&leased.lease, throttled).await));
    case.change(&case.endpoints[0], EndpointChange::Pause(Duration::ZERO)).await;
    assert_eq!(case.claim_names().await, [""; 0], "both are paused");
    let state = answered(case.store.endpoint(case.endpoints[0].clone()).await);
    assert!(state.paused_for.is_some_and(|left| left <= BRIEF));
    assert_eq!(state.health, Health::new(), "this is no failure");
    elapse(past(BRIEF)).await;
    let mut names = case.claim_names().await;
    names.sort();
    assert_eq!(names, ["m", "n", "o"]);
    case.end().await;
}

/// After a failure with a pause, one record at a time is claimed, until one is delivered.
pub async fn a_failing_endpoint_is_tried_by_one(store: &Store, elapse: &impl AsyncFn(Duration)) {
    let case = Case::new(store);
    for message in ["m", "n", "o"] {
        case.enqueue(0, message).await;
    }
    let leased = case.claim(1).await.remove(0);
    let failed = EndpointEffect::Failed { pause: Some(BRIEF) };
    assert!(is_done(case.retry_with(&leased.lease, failed).await));
    assert_eq!(case.claim_names().await, [""; 0]);
    elapse(past(BRIEF)).await;
    let probe = case.claim_one(LONG).await;
    assert!(probe.health.is_probing && probe.health.failing_for >= BRIEF);
    assert_eq!(case.claim_names().await, [""; 0], "one at a time");
    assert!(is_done(case.ack(&probe.lease).await));
    assert_eq!(case.claim(100).await.len(), 2, "it is back");
    case.end().await;
}
