//! Entry points for fuzzing. No part of the public API.
//!
//! Each takes any bytes and says whether they could be read. What cannot hold is an assertion.

use std::time::Duration;

use stonework_core::Key;

use crate::store::{Entry, Said};
use crate::{DecodeError, Decoder, Event, Frame, LastEventId, Position};

/// Small, so that inputs come to it.
const MAX: usize = 32;

/// Reads bytes as an event stream: the first says in which pieces. Says whether there was an event.
///
/// # Panics
///
/// When pieces read otherwise than the whole, or when more is held than may be.
pub fn decoder(bytes: &[u8]) -> bool {
    let Some((seed, stream)) = bytes.split_first() else { return false };
    for max in [MAX, usize::MAX] {
        let whole = heard(max, [stream].into_iter());
        assert_eq!(heard(max, stream.chunks(1)), whole, "byte by byte");
        assert_eq!(heard(max, pieces(*seed, stream)), whole, "in pieces");
    }
    !heard(usize::MAX, [stream].into_iter()).events.is_empty()
}

/// What a stream has told.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    /// Type, data and id.
    events: Vec<[String; 3]>,
    last_event_id: String,
    retry: Option<Duration>,
    error: Option<DecodeError>,
}

fn heard<'s>(max: usize, pieces: impl Iterator<Item = &'s [u8]>) -> Heard {
    let (mut decoder, mut events, mut error) = (Decoder::with_max(max), Vec::new(), None);
    for piece in pieces {
        decoder.feed(piece);
        loop {
            match decoder.message() {
                Ok(Some(message)) => {
                    assert!(message.data.len() < max, "{message:?}");
                    let told = [message.event_type, message.data, message.last_event_id];
                    events.push(told.map(str::to_owned));
                }
                Ok(None) => break,
                Err(too_long) => {
                    error = Some(too_long);
                    break;
                }
            }
        }
        assert!(decoder.buffered() <= max, "{decoder:?}");
    }
    let last_event_id = decoder.last_event_id().to_owned();
    Heard { events, last_event_id, retry: decoder.retry(), error }
}

/// Pieces of 0 to 7 bytes, in an order that the seed says.
fn pieces(seed: u8, stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut state) = (stream, seed);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // Goes through all states, and their upper bits through all sizes.
        state = state.wrapping_mul(5).wrapping_add(3);
        let (piece, behind) = rest.split_at(usize::from(state >> 5).min(rest.len()));
        rest = behind;
        Some(piece)
    })
}

/// Reads bytes as `ID|TYPE|RETRY|DATA`, and says whether they are an event.
///
/// # Panics
///
/// When what is written reads otherwise.
pub fn event(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let frame = Frame::comment(text);
    assert_eq!(read(frame.as_str()), None, "a comment is no event");
    let Some(event) = parse(text) else { return false };
    let written = event.event.frame();
    let expected = Some((event.said.clone(), event.id.to_owned(), event.retry));
    assert_eq!(read(written.as_str()), expected, "{written:?}");
    let body = event.event.body();
    let entry = Entry::new(Position::new(1, 2, 3), 0, Key::from("topic"), &body);
    assert_eq!(entry.said(), event.said, "{entry:?}");
    assert_eq!(entry.saying(&event.said.data).said(), event.said, "said again");
    true
}

/// What is written, and what it is to say.
struct Parsed<'a> {
    event: Event<'a>,
    said: Said,
    id: &'a str,
    retry: Option<Duration>,
}

fn parse(text: &str) -> Option<Parsed<'_>> {
    let [id, event_type, retry, data] = text.splitn(4, '|').collect::<Vec<_>>().try_into().ok()?;
    let retry = retry.parse().ok().map(Duration::from_millis);
    let mut event = Event::new(data);
    if !id.is_empty() {
        event = event.id(id).ok()?;
    }
    if !event_type.is_empty() {
        event = event.event_type(event_type).ok()?;
    }
    if let Some(retry) = retry {
        event = event.retry(retry);
    }
    let said = Said {
        event_type: event.name().to_owned(),
        data: data.replace("\r\n", "\n").replace('\r', "\n"),
    };
    Some(Parsed { event, said, id, retry })
}

/// The one event of a stream of one.
fn read(stream: &str) -> Option<(Said, String, Option<Duration>)> {
    let mut decoder = Decoder::new();
    decoder.feed(stream.as_bytes());
    let message = decoder.message().ok()??;
    let said = Said { event_type: message.event_type.to_owned(), data: message.data.to_owned() };
    let id = message.last_event_id.to_owned();
    assert_eq!(decoder.message(), Ok(None), "there is one");
    Some((said, id, decoder.retry()))
}

/// Reads bytes as a position.
///
/// # Panics
///
/// When a place has two texts, or one that a browser would not carry.
pub fn position(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let position = text.parse::<Position>();
    assert_eq!(LastEventId::new(text).position(), position.ok());
    let Ok(position) = position else { return false };
    assert_eq!(position.to_string(), text, "another text");
    assert_eq!(text.len(), position.text_len(), "{text}");
    assert!(Event::new("").id(text).is_ok(), "{text} would ask for a preflight");
    true
}
