use std::time::Duration;

use stonework_core::{Clock, SystemClock};

use super::case::{Case, answered, is_done, names};
use super::{BRIEF, LONG, Store, past, times};
use crate::store::{
    Ack, Became, EndpointChange, EndpointEffect, EndpointState, Enqueued, Health, LeaseToken,
    Settled,
};
use crate::{Breaker, DisableReason, Patience};

/// Bears everything.
const fn endless() -> Patience {
    Patience::new(Breaker::new(u32::MAX, LONG, LONG), None)
}

/// What a settled record means for its endpoint is felt once, however often it is said.
pub async fn an_effect_is_felt_once(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    for failures in 1..=3 {
        let leased = case.claim_one(LONG).await;
        let failed = EndpointEffect::Failed { patience: endless(), pause: None };
        assert!(is_done(case.retry_with(&leased.lease, failed).await));
        assert!(is_done(case.retry_with(&leased.lease, failed).await), "the same again");
        let state = answered(case.store.endpoint(case.endpoints[0].clone()).await);
        assert_eq!((state.health.failures, state.health.refusals), (failures, failures));
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
    for message in ["l", "m", "n"] {
        case.enqueue(0, message).await;
    }
    let reasons = [DisableReason::Gone, DisableReason::Asked];
    let told = [Some(DisableReason::Gone), None];
    for ((leased, reason), disabled) in case.claim(2).await.into_iter().zip(reasons).zip(told) {
        let effect = EndpointEffect::Disabled(reason);
        let settled = case.store.ack(Ack { effect, ..Ack::new(leased.lease, LONG) }).await;
        let became = Became { disabled, ..Became::default() };
        assert_eq!(answered(settled), Settled::Done(became), "it is told of once");
    }
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
    for pause in times() {
        let (case, began) = (Case::new(store), SystemClock::new());
        for message in ["m", "n"] {
            case.enqueue(0, message).await;
        }
        case.enqueue(1, "o").await;
        case.change(&case.endpoints[1], EndpointChange::Pause(pause)).await;
        let leased = case.claim(1).await.remove(0);
        let throttled = EndpointEffect::Throttled { patience: endless(), pause };
        assert!(is_done(case.retry_with(&leased.lease, throttled).await));
        case.change(&case.endpoints[0], EndpointChange::Pause(Duration::ZERO)).await;
        let due = case.claim_names().await;
        let EndpointState { paused_for, health, .. } =
            answered(case.store.endpoint(case.endpoints[0].clone()).await);
        if began.monotonic() < pause {
            assert_eq!(due, [""; 0], "both are paused");
            assert!(paused_for.is_some_and(|left| left <= pause));
            assert_eq!((health.failures, health.refusals), (0, 1), "this is no failure");
            elapse(past(pause)).await;
            let mut names = case.claim_names().await;
            names.sort();
            assert_eq!(names, ["m", "n", "o"]);
            return case.end().await;
        }
        case.end().await;
    }
}

/// After a failure with a pause, one record at a time is claimed, until one is delivered.
pub async fn a_failing_endpoint_is_tried_by_one(store: &Store, elapse: &impl AsyncFn(Duration)) {
    for pause in times() {
        let (case, began) = (Case::new(store), SystemClock::new());
        for message in ["m", "n", "o"] {
            case.enqueue(0, message).await;
        }
        let leased = case.claim(1).await.remove(0);
        let failed = EndpointEffect::Failed { patience: endless(), pause: Some(pause) };
        assert!(is_done(case.retry_with(&leased.lease, failed).await));
        let due = case.claim_names().await;
        if began.monotonic() < pause {
            assert_eq!(due, [""; 0]);
            elapse(past(pause)).await;
            let probe = case.claim_one(LONG).await;
            let state = answered(case.store.endpoint(case.endpoints[0].clone()).await);
            assert!(state.health.is_probing && state.health.failing_for >= pause);
            assert_eq!(case.claim_names().await, [""; 0], "one at a time");
            let recovered = Settled::Done(Became { recovered: true, ..Became::default() });
            for _ in 0..2 {
                assert_eq!(case.ack(&probe.lease).await, recovered, "and again the same");
            }
            assert_eq!(case.claim(100).await.len(), 2, "it is back");
            return case.end().await;
        }
        case.end().await;
    }
}

/// What follows from a settled record is judged as the endpoint is then, however many were begun before: by
/// [`EndpointState::felt`], each upon what the one before it left.
pub async fn an_endpoint_is_judged_when_a_record_is_settled(store: &Store) {
    let case = Case::new(store);
    for message in 0..8 {
        case.enqueue(0, &format!("m{message}")).await;
    }
    let leased = case.claim(100).await;
    let state = async || answered(case.store.endpoint(case.endpoints[0].clone()).await);
    let patience = Patience::new(Breaker::new(3, LONG, LONG * 4), None);
    let failed = EndpointEffect::Failed { patience, pause: None };
    let [one, two, success, three, four, five, six, last] = &leased[..] else { panic!("eight") };
    for leased in [one, two] {
        assert!(is_done(case.retry_with(&leased.lease, failed).await));
    }
    assert!(is_done(case.ack(&success.lease).await));
    for leased in [three, four] {
        assert!(is_done(case.retry_with(&leased.lease, failed).await));
        assert_eq!(state().await.paused_for, None, "it has just recovered");
    }
    assert!(is_done(case.retry_with(&five.lease, failed).await));
    let rests = state().await;
    assert!(rests.health.is_probing && rests.paused_for.is_some_and(|left| left <= LONG));
    // This one was begun before the rest, and makes it no longer.
    assert!(is_done(case.retry_with(&six.lease, failed).await));
    let rests = state().await;
    assert!(rests.paused_for.is_some_and(|left| left <= LONG));
    assert_eq!((rests.health.failures, rests.health.refusals), (3, 4));
    let recovered = Became { recovered: true, ..Became::default() };
    assert_eq!(case.ack(&last.lease).await, Settled::Done(recovered));
    let EndpointState { paused_for, health, .. } = state().await;
    assert_eq!((paused_for, health), (None, Health::new()));
    case.end().await;
}

/// The failure that follows a rest makes one that is twice as long.
pub async fn a_rest_doubles(store: &Store, elapse: &impl AsyncFn(Duration)) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    let fail = async |breaker| {
        let leased = case.claim_one(LONG).await;
        let patience = Patience::new(breaker, None);
        let failed = EndpointEffect::Failed { patience, pause: None };
        assert!(is_done(case.retry_with(&leased.lease, failed).await));
    };
    fail(Breaker::new(1, BRIEF, BRIEF)).await;
    elapse(past(BRIEF)).await;
    fail(Breaker::new(1, LONG, LONG * 9)).await;
    let state = answered(case.store.endpoint(case.endpoints[0].clone()).await);
    let left = state.paused_for.expect("it rests");
    assert!(left <= LONG * 2 && left > LONG, "{left:?}");
    case.end().await;
}

