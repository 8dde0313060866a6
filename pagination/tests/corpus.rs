//! Replays the committed inputs of the fuzz targets, and varies them at random.

#[path = "../../idempotency/tests/support/corpus.rs"]
mod corpus;

use corpus::{noise, replay, varied};
use proptest::prelude::*;
use stonework_pagination::fuzz;

#[test]
fn the_corpus_of_tokens_holds() {
    replay("pagination_token", fuzz::token);
}

#[test]
fn the_corpus_of_payloads_holds() {
    replay("pagination_payload", fuzz::payload);
}

#[test]
fn the_corpus_of_queries_holds() {
    replay("pagination_query", fuzz::query);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens_hold(input in prop_oneof![varied("pagination_token"), noise()]) {
        fuzz::token(&input);
    }

    #[test]
    fn payloads_hold(input in prop_oneof![varied("pagination_payload"), noise()]) {
        fuzz::payload(&input);
    }

    #[test]
    fn queries_hold(input in prop_oneof![varied("pagination_query"), noise()]) {
        fuzz::query(&input);
    }
}
