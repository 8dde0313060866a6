//! The stores in memory: under the suites, and when they are full.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::sync::Arc;

use stonework_versioning::store::{
    Change, Changed, Lookup, MemoryStore, Pin, PinStore, Pinned, Seen, Unpinned, UsageStore, Users,
};
use stonework_versioning::testing::{pin_conformance, usage_conformance};
use stonework_versioning::{Key, Moment};

#[tokio::test]
async fn in_memory() {
    let store = MemoryStore::new();
    pin_conformance(store.clone()).await;
    usage_conformance(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory_on_many_threads_behind_a_pointer() {
    let store = MemoryStore::with_room_for(100);
    let pins: Arc<dyn PinStore> = Arc::new(store.clone());
    pin_conformance(pins).await;
    let usage: Arc<dyn UsageStore> = Arc::new(store);
    usage_conformance(usage).await;
}

async fn pin(store: &MemoryStore, account: &str, version: &str) -> Pinned {
    store.pin_if_absent(Pin::new(&Key::from(account), version)).await.unwrap()
}

async fn seen(store: &MemoryStore, account: &str, version: &str, at: u64) {
    store.seen(Seen::new(&Key::from(account), version, Moment::unix(at))).await.unwrap();
}

async fn users(store: &MemoryStore, version: &str) -> Vec<(String, u64)> {
    let users = store.users(Users::new(version, usize::MAX)).await.unwrap();
    let name = |key: &Key| String::from_utf8_lossy(key.as_bytes()).into_owned();
    users.iter().map(|user| (name(&user.account), user.last_seen.as_unix())).collect()
}

fn to(version: &str) -> Pinned {
    Pinned::To(version.to_owned())
}

fn known(users: &[(&str, u64)]) -> Vec<(String, u64)> {
    users.iter().map(|(account, at)| (account.to_string(), *at)).collect()
}

#[tokio::test]
async fn a_store_that_is_full_refuses_pins_and_keeps_those_that_it_has() {
    let store = MemoryStore::with_room_for(2);
    assert_eq!(pin(&store, "a", "v1").await, to("v1"));
    assert_eq!(pin(&store, "b", "v1").await, to("v1"));
    assert_eq!(pin(&store, "c", "v1").await, Pinned::Full);
    let (a, c) = (Key::from("a"), Key::from("c"));
    assert_eq!(store.get(Lookup::new(&c)).await.unwrap(), None, "nothing was changed");
    assert_eq!(pin(&store, "a", "v2").await, to("v1"), "it is pinned");
    let moved = store.compare_and_set(Change::new(&a, "v1", "v2")).await.unwrap();
    assert_eq!(moved, Changed::Yes, "that takes no more room");
    assert_eq!(store.unpin(Lookup::new(&a)).await.unwrap(), Unpinned::Yes);
    assert_eq!(pin(&store, "c", "v3").await, to("v3"), "there is room again");
    assert_eq!(pin(&store, "b", "v3").await, to("v1"), "it was never given up");
}

/// For how long a thread has the lock, so that another that takes it too is seen.
const LOOKS: usize = 8;

/// Threads that take a pin as a lock: whoever has it is the only one.
fn exclude(store: &MemoryStore, take: impl Fn(&str) -> bool + Sync, free: impl Fn(&str) + Sync) {
    let turns = |thread: &str| {
        for _ in 0..50_000 {
            while !take(thread) {
                std::thread::yield_now();
            }
            for _ in 0..LOOKS {
                let found = store.get(Lookup::new(&lock())).try_ready().unwrap().unwrap();
                assert_eq!(found.as_deref(), Some(thread), "somebody else has it");
            }
            free(thread);
        }
    };
    std::thread::scope(|scope| {
        let threads = ["a", "b", "c"].map(|thread| scope.spawn(move || turns(thread)));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

fn lock() -> Key {
    Key::from("lock")
}

#[test]
fn of_threads_that_pin_at_once_one_does() {
    let store = MemoryStore::new();
    let take = |thread: &str| {
        let pin = store.pin_if_absent(Pin::new(&lock(), thread));
        pin.try_ready().unwrap().unwrap() == to(thread)
    };
    let free = |_: &str| {
        let unpinned = store.unpin(Lookup::new(&lock())).try_ready().unwrap().unwrap();
        assert_eq!(unpinned, Unpinned::Yes);
    };
    exclude(&store, take, free);
}

#[test]
fn of_threads_that_move_at_once_one_does() {
    let store = MemoryStore::new();
    store.pin_if_absent(Pin::new(&lock(), "free")).try_ready().unwrap().unwrap();
    let change = |from: &str, to: &str| {
        let changed = store.compare_and_set(Change::new(&lock(), from, to));
        changed.try_ready().unwrap().unwrap() == Changed::Yes
    };
    exclude(&store, |thread| change("free", thread), |thread| assert!(change(thread, "free")));
}

#[tokio::test]
async fn there_is_room_for_as_many_as_the_documentation_says() {
    let store = MemoryStore::new();
    for n in 0..100_000_u64 {
        let pinned = store.pin_if_absent(Pin::new(&Key::from(n), "v1")).await.unwrap();
        assert_eq!(pinned, to("v1"));
        store.seen(Seen::new(&Key::from(n), "v1", Moment::unix(n + 1))).await.unwrap();
    }
    assert_eq!(users(&store, "v1").await.len(), 100_000);
    assert_eq!(pin(&store, "one more", "v1").await, Pinned::Full);
    seen(&store, "one more", "v1", u64::MAX).await;
    assert_eq!(users(&store, "v1").await.len(), 100_000);
}

#[tokio::test]
async fn a_store_without_room_pins_nobody() {
    assert_eq!(pin(&MemoryStore::with_room_for(0), "a", "v1").await, Pinned::Full);
}

#[tokio::test]
async fn the_names_of_accounts_are_short() {
    let store = MemoryStore::new();
    let (longest, longer) = ("l".repeat(256), "l".repeat(257));
    assert_eq!(pin(&store, &longer, "v1").await, Pinned::Full);
    assert_eq!(pin(&store, &longest, "v1").await, to("v1"));
    let longer_key = Key::from(&longer);
    assert_eq!(store.get(Lookup::new(&longer_key)).await.unwrap(), None);
    let moved = store.compare_and_set(Change::new(&longer_key, "v1", "v2")).await.unwrap();
    assert_eq!(moved, Changed::NotPinned);
    assert_eq!(store.unpin(Lookup::new(&longer_key)).await.unwrap(), Unpinned::NotPinned);
    seen(&store, &longer, "v1", 2).await;
    seen(&store, &longest, "v1", 1).await;
    assert_eq!(users(&store, "v1").await, known(&[(&longest, 1)]));
}

#[tokio::test]
async fn clones_share_what_they_have() {
    let store = MemoryStore::new();
    let clone = store.clone();
    pin(&store, "a", "v1").await;
    seen(&store, "a", "v1", 1).await;
    assert_eq!(pin(&clone, "a", "v2").await, to("v1"));
    assert_eq!(users(&clone, "v1").await, known(&[("a", 1)]));
}

#[tokio::test]
async fn who_was_not_seen_for_the_longest_time_is_forgotten_first() {
    let store = MemoryStore::with_room_for(2);
    seen(&store, "a", "v1", 10).await;
    seen(&store, "b", "v1", 20).await;
    seen(&store, "a", "v1", 30).await;
    seen(&store, "c", "v1", 25).await;
    assert_eq!(users(&store, "v1").await, known(&[("a", 30), ("c", 25)]));
    seen(&store, "d", "v1", 24).await;
    assert_eq!(users(&store, "v1").await, known(&[("a", 30), ("c", 25)]), "all were seen later");
    seen(&store, "d", "v2", 24).await;
    assert_eq!(users(&store, "v2").await, known(&[("d", 24)]), "each version has room");
}

/// Moments from 1 on, one for each version that there is room for.
const VERSIONS: u64 = 4_096;

#[tokio::test]
async fn of_too_many_versions_the_one_unseen_for_the_longest_time_is_forgotten() {
    let store = MemoryStore::new();
    for at in 1..=VERSIONS {
        seen(&store, "a", &format!("v{at}"), at).await;
    }
    assert_eq!(users(&store, "v1").await, known(&[("a", 1)]), "there was room for all");
    seen(&store, "b", "v1", VERSIONS + 1).await;
    seen(&store, "c", "v3", 1).await;
    seen(&store, "a", "new", VERSIONS).await;
    assert_eq!(users(&store, "v2").await, [], "it was not seen for the longest time");
    assert_eq!(users(&store, "v1").await, known(&[("b", VERSIONS + 1), ("a", 1)]));
    seen(&store, "a", "newer", VERSIONS).await;
    assert_eq!(users(&store, "v3").await, [], "nor did an old moment make it younger");
    assert_eq!(users(&store, "new").await, known(&[("a", VERSIONS)]));
    seen(&store, "a", "old", 1).await;
    assert_eq!(users(&store, "old").await, [], "all others were seen later");
}

#[tokio::test]
async fn debug_tells_numbers_and_no_names() {
    let store = MemoryStore::with_room_for(7);
    pin(&store, "secret", "v1").await;
    seen(&store, "secret", "v1", 1).await;
    assert_eq!(format!("{store:?}"), "MemoryStore { pins: 1, versions: 1, most: 7 }");
}
