//! What holds for any event, any stream, and any pieces of it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/model.rs"]
mod model;
#[path = "support/streams.rs"]
mod streams;

use std::time::Duration;

use model::{Heard, heard};
use proptest::prelude::*;
use stonework_sse::{Event, Frame};
use streams::{decoded, sizes, stream};

/// Texts with more line breaks, colons and marks than others have.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => any::<String>(),
        4 => "[a-z: ]{0,6}",
        2 => prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", "\u{feff}", "\0", "id: 1", ": "])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

/// Any name of one line that has a character.
fn event_type() -> impl Strategy<Value = String> {
    let name = text().prop_map(|text| text.replace(['\r', '\n'], ""));
    name.prop_filter("it is empty", |name| !name.is_empty())
}

fn id() -> impl Strategy<Value = String> {
    "[!#-'*-9;=A-Z^-z|~]{1,128}"
}

/// What a service may send.
#[derive(Clone, Debug)]
enum Sent {
    Event {
        event_type: Option<String>,
        data: String,
        id: Option<String>,
        retry: Option<u64>,
    },
    Comment(String),
    Retry(u64),
    /// An id alone.
    Checkpoint(String),
    KeepAlive,
}

fn event() -> impl Strategy<Value = Sent> {
    let (types, ids) = (prop::option::of(event_type()), prop::option::of(id()));
    (types, text(), ids, prop::option::of(any::<u64>()))
        .prop_map(|(event_type, data, id, retry)| Sent::Event { event_type, data, id, retry })
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        6 => event(),
        1 => text().prop_map(Sent::Comment),
        1 => any::<u64>().prop_map(Sent::Retry),
        1 => id().prop_map(Sent::Checkpoint),
        1 => Just(Sent::KeepAlive),
    ]
}

impl Sent {
    fn bytes(&self) -> Vec<u8> {
        let frame = match self {
            Self::Event { event_type, data, id, retry } => {
                let mut event = Event::new(data);
                if let Some(event_type) = event_type {
                    event = event.event_type(event_type).unwrap();
                }
                if let Some(id) = id {
                    event = event.id(id).unwrap();
                }
                if let Some(retry) = retry {
                    event = event.retry(Duration::from_millis(*retry));
                }
                event.frame()
            }
            Self::Comment(text) => Frame::comment(text),
            Self::Retry(after) => Frame::retry(Duration::from_millis(*after)),
            Self::Checkpoint(id) => return format!("id: {id}\n\n").into_bytes(),
            Self::KeepAlive => return b":\n\n".to_vec(),
        };
        frame.as_str().as_bytes().to_vec()
    }

    /// What a client that hears it knows more than before.
    fn tell(&self, heard: &mut Heard) {
        match self {
            Self::Event { event_type, data, id, retry } => {
                let event_type = event_type.as_deref().unwrap_or("message").to_owned();
                let data = data.replace("\r\n", "\n").replace('\r', "\n");
                if let Some(id) = id {
                    heard.last_event_id.clone_from(id);
                }
                heard.retry = retry.map(Duration::from_millis).or(heard.retry);
                heard.events.push((event_type, data, heard.last_event_id.clone()));
            }
            Self::Retry(after) => heard.retry = Some(Duration::from_millis(*after)),
            Self::Checkpoint(id) => heard.last_event_id.clone_from(id),
            Self::Comment(_) | Self::KeepAlive => {}
        }
    }
}

fn told(all: &[Sent]) -> Heard {
    let mut heard = Heard::default();
    all.iter().for_each(|sent| sent.tell(&mut heard));
    heard
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn an_event_is_read_as_it_was_written(event in event(), sizes in sizes()) {
        prop_assert_eq!(decoded(&event.bytes(), &sizes), told(&[event]));
    }

    #[test]
    fn so_is_a_stream_of_all_that_there_is(
        all in prop::collection::vec(sent(), 0..12),
        sizes in sizes(),
    ) {
        let stream: Vec<u8> = all.iter().flat_map(Sent::bytes).collect();
        prop_assert_eq!(decoded(&stream, &sizes), told(&all));
    }

    /// Proxies may change the ends of lines: each is one byte or two and ends a line all the same.
    #[test]
    fn other_ends_of_lines_change_nothing(
        all in prop::collection::vec(sent(), 0..12),
        end in prop::sample::select(vec!["\r", "\r\n"]),
        sizes in sizes(),
    ) {
        let stream: Vec<u8> = all.iter().flat_map(Sent::bytes).collect();
        let other = String::from_utf8(stream).unwrap().replace('\n', end);
        prop_assert_eq!(decoded(other.as_bytes(), &sizes), told(&all));
    }

    #[test]
    fn what_is_written_is_one_block(event in event()) {
        let text = String::from_utf8(event.bytes()).unwrap();
        prop_assert!(text.ends_with("\n\n") && !text.contains('\r'), "{:?}", text);
        prop_assert_eq!(text.find("\n\n"), Some(text.len() - 2));
        let known = ["id: ", "event: ", "retry: ", "data: "];
        for line in text.lines().filter(|line| !line.is_empty()) {
            prop_assert!(known.iter().any(|name| line.starts_with(name)), "{:?}", line);
        }
    }

    #[test]
    fn any_bytes_are_read_as_the_standard_has_it(stream in stream(), sizes in sizes()) {
        prop_assert_eq!(decoded(&stream, &sizes), heard(&stream));
    }
}
