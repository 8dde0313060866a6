use std::convert::Infallible;
use std::fmt;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

use axum::response::{IntoResponse, Sse, sse};
use futures_util::stream;
use stonework_sse::{Decoder, Event, Frame, SseBody};

use super::polled;
use crate::suite::{FLOOR, OURS, Scenario, Subject};
use crate::work::{Bench, Work};

/// Events of one measurement.
const BATCH: usize = 1_000;

const ID: &str = "0000c0de.42.00c0ffee";
const EVENT_TYPE: &str = "transfer";

#[derive(Clone, Copy, Debug)]
pub(super) enum Case {
    OneLine,
    FiveLines,
}

pub(super) const CASES: [Case; 2] = [Case::OneLine, Case::FiveLines];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneLine => "event written, 100 B",
            Self::FiveLines => "event written, 5 lines of 100 B",
        })
    }
}

impl Case {
    fn data(self) -> String {
        let line = "x".repeat(100);
        match self {
            Self::OneLine => line,
            Self::FiveLines => [line.as_str(); 5].join("\n"),
        }
    }
}

pub(super) fn scenario(case: Case) -> Scenario {
    let subjects = vec![
        Subject::new(FLOOR, "the loop alone", move || Bench::new(Writing::new(case, nothing))),
        subject("limit", "limit: one `Vec` of the exact size", case, exact),
        subject(OURS, "**stonework-sse**, `Event::frame`", case, frames),
        subject("body", "**stonework-sse**, through `SseBody`", case, body),
        subject("sse-stream", "sse-stream 0.3, `Bytes` of an `Sse`", case, sse_stream),
        subject("axum", "axum 0.8, `Event` through the body of `Sse`", case, axum),
    ];
    Scenario::new(case.to_string(), BATCH, subjects)
}

/// Writes so many events of this data, and shows each.
type Write = fn(&str, usize, &mut dyn FnMut(&[u8]));

fn subject(word: &'static str, title: &'static str, case: Case, write: Write) -> Subject {
    Subject::new(word, title, move || {
        let mut decoder = Decoder::new();
        write(&case.data(), 2, &mut |bytes| decoder.feed(bytes));
        for _ in 0..2 {
            let message = decoder.message().ok().flatten().expect("it is an event");
            assert_eq!((message.event_type, message.last_event_id), (EVENT_TYPE, ID), "{word}");
            assert_eq!(message.data, case.data(), "{word}");
        }
        Bench::new(Writing::new(case, write))
    })
}

struct Writing {
    data: String,
    write: Write,
    count: usize,
}

impl Writing {
    fn new(case: Case, write: Write) -> Self {
        Self { data: case.data(), write, count: 0 }
    }
}

impl Work for Writing {
    fn prepare(&mut self, count: usize) {
        self.count = count;
    }

    fn run(&mut self) {
        (self.write)(black_box(&self.data), self.count, &mut |bytes| {
            black_box(bytes);
        });
    }
}

fn nothing(data: &str, count: usize, told: &mut dyn FnMut(&[u8])) {
    (0..count).for_each(|_| told(data.as_bytes()));
}

/// All lines but those that end otherwise.
fn exact(data: &str, count: usize, told: &mut dyn FnMut(&[u8])) {
    for _ in 0..count {
        let lines = memchr::memchr_iter(b'\n', data.as_bytes()).count() + 1;
        let len = "id: \nevent: \n\n".len() + ID.len() + EVENT_TYPE.len() + data.len();
        let mut bytes = Vec::with_capacity(len + lines * "data: ".len() + 1);
        for part in ["id: ", ID, "\nevent: ", EVENT_TYPE] {
            bytes.extend_from_slice(part.as_bytes());
        }
        for line in data.split('\n') {
            bytes.extend_from_slice(b"\ndata: ");
            bytes.extend_from_slice(line.as_bytes());
        }
        bytes.extend_from_slice(b"\n\n");
        told(&bytes);
    }
}

fn event(data: &str) -> Frame {
    let event = Event::new(data).event_type(EVENT_TYPE).and_then(|event| event.id(ID));
    event.expect("both are of one line").frame()
}

fn frames(data: &str, count: usize, told: &mut dyn FnMut(&[u8])) {
    (0..count).for_each(|_| told(event(data).as_bytes()));
}

fn body(data: &str, count: usize, told: &mut dyn FnMut(&[u8])) {
    let body = pin!(SseBody::new(stream::iter((0..count).map(|_| event(data)))));
    polled::frames(&mut Context::from_waker(Waker::noop()), body, told);
}

fn axum(data: &str, count: usize, told: &mut dyn FnMut(&[u8])) {
    // What it is made of has to live as long as a response may.
    let data = data.to_owned();
    let event = move |_| {
        let event = sse::Event::default().id(ID).event(EVENT_TYPE).data(&data);
        Ok::<_, Infallible>(event)
    };
    let response = Sse::new(stream::iter((0..count).map(event))).into_response();
    let body = pin!(response.into_body());
    polled::frames(&mut Context::from_waker(Waker::noop()), body, told);
}

fn sse_stream(data: &str, count: usize, told: &mut dyn FnMut(&[u8])) {
    for _ in 0..count {
        let event = sse_stream::Sse::default().id(ID).event(EVENT_TYPE).data(data);
        told(&event.encode().expect("both are of one line"));
    }
}
