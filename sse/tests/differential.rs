//! Our decoder beside that of the crate `sse-parse`, on streams that anybody might send.
//!
//! They agree on all of them. What the standard leaves open, both have decided alike: `retry` without a digit, or with
//! more than 64 bits hold, is passed over. What is too long has no place here: we end the stream, and `sse-parse`, if it
//! is given a limit, passes over the block.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/model.rs"]
#[allow(dead_code)] // The model is for other tests.
mod model;
#[path = "support/streams.rs"]
mod streams;

use model::Heard;
use proptest::prelude::*;
use sse_parse::{Event, SseParser};
use streams::{decoded, pieces, sizes, stream};

fn parsed(stream: &[u8], sizes: &[usize]) -> Heard {
    let (mut parser, mut events) = (SseParser::new(), Vec::new());
    for piece in pieces(stream, sizes) {
        parser.feed(piece);
        let next = std::iter::from_fn(|| parser.next_event());
        events.extend(next.map(|Event { event, data, id, .. }| (event, data, id)));
    }
    Heard { events, last_event_id: parser.last_event_id().to_owned(), retry: parser.retry() }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4_000, ..ProptestConfig::default() })]

    /// Each in pieces of its own.
    #[test]
    fn both_read_the_same(stream in stream(), ours in sizes(), theirs in sizes()) {
        prop_assert_eq!(decoded(&stream, &ours), parsed(&stream, &theirs));
    }

    /// Without any grammar.
    #[test]
    fn of_noise_too(
        stream in prop::collection::vec(prop::sample::select(&b"\r\n: dataid\0\xef\xbb\xbf7"[..]), 0..60),
        ours in sizes(),
        theirs in sizes(),
    ) {
        prop_assert_eq!(decoded(&stream, &ours), parsed(&stream, &theirs));
    }
}
