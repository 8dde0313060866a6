use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::case::{Case, answered, is_there, names};
use super::{LONG, Store};
use crate::store::{Claim, LeaseToken};

/// Of many who claim at once, each gets other records, and together they get all.
pub async fn many_claims_share_the_work(store: &Store) {
    let case = Case::new(store);
    for message in 0..60 {
        case.enqueue(message % 3, &format!("m{message}")).await;
    }
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claim = Claim::new(LeaseToken::random(), 3, LONG, 1_000);
                let leased = answered(store.claim(claim).await).leased;
                if leased.is_empty() {
                    return mine;
                }
                mine.extend(names(&leased));
            }
        });
    }
    let claimed: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let distinct: HashSet<_> = claimed.iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (60, 60), "each is claimed once");
    case.end().await;
}

/// Of many who enqueue one message at once, one makes the record.
pub async fn many_enqueues_make_one_record(store: &Store) {
    let case = Case::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (store, enqueue) = (Arc::clone(store), case.new_message(0, "m"));
        tasks.spawn(async move { answered(store.enqueue(enqueue).await) });
    }
    assert!(tasks.join_all().await.into_iter().all(is_there));
    assert_eq!(case.claim_names().await, ["m"]);
    case.end().await;
}
