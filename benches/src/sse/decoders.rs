//! Whatever reads event streams.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream;
use stonework_sse::Decoder;

use super::polled;

/// Reads pieces, and shows the data of each event.
pub(super) type Decode = fn(&[Bytes], &mut dyn FnMut(&str));

/// As a client's body gives them.
fn arriving(pieces: &[Bytes]) -> impl Iterator<Item = Bytes> + use<'_> {
    pieces.iter().map(Bytes::clone)
}

pub(super) fn nothing(pieces: &[Bytes], told: &mut dyn FnMut(&str)) {
    arriving(pieces).for_each(|piece| told(if piece.is_empty() { "" } else { "some" }));
}

pub(super) fn lines(pieces: &[Bytes], told: &mut dyn FnMut(&str)) {
    for piece in arriving(pieces) {
        let mut start = 0;
        for end in memchr::memchr2_iter(b'\r', b'\n', &piece) {
            if end == start {
                told("");
            }
            start = end + 1;
        }
    }
}

pub(super) fn ours(pieces: &[Bytes], told: &mut dyn FnMut(&str)) {
    let mut decoder = Decoder::new();
    for piece in arriving(pieces) {
        decoder.feed(&piece);
        while let Ok(Some(message)) = decoder.message() {
            told(message.data);
        }
    }
}

/// As the others give it: texts of the event's own.
pub(super) fn ours_owned(pieces: &[Bytes], told: &mut dyn FnMut(&str)) {
    let mut decoder = Decoder::new();
    for piece in arriving(pieces) {
        decoder.feed(&piece);
        while let Ok(Some(message)) = decoder.message() {
            let event = [message.event_type, message.data, message.last_event_id];
            let [_, data, _] = &std::hint::black_box(event.map(str::to_owned));
            told(data);
        }
    }
}

pub(super) fn sse_parse(pieces: &[Bytes], told: &mut dyn FnMut(&str)) {
    let mut parser = sse_parse::SseParser::new();
    for piece in arriving(pieces) {
        parser.feed(&piece);
        while let Some(event) = parser.next_event() {
            told(&event.data);
        }
    }
}

fn stream(pieces: &[Bytes]) -> impl Stream<Item = Result<Bytes, Infallible>> + use<'_> {
    stream::iter(arriving(pieces).map(Ok))
}

pub(super) fn sse_stream(pieces: &[Bytes], told: &mut dyn FnMut(&str)) {
    let events = pin!(sse_stream::SseByteStream::new(stream(pieces)));
    polled::items(&mut Context::from_waker(Waker::noop()), events, |event| {
        let data = event.ok().and_then(|event| event.data);
        told(&data.expect("it is a good stream"));
    });
}

pub(super) fn sseer(pieces: &[Bytes], told: &mut dyn FnMut(&str)) {
    let events = pin!(sseer::EventStream::new(stream(pieces)));
    polled::items(&mut Context::from_waker(Waker::noop()), events, |event| {
        told(&event.expect("it is a good stream").data);
    });
}

pub(super) fn eventsource_stream(pieces: &[Bytes], told: &mut dyn FnMut(&str)) {
    let events = pin!(eventsource_stream::EventStream::new(stream(pieces)));
    polled::items(&mut Context::from_waker(Waker::noop()), events, |event| {
        told(&event.expect("it is a good stream").data);
    });
}
