//! Replays the committed inputs of the fuzz targets, and varies them at random.

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/oracle.rs"]
mod oracle;

use corpus::{noise, replay, varied};
use proptest::prelude::*;
use stonework_idempotency::fuzz;

#[test]
fn the_corpus_of_keys_holds() {
    replay("idempotency_key", oracle::key);
}

#[test]
fn the_corpus_of_answers_holds() {
    replay("idempotency_answer", fuzz::answer);
}

#[test]
fn the_corpus_of_records_holds() {
    replay("idempotency_record", fuzz::record);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_hold(input in prop_oneof![varied("idempotency_key"), noise()]) {
        oracle::key(&input);
    }

    #[test]
    fn answers_hold(input in prop_oneof![varied("idempotency_answer"), noise()]) {
        fuzz::answer(&input);
    }

    #[test]
    fn records_hold(input in prop_oneof![varied("idempotency_record"), noise()]) {
        fuzz::record(&input);
    }
}
