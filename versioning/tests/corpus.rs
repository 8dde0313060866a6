//! Replays the committed inputs of the fuzz targets, and varies them at random.

#[path = "../../idempotency/tests/support/corpus.rs"]
mod corpus;

use corpus::{noise, replay, varied};
use proptest::prelude::*;
use stonework_versioning::fuzz;

#[test]
fn the_corpus_of_versions_holds() {
    replay("versioning_version", fuzz::version);
}

#[test]
fn the_corpus_of_media_types_holds() {
    replay("versioning_media_type", fuzz::media_type);
}

#[test]
fn the_corpus_of_targets_holds() {
    replay("versioning_target", fuzz::target);
}

#[test]
fn the_corpus_of_documents_holds() {
    replay("versioning_document", fuzz::document);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn versions_hold(input in prop_oneof![varied("versioning_version"), noise()]) {
        fuzz::version(&input);
    }

    #[test]
    fn media_types_hold(input in prop_oneof![varied("versioning_media_type"), noise()]) {
        fuzz::media_type(&input);
    }

    #[test]
    fn targets_hold(input in prop_oneof![varied("versioning_target"), noise()]) {
        fuzz::target(&input);
    }

    #[test]
    fn documents_hold(input in prop_oneof![varied("versioning_document"), noise()]) {
        fuzz::document(&input);
    }
}
