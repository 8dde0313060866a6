//! One bucket, and what keeps buckets apart.

use super::case::{Case, ask, slow};
use crate::span::Span;
use crate::store::{Bucket, Demand, RateLimitStore};

/// A bucket that nobody has used owes nothing and gives its burst.
pub async fn a_fresh_bucket_is_full(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    assert_eq!(case.debt().await, Span::ZERO, "a fresh bucket owes nothing");
    assert!(case.is_granted(5).await, "a fresh bucket has its burst");
}

/// The burst is granted at once or one by one, and then nothing is.
pub async fn the_burst_is_granted_and_then_nothing(store: &dyn RateLimitStore) {
    Case::new(store, slow(5)).gives(5).await;
    let at_once = Case::new(store, slow(5));
    at_once.take(5).await;
    at_once.gives(0).await;
}

/// Each grant is told with the debt after it.
pub async fn each_token_is_charged(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(9));
    let mut taken = 0;
    for cost in [1, 3, 0, 4] {
        taken += cost;
        let (granted, level) = case.ask(cost).await;
        assert!(granted, "{taken} of 9 tokens are granted");
        super::case::assert_owed(level.debt, case.quota.time_of(taken));
    }
    case.gives(1).await;
}

/// A denial leaves the bucket as it was, however often it is repeated.
pub async fn a_denial_charges_nothing(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    case.take(3).await;
    for _ in 0..4 {
        let (granted, level) = case.ask(3).await;
        assert!(!granted, "there are not three tokens");
        super::case::assert_owed(level.debt, case.quota.time_of(3));
    }
    case.gives(2).await;
}

/// A cost of zero is granted from a full, an empty and an indebted bucket, and changes none.
pub async fn a_cost_of_zero_always_fits(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(2));
    assert_eq!(case.debt().await, Span::ZERO);
    case.take(2).await;
    case.owes(case.quota.time_of(2)).await;
    case.adjust(1, crate::store::AdjustId::random()).await;
    case.owes(case.quota.time_of(3)).await;
    case.owes(case.quota.time_of(3)).await;
}

/// More than the burst is denied even by a full bucket, which stays full.
pub async fn more_than_the_burst_never_fits(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(5));
    for cost in [6, 7, u32::MAX] {
        let (granted, level) = case.ask(cost).await;
        assert!(!granted, "{cost} tokens never fit into a bucket of five");
        assert_eq!(level.debt, Span::ZERO, "the bucket is still full");
    }
    case.gives(5).await;
}

/// Two policies have two buckets for one key.
pub async fn policies_are_apart(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(2));
    let other = Case { policy: "another", ..case };
    case.gives(2).await;
    other.gives(2).await;
}

/// Two keys have two buckets under one policy.
pub async fn keys_are_apart(store: &dyn RateLimitStore) {
    let case = Case::new(store, slow(2));
    let mut key = case.key;
    key[15] ^= 1;
    case.gives(2).await;
    Case { key, ..case }.gives(2).await;
}

/// What matters is where a policy's name ends and a key begins.
pub async fn names_do_not_run_together(store: &dyn RateLimitStore) {
    let unique = Case::new(store, slow(1)).key;
    let with = |text: &[u8]| [text, &unique].concat();
    let pairs: [(&str, &[u8]); 7] = [
        ("ab", b"c"),
        ("a", b"bc"),
        ("", b"abc"),
        ("abc", b""),
        ("a:", b"b"),
        ("a", b":b"),
        ("a\0", b"b"),
    ];
    for (policy, key) in pairs {
        takes_the_only_token(store, policy, &with(key)).await;
    }
}

async fn takes_the_only_token(store: &dyn RateLimitStore, policy: &str, key: &[u8]) {
    let demand = [Demand::new(Bucket::new(policy, key), slow(1), 1)];
    let named = || format!("policy {policy:?} and a key of {} bytes", key.len());
    assert!(ask(store, &demand).await.0, "the bucket of {} is its own", named());
    assert!(!ask(store, &demand).await.0, "the bucket of {} is kept", named());
}

/// Keys may be empty, long, or no text at all.
pub async fn keys_are_bytes_of_any_length(store: &dyn RateLimitStore) {
    let unique = Case::new(store, slow(1)).key;
    // The empty key has only its policy to be new by.
    let policy: String = unique.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut keys: Vec<Vec<u8>> = [0, 1, 37, 38, 39, 255, 256, 4_096, 65_536]
        .iter()
        .map(|&length| vec![b'k'; length])
        .collect();
    let mut last = vec![b'k'; 65_536];
    last[65_535] = b'l';
    keys.extend([last, vec![0], vec![0, 0], vec![0xff, 0xfe], b"\r\n {}*?:".to_vec()]);
    for key in keys {
        takes_the_only_token(store, &policy, &key).await;
    }
}
