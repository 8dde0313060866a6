//! Replays the committed inputs of the fuzz targets, and varies them at random.

#[path = "../../idempotency/tests/support/corpus.rs"]
mod corpus;

use corpus::{noise, replay, varied};
use proptest::prelude::*;
use stonework_cors::fuzz;

#[test]
fn the_corpus_of_origins_holds() {
    replay("cors_origin", fuzz::origin);
}

#[test]
fn the_corpus_of_patterns_holds() {
    replay("cors_pattern", fuzz::pattern);
}

#[test]
fn the_corpus_of_requested_headers_holds() {
    replay("cors_requested_headers", fuzz::requested_headers);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn origins_hold(input in prop_oneof![varied("cors_origin"), noise()]) {
        fuzz::origin(&input);
    }

    #[test]
    fn patterns_hold(input in prop_oneof![varied("cors_pattern"), noise()]) {
        fuzz::pattern(&input);
    }

    #[test]
    fn requested_headers_hold(input in prop_oneof![varied("cors_requested_headers"), noise()]) {
        fuzz::requested_headers(&input);
    }
}