/// An endpoint that takes nothing for long is disabled, whether it fails or says that it has too much to do, and whoever
/// settles what disables it is told, however often that is said. A pause counts for nothing.
pub async fn who_takes_nothing_for_long_is_disabled(
    store: &Store,
    elapse: &impl AsyncFn(Duration),
) {
    let breaker = Breaker::new(u32::MAX, LONG, LONG);
    let patience =
        |often, long| Patience { disable_refusals: often, ..Patience::new(breaker, long) };
    let failed = |patience| EndpointEffect::Failed { patience, pause: None };
    let throttled = |patience| EndpointEffect::Throttled { patience, pause: Duration::ZERO };
    let effects: [&dyn Fn(Patience) -> EndpointEffect; 2] = [&throttled, &failed];
    for effect in effects {
        let case = Case::new(store);
        case.enqueue(0, "m").await;
        // Often and not long, long and not often, and both.
        let patiences =
            [patience(1, Some(LONG)), patience(3, Some(BRIEF)), patience(3, Some(BRIEF))];
        for (at, patience) in patiences.into_iter().enumerate() {
            let leased = case.claim_one(LONG).await;
            let paused = EndpointEffect::Paused { pause: Duration::ZERO };
            assert!(is_done(case.retry_with(&leased.lease, paused).await));
            let leased = case.claim_one(LONG).await;
            let disabled = (at == 2).then_some(DisableReason::Failing);
            let became = Settled::Done(Became { disabled, ..Became::default() });
            for _ in 0..2 {
                assert_eq!(case.retry_with(&leased.lease, effect(patience)).await, became, "{at}");
            }
            if at == 0 {
                elapse(past(BRIEF)).await;
            }
        }
        let state = answered(case.store.endpoint(case.endpoints[0].clone()).await);
        assert_eq!(state.disabled, Some(DisableReason::Failing));
        assert_eq!(case.claim_names().await, [""; 0]);
        case.end().await;
    }
}
