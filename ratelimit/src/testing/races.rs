//! Many at once.

use std::sync::Arc;

use super::case::{Case, MANY, ask, many, slow};
use crate::store::{AdjustId, RateLimitStore};

type Store = Arc<dyn RateLimitStore>;

/// Fewer than there are who ask.
const BURST: u32 = 20;

fn granted(replies: &[bool]) -> usize {
    replies.iter().filter(|granted| **granted).count()
}

/// Of many who take one token each at once, as many are granted as there are tokens.
pub async fn of_many_acquires_the_burst_is_granted(store: &Store) {
    let key = Case::new(&**store, slow(BURST)).key;
    let replies = many(|_| {
        let store = Arc::clone(store);
        async move { Case { key, ..Case::new(&*store, slow(BURST)) }.is_granted(1).await }
    });
    assert_eq!(granted(&replies.await), BURST as usize, "exactly the burst is granted");
    Case { key, ..Case::new(&**store, slow(BURST)) }.gives(0).await;
}

/// Who asks for two buckets in opposite orders does not block, and each grant takes from both.
pub async fn opposite_orders_neither_block_nor_overcharge(store: &Store) {
    let (keys, granted) = in_opposite_orders(store).await;
    assert!(granted <= BURST, "{granted} are granted, and there were {BURST}");
    for key in keys {
        Case { key, ..Case::new(&**store, slow(BURST)) }.gives(BURST - granted).await;
    }
}

/// Who asks for two buckets in opposite orders is denied only if they are empty.
///
/// Not a part of [`store_conformance`](super::store_conformance): a store whose buckets are on
/// several servers takes from one after the other, and gives back what was in vain. Meanwhile others
/// may find too little.
pub async fn several_buckets_are_one_step(store: &Store) {
    let (_, granted) = in_opposite_orders(store).await;
    assert_eq!(granted, BURST, "exactly the burst is granted");
}

async fn in_opposite_orders(store: &Store) -> ([[u8; 16]; 2], u32) {
    let keys = [0; 2].map(|_| Case::new(&**store, slow(BURST)).key);
    let replies = many(|which| {
        let store = Arc::clone(store);
        async move {
            let cases = keys.map(|key| Case { key, ..Case::new(&*store, slow(BURST)) });
            let mut demands = [cases[0].demand(1), cases[1].demand(1)];
            demands.rotate_left(which % 2);
            ask(&*store, &demands).await.0
        }
    });
    (keys, granted(&replies.await) as u32)
}

/// Each of three buckets is charged what those were granted who named it.
pub async fn overlapping_demands_charge_what_they_were_granted(store: &Store) {
    let keys = [0; 3].map(|_| Case::new(&**store, slow(BURST)).key);
    let replies = many(|which| {
        let store = Arc::clone(store);
        async move {
            let cases = keys.map(|key| Case { key, ..Case::new(&*store, slow(BURST)) });
            let [one, other] = [which % 3, (which + 1) % 3];
            let demands = [cases[one].demand(2), cases[other].demand(1)];
            (one, ask(&*store, &demands).await.0)
        }
    });
    let mut left = [BURST; 3];
    for (one, _) in replies.await.into_iter().filter(|(_, granted)| *granted) {
        left[one] -= 2;
        left[(one + 1) % 3] -= 1;
    }
    for (key, left) in keys.into_iter().zip(left) {
        Case { key, ..Case::new(&**store, slow(BURST)) }.gives(left).await;
    }
}

/// One correction that is sent many times at once counts once.
pub async fn of_one_correction_sent_many_times_one_counts(store: &Store) {
    let (key, id) = (Case::new(&**store, slow(BURST)).key, AdjustId::random());
    let debts = many(|_| {
        let store = Arc::clone(store);
        async move { Case { key, ..Case::new(&*store, slow(BURST)) }.adjust(1, id).await }
    });
    assert_eq!(debts.await.len(), MANY, "all are answered");
    Case { key, ..Case::new(&**store, slow(BURST)) }.gives(BURST - 1).await;
}

/// Corrections that are different ones all count.
pub async fn many_corrections_all_count(store: &Store) {
    let quota = slow(BURST + MANY as u32);
    let key = Case::new(&**store, quota).key;
    let debts = many(|_| {
        let store = Arc::clone(store);
        async move { Case { key, ..Case::new(&*store, quota) }.adjust(1, AdjustId::random()).await }
    });
    assert_eq!(debts.await.len(), MANY, "all are answered");
    Case { key, ..Case::new(&**store, quota) }.gives(BURST).await;
}
