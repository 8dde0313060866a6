//! Many clients, few keys, random disconnects and panics: at most one effect per key.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

#[path = "support/app.rs"]
mod app;
#[path = "support/history.rs"]
mod history;

use app::single;
use std::time::Duration;
use stonework_idempotency::InFlight;
use stonework_idempotency::store::MemoryStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_most_one_effect_and_one_answer_per_key() {
    for seed in 1..=20 {
        let store = MemoryStore::new();
        let wait = InFlight::Wait { up_to: Duration::from_secs(60) };
        // Two layers over one store, as two processes over one Redis; one of them waits.
        let layers = [
            single().store(store.clone()).build().unwrap(),
            single().store(store).in_flight(wait).build().unwrap(),
        ];
        let history = history::run(&layers, seed, 32, 50, 40).await;
        history::check(&history);
        assert!(history.effects.len() > 20, "the test tests something");
        assert!(history.answers.values().any(|answers| answers.len() > 1));
    }
}

#[test]
#[should_panic(expected = "more than once")]
fn the_checker_sees_a_second_effect() {
    let mut history = history::History::default();
    history.effects.insert("k".to_owned(), vec![1, 2]);
    history::check(&history);
}

#[test]
#[should_panic(expected = "k: ")]
fn the_checker_sees_a_wrong_answer() {
    let mut history = history::History::default();
    history.effects.insert("k".to_owned(), vec![1]);
    history.answers.insert("k".to_owned(), vec!["1".to_owned(), "2".to_owned()]);
    history::check(&history);
}
