//! Replays the committed inputs of the fuzz targets, and varies them at random.

#[path = "../../idempotency/tests/support/corpus.rs"]
mod corpus;

use corpus::{noise, replay, varied};
use proptest::prelude::*;
use stonework_webhook_sign::fuzz;

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
    signature: "webhook_sign_signature",
    standard: "webhook_sign_standard",
    hook0: "webhook_sign_hook0",
    twilio: "webhook_sign_twilio",
    http_signature: "webhook_sign_http_signature",
    member: "webhook_sign_member",
}
