//! The body of whatever the service answers, which ends when it is told to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::drain::Draining;
use crate::jitter::jittered;
use crate::last_event_id::come_back;
use crate::shared::Shared;
use crate::{LastEventId, Ticket, body};

pin_project! {
    /// The body of the service inside, which is counted, and ends when the process is [to end](crate::Drain).
    pub struct EndingBody<B> {
        #[pin]
        inner: B,
        // It is counted as long as this is there.
        ticket: Option<Ticket>,
        #[pin]
        draining: Option<Draining>,
        retry: Duration,
        place: Place,
        // Where it was who has been told nothing yet.
        was_at: Option<LastEventId>,
        is_over: bool,
    }
}

/// Where in a stream one is.
#[derive(Clone, Copy)]
struct Place {
    /// Of bytes that nobody here can read, such as compressed ones, nothing is known.
    is_known: bool,
    /// The last bytes.
    tail: [u8; 3],
}

impl<B> EndingBody<B> {
    /// One that is none of our business.
    pub(crate) const fn pass(inner: B) -> Self {
        let place = Place { is_known: false, tail: [0; 3] };
        let retry = Duration::ZERO;
        Self { inner, ticket: None, draining: None, retry, place, was_at: None, is_over: false }
    }

    pub(crate) fn new(
        inner: B,
        headers: &HeaderMap,
        ticket: Option<Ticket>,
        was_at: Option<LastEventId>,
        shared: &Shared,
    ) -> Self {
        let may_be_endless = is_event_stream(headers) && !headers.contains_key(CONTENT_LENGTH);
        let draining = shared.drain.as_ref().filter(|_| may_be_endless);
        Self {
            ticket,
            draining: draining.map(crate::Drain::watch),
            retry: shared.retry,
            place: Place { is_known: !headers.contains_key(CONTENT_ENCODING), tail: *b"\n\n\n" },
            was_at,
            ..Self::pass(inner)
        }
    }
}

/// Whole lines, none of which is more than a comment.
fn says_nothing(data: &[u8]) -> bool {
    let mut lines = data.split(|byte| *byte == b'\n');
    // What comes after the last line.
    lines.next_back() == Some(b"") && lines.all(|line| matches!(line, [] | [b':', ..]))
}

/// With or without parameters.
fn is_event_stream(headers: &HeaderMap) -> bool {
    let name = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let name = name.and_then(|name| name.split(';').next()).unwrap_or_default();
    name.trim().as_bytes().eq_ignore_ascii_case(body::EVENT_STREAM.as_bytes())
}

impl Place {
    fn pass(&mut self, data: &[u8]) {
        if let Some(tail) = data.last_chunk::<3>() {
            self.tail = *tail;
            return;
        }
        for byte in data {
            self.tail = [self.tail[1], self.tail[2], *byte];
        }
    }

    /// Has the last block ended? In the middle of one, nothing can be said that is not a part of it.
    fn is_between_blocks(&self) -> bool {
        self.is_known
            && matches!(
                self.tail,
                [_, b'\n' | b'\r', b'\r'] | [_, b'\n', b'\n'] | [b'\n' | b'\r', b'\r', b'\n']
            )
    }
}

/// It has an end then, and the client has been told where: it waits for all of it.
fn has_length(body: &impl Body) -> bool {
    body.size_hint().exact().is_some()
}

impl<B: Body<Data = Bytes>> Body for EndingBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        if *this.is_over {
            return Poll::Ready(None);
        }
        if let Some(draining) = this.draining.as_mut().as_pin_mut()
            && draining.poll(cx).is_ready()
            && !has_length(&*this.inner)
        {
            (*this.is_over, *this.ticket) = (true, None);
            crate::trace::refused!("drained");
            let last = come_back(jittered(*this.retry), this.was_at.as_ref());
            let is_between = this.place.is_between_blocks();
            return Poll::Ready(is_between.then(|| Ok(Frame::data(last.into()))));
        }
        let frame = ready!(this.inner.poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                let data = frame.data_ref().map_or(&b""[..], |data| data);
                this.place.pass(data);
                this.was_at.take_if(|_| !says_nothing(data));
            }
            Some(Err(_)) => {}
            None => (*this.is_over, *this.ticket) = (true, None),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let may_be_cut = self.draining.is_some() && !has_length(&self.inner);
        if may_be_cut { SizeHint::default() } else { self.inner.size_hint() }
    }
}

/// A body that was answered for nothing, such as by a layer further out.
impl<B: Default> Default for EndingBody<B> {
    fn default() -> Self {
        Self::pass(B::default())
    }
}

impl<B> fmt::Debug for EndingBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndingBody").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_say_nothing() {
        for (data, expected) in [
            ("", true),
            ("\n", true),
            (":\n\n", true),
            (": a\n: b\n\n:\n", true),
            (":\n\nid: 1\n\n", false),
            ("id: 1\n\n", false),
            ("id: 1", false),
            (": a", false),
            ("\r", false),
        ] {
            assert_eq!(says_nothing(data.as_bytes()), expected, "{data:?}");
        }
    }

    #[test]
    fn a_block_ends_with_an_empty_line() {
        for (pieces, expected) in [
            (vec![], true),
            (vec!["data: a\n\n"], true),
            (vec!["data: a\n"], false),
            (vec!["data: a\n", "\n"], true),
            (vec!["data: a\r\n"], false),
            (vec!["data: a\r\n\r\n"], true),
            (vec!["data: a\r", "\n", "\r", "\n"], true),
            (vec!["data: a\r\r"], true),
            (vec!["data: a\n\r"], true),
            (vec!["data: a\n\r\n"], true),
            (vec!["data: a\r\r\n"], true),
            (vec!["data: a\n\n", "d"], false),
            (vec!["data: a\n\n", ""], true),
            (vec!["\n"], true),
        ] {
            let mut place = Place { is_known: true, tail: *b"\n\n\n" };
            pieces.iter().for_each(|piece| place.pass(piece.as_bytes()));
            assert_eq!(place.is_between_blocks(), expected, "{pieces:?}");
        }
    }
}
