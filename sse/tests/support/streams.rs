//! Streams that anybody might send, in pieces of any size.

use proptest::prelude::*;
use stonework_sse::Decoder;

use super::model::Heard;

/// Bytes that mean something more often than not: what the grammar has, and what it nearly has.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let bom = prop::collection::vec(Just(b"\xef\xbb\xbf".to_vec()), 0..3);
    let pieces = prop::collection::vec(piece(), 0..30);
    (bom, pieces).prop_map(|(bom, pieces)| [bom, pieces].concat().concat())
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let end =
        prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\n\r", ""]);
    let line =
        (name(), separator(), value()).prop_map(|parts| [parts.0, parts.1, parts.2].concat());
    prop_oneof![
        8 => (line, end).prop_map(|(line, end)| [&line, end.as_bytes()].concat()),
        1 => Just(b"\n\n".to_vec()),
        1 => Just(b"id: 7\n\n".to_vec()),
        1 => Just(b"\xef\xbb\xbf".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let known = ["data", "event", "id", "retry", ""].map(|name| name.as_bytes().to_vec());
    let near = ["dat", "datas", "Data", " data", "data ", "\0id", "\u{feff}data", "\u{e9}"];
    prop_oneof![
        6 => prop::sample::select(known.to_vec()),
        1 => prop::sample::select(near.map(|name| name.as_bytes().to_vec()).to_vec()),
    ]
}

fn separator() -> impl Strategy<Value = Vec<u8>> {
    let separators = ["", ":", ": ", ":  ", "::", " :", ":\t"];
    prop::sample::select(separators.map(|text| text.as_bytes().to_vec()).to_vec())
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let broken = [
        &b"\xff"[..],
        b"a\xe2\x82",
        b"\xe2\x82\xac",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80",
    ];
    let numbers =
        ["5", "007", "1500", "+1", "-1", "1.5", "18446744073709551615", "18446744073709551616"];
    prop_oneof![
        3 => "[a-z:]{0,5}".prop_map(String::into_bytes),
        2 => prop::sample::select(numbers.map(|text| text.as_bytes().to_vec()).to_vec()),
        2 => prop::sample::select(broken.map(<[u8]>::to_vec).to_vec()),
        1 => Just(b"a\0b".to_vec()),
        1 => any::<String>().prop_map(String::into_bytes),
    ]
}

/// How large the pieces are that come one after the other, over and over.
pub(crate) fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let small =
        prop::collection::vec(0..12_usize, 0..8).prop_map(|sizes| [sizes, vec![1]].concat());
    prop_oneof![1 => Just(vec![usize::MAX]), 1 => Just(vec![1]), 4 => small]
}

/// The stream in such pieces. Some are empty.
pub(crate) fn pieces<'s>(stream: &'s [u8], sizes: &[usize]) -> Vec<&'s [u8]> {
    let (mut rest, mut pieces) = (stream, Vec::new());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*size).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// What our decoder makes of it.
pub(crate) fn decoded(stream: &[u8], sizes: &[usize]) -> Heard {
    let (mut decoder, mut events) = (Decoder::new(), Vec::new());
    for piece in pieces(stream, sizes) {
        decoder.feed(piece);
        while let Some(message) = decoder.message().expect("it is not that long") {
            let told = [message.event_type, message.data, message.last_event_id];
            events.push(told.map(str::to_owned).into());
        }
    }
    let last_event_id = decoder.last_event_id().to_owned();
    Heard { events, last_event_id, retry: decoder.retry() }
}
