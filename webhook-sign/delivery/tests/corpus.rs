//! Replays the committed inputs of the fuzz targets, and varies them at random.

#[path = "../../../idempotency/tests/support/corpus.rs"]
mod corpus;

use corpus::{noise, replay, varied};
use proptest::prelude::*;
use stonework_webhook_delivery::fuzz;

macro_rules! targets {
    ($($target:ident: $corpus:literal,)*) => {$(
        mod $target {
            use super::*;

            #[test]
            fn the_corpus_holds() {
                replay($corpus, fuzz::$target);
            }

            proptest! {
                #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

                #[test]
                fn anything_near_it_holds(input in prop_oneof![varied($corpus), noise()]) {
                    fuzz::$target(&input);
                }
            }
        }
    )*};
}

targets! {
    retry_after_header: "webhook_delivery_retry_after",
    control_header: "webhook_delivery_control",
    endpoint_url: "webhook_delivery_url",
    address: "webhook_delivery_address",
    delivery_id: "webhook_delivery_id",
    cursor: "webhook_delivery_cursor",
}
