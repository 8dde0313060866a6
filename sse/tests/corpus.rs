//! Replays the committed inputs of the fuzz targets, and varies them at random.

#[path = "../../idempotency/tests/support/corpus.rs"]
mod corpus;

use corpus::{noise, replay, varied};
use proptest::prelude::*;
use stonework_sse::fuzz;

#[test]
fn the_corpus_of_streams_holds() {
    replay("sse_decoder", fuzz::decoder);
}

#[test]
fn the_corpus_of_events_holds() {
    replay("sse_event", fuzz::event);
}

#[test]
fn the_corpus_of_positions_holds() {
    replay("sse_position", fuzz::position);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn streams_hold(input in prop_oneof![varied("sse_decoder"), noise()]) {
        fuzz::decoder(&input);
    }

    #[test]
    fn events_hold(input in prop_oneof![varied("sse_event"), noise()]) {
        fuzz::event(&input);
    }

    #[test]
    fn positions_hold(input in prop_oneof![varied("sse_position"), noise()]) {
        fuzz::position(&input);
    }
}
