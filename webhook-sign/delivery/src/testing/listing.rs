use std::time::Duration;

use super::case::{Case, answered, is_done};
use super::{LONG, Store};
use crate::store::{Ack, Dead, List, Retry, State, StateKind};
use crate::{Attempt, DeadReason, Fault, MAX_ATTEMPTS};

/// A list tells where each record is, and the attempts that were made.
pub async fn lists_tell_states_and_attempts(store: &Store) {
    let case = Case::new(store);
    let began = Attempt::new(Duration::from_millis(1_790_000_000_001));
    let attempt = Some(began.took(Duration::from_millis(70)));
    for message in ["acked", "dead", "retried", "sending"] {
        case.enqueue(0, message).await;
        let lease = case.claim_one(LONG).await.lease;
        let settled = match message {
            "acked" => case.store.ack(Ack { attempt, ..Ack::new(lease, LONG) }).await,
            "dead" => {
                let dead = Dead::new(lease, DeadReason::Aborted, LONG);
                case.store.dead(Dead { attempt, ..dead }).await
            }
            "retried" => {
                let attempt = Some(began.failed(Fault::Timeout));
                case.store.retry(Retry { attempt, ..Retry::new(lease, LONG) }).await
            }
            _ => continue,
        };
        assert!(is_done(answered(settled)));
    }
    let mut entries = case.list(0).await;
    entries.sort_by(|a, b| a.id.message().as_str().cmp(b.id.message().as_str()));
    let states: Vec<_> = entries.iter().map(|entry| entry.state.kind()).collect();
    let kinds = [StateKind::Delivered, StateKind::Dead, StateKind::Queued, StateKind::Sending];
    assert_eq!(states, kinds);
    assert_eq!(entries[1].state, State::Dead(DeadReason::Aborted));
    let State::Queued { due_in } = entries[2].state else { panic!("it is queued") };
    assert!(due_in <= LONG && due_in > LONG / 2, "due in {due_in:?}");
    assert_eq!(entries[0].attempts, [began.took(Duration::from_millis(70))]);
    assert_eq!(entries[2].attempts, [began.failed(Fault::Timeout)]);
    assert_eq!(entries[3].attempts, [], "an attempt is told when it has ended");
    assert!(entries.iter().all(|entry| entry.tries == 1));
    let dead = List::new(10).of(case.endpoints[0].clone()).in_state(StateKind::Dead);
    let dead = answered(case.store.list(dead).await).entries;
    assert_eq!(dead.len(), 1, "of one state only");
    case.end().await;
}

/// Pages follow each other, and each record is on one of them.
pub async fn pages_follow_each_other(store: &Store) {
    let case = Case::new(store);
    for endpoint in 0..3 {
        for message in 0..5 {
            case.enqueue(endpoint, &format!("m{message}")).await;
        }
    }
    for filter in [Some(1), None] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let mut list = List::new(2).after(after);
            list.endpoint = filter.map(|at: usize| case.endpoints[at].clone());
            let page = answered(case.store.list(list).await);
            assert!(page.entries.len() <= 2);
            found.extend(page.entries.into_iter().map(|entry| entry.id));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        found.retain(|id| case.endpoints.contains(id.endpoint()));
        let distinct: std::collections::HashSet<_> = found.iter().collect();
        let expected = if filter.is_some() { 5 } else { 15 };
        assert_eq!((found.len(), distinct.len()), (expected, expected));
    }
    case.end().await;
}

/// A place in the list of one endpoint leads to nothing of another's.
pub async fn a_cursor_leads_to_no_other_endpoint(store: &Store) {
    let case = Case::new(store);
    for endpoint in 0..3 {
        for message in ["m", "n"] {
            case.enqueue(endpoint, message).await;
        }
    }
    for [from, of] in [[0, 1], [1, 0], [2, 1]] {
        let page = case.store.list(List::new(1).of(case.endpoints[from].clone())).await;
        let cursor = answered(page).next.expect("there is another page");
        let list = List::new(10).of(case.endpoints[of].clone()).after(cursor);
        for entry in answered(case.store.list(list).await).entries {
            assert_eq!(*entry.id.endpoint(), case.endpoints[of], "whoever made the cursor up");
        }
    }
    case.end().await;
}

/// Of many attempts the newest are kept.
pub async fn the_newest_attempts_are_kept(store: &Store) {
    let case = Case::new(store);
    case.enqueue(0, "m").await;
    let at = |at: usize| Attempt::new(Duration::from_millis(at as u64)).answered(500);
    let attempts = MAX_ATTEMPTS + 3;
    for attempt in 1..=attempts {
        let lease = case.claim_one(LONG).await.lease;
        let retry = Retry { attempt: Some(at(attempt)), ..Retry::new(lease, Duration::ZERO) };
        assert!(is_done(answered(case.store.retry(retry).await)));
    }
    let entries = case.list(0).await;
    assert_eq!(entries[0].tries as usize, attempts);
    let newest: Vec<_> = (attempts - MAX_ATTEMPTS + 1..=attempts).map(at).collect();
    assert_eq!(entries[0].attempts, newest);
    case.end().await;
}
