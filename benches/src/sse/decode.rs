use std::fmt;
use std::hint::black_box;

use bytes::Bytes;
use stonework_sse::{Event, Frame};

use super::decoders::{self, Decode};
use crate::suite::{FLOOR, OURS, Scenario, Subject};
use crate::work::{Bench, Work};

/// Events of one measurement.
const BATCH: usize = 10_000;

/// What a server's buffer holds at first.
const PIECE: usize = 8 * 1_024;

/// What is read, and in which pieces.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Case {
    /// Events of 100 bytes with an id, as a log has them.
    Events,
    /// An answer of a model, each token as it comes.
    Tokens,
    /// The same, but all of it is there.
    TokensAtOnce,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "event of 100 B read, in pieces of 8 KiB",
            Self::Tokens => "token of a model read, one at a time",
            Self::TokensAtOnce => "token of a model read, in pieces of 8 KiB",
        })
    }
}

impl Case {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Events, Self::Tokens, Self::TokensAtOnce];

    /// How many bytes so many events are.
    pub fn len(self, events: usize) -> usize {
        self.pieces(events).iter().map(Bytes::len).sum()
    }

    /// What is sent for this one.
    fn event(self, number: usize) -> Frame {
        let data = self.data(number);
        let id = format!("0000c0de.{number}.{number:08x}");
        let (event_type, id) = match self {
            Self::Events => ("transfer", Some(id)),
            Self::Tokens | Self::TokensAtOnce => ("content_block_delta", None),
        };
        let mut event = Event::new(&*data).event_type(event_type).expect("it is of one line");
        if let Some(id) = &id {
            event = event.id(id).expect("it is one");
        }
        event.frame()
    }

    fn data(self, number: usize) -> String {
        match self {
            Self::Events => format!("{{\"number\":{number},\"text\":\"{:x>80}\"}}", ""),
            Self::Tokens | Self::TokensAtOnce => format!(
                "{{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\" word{}\"}}}}",
                number % 10
            ),
        }
    }

    /// So many events, as they come.
    fn pieces(self, count: usize) -> Vec<Bytes> {
        let events = (0..count).map(|number| Bytes::from(self.event(number)));
        match self {
            Self::Tokens => events.collect(),
            Self::Events | Self::TokensAtOnce => {
                let all = Vec::from_iter(events).concat();
                all.chunks(PIECE).map(Bytes::copy_from_slice).collect()
            }
        }
    }
}

/// All that read, beside each other.
pub fn reading(case: Case) -> Scenario {
    let subjects = vec![
        Subject::new(FLOOR, "the pieces alone", move || {
            Bench::new(Reading::new(case, decoders::nothing))
        }),
        subject("limit", "limit: the ends of lines found, nothing kept", case, decoders::lines),
        subject(OURS, "**stonework-sse**, `Decoder`, events lent", case, decoders::ours),
        subject("owned", "**stonework-sse**, `Decoder`, events copied", case, decoders::ours_owned),
        subject("sse-parse", "sse-parse 0.1", case, decoders::sse_parse),
        subject("sse-stream", "sse-stream 0.3", case, decoders::sse_stream),
        subject("sseer", "sseer 0.3", case, decoders::sseer),
        subject("eventsource-stream", "eventsource-stream 0.2", case, decoders::eventsource_stream),
    ];
    Scenario::new(case.to_string(), BATCH, subjects)
}

fn subject(word: &'static str, title: &'static str, case: Case, decode: Decode) -> Subject {
    Subject::new(word, title, move || {
        if word != "limit" {
            let mut number = 0;
            decode(&case.pieces(100), &mut |data| {
                assert_eq!(data, case.data(number), "{word}");
                number += 1;
            });
            assert_eq!(number, 100, "{word}");
        }
        Bench::new(Reading::new(case, decode))
    })
}

/// A stream that is read again and again.
struct Reading {
    case: Case,
    decode: Decode,
    count: usize,
    pieces: Vec<Bytes>,
}

impl Reading {
    const fn new(case: Case, decode: Decode) -> Self {
        Self { case, decode, count: 0, pieces: Vec::new() }
    }
}

impl Work for Reading {
    fn prepare(&mut self, count: usize) {
        if self.count != count {
            (self.count, self.pieces) = (count, self.case.pieces(count));
        }
    }

    fn run(&mut self) {
        (self.decode)(black_box(&self.pieces), &mut |data| {
            black_box(data);
        });
    }
}
