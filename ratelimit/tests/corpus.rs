//! Replays the committed inputs of the fuzz targets, and varies them at random.

#[path = "../../idempotency/tests/support/corpus.rs"]
mod corpus;

use corpus::{noise, replay, varied};
use proptest::prelude::*;
use stonework_ratelimit::fuzz;

#[test]
fn the_corpus_of_forwarded_holds() {
    replay("ratelimit_forwarded", fuzz::forwarded);
}

#[test]
fn the_corpus_of_x_forwarded_for_holds() {
    replay("ratelimit_x_forwarded_for", fuzz::x_forwarded_for);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn forwarded_holds(input in prop_oneof![varied("ratelimit_forwarded"), noise()]) {
        fuzz::forwarded(&input);
    }

    #[test]
    fn x_forwarded_for_holds(input in prop_oneof![varied("ratelimit_x_forwarded_for"), noise()]) {
        fuzz::x_forwarded_for(&input);
    }
}
