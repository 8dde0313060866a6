use std::fmt;
#[cfg(feature = "hub")]
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;

use crate::Event;
use crate::event::{RETRY, milliseconds};

/// A piece of an event stream, as it is sent. It is written once; clones share it.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// Nothing that a client would tell anybody, but bytes on the wire: it keeps a connection open.
    ///
    /// Line breaks in the text become spaces.
    pub fn comment(text: &str) -> Self {
        let mut writer = Writer::with_capacity(text.len() + 4);
        writer.field(": ", &text.replace(['\r', '\n'], " "));
        writer.finish()
    }

    /// After which time a client that loses the connection comes back. In whole milliseconds.
    pub fn retry(after: Duration) -> Self {
        let mut digits = itoa::Buffer::new();
        let after = digits.format(milliseconds(after));
        let mut writer = Writer::with_capacity(RETRY.len() + after.len() + 2);
        writer.field(RETRY, after);
        writer.finish()
    }

    /// The bytes, which are UTF-8.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The same as text.
    pub fn as_str(&self) -> &str {
        // Whoever makes one writes text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// As [`Event::frame`].
impl From<Event<'_>> for Frame {
    fn from(event: Event<'_>) -> Self {
        event.frame()
    }
}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        frame.0
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Frame").field(&self.as_str()).finish()
    }
}

/// Writes a frame into a buffer of its size. Bytes are copied and nothing is formatted: through `fmt`, five lines took
/// twice as long.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(len: usize) -> Self {
        Self(Vec::with_capacity(len))
    }

    /// A name with what stands before the value, and a value of one line.
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'\n');
    }

    /// The same of a value that is formatted.
    #[cfg(feature = "hub")]
    pub(crate) fn shown(&mut self, name: &str, value: impl fmt::Display) {
        // A vector takes all there is.
        let written = writeln!(self.0, "{name}{value}");
        debug_assert!(written.is_ok(), "{name}");
    }

    pub(crate) fn finish(self) -> Frame {
        self.finish_with(b"\n")
    }

    /// Ends with a frame that is there already, without what would stand before.
    pub(crate) fn finish_with(mut self, body: &[u8]) -> Frame {
        self.0.extend_from_slice(body);
        Frame(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_of_one_line() {
        assert_eq!(Frame::comment("").as_str(), ": \n\n");
        assert_eq!(Frame::comment("a\r\ndata: b").as_str(), ": a  data: b\n\n");
    }

    #[test]
    fn times_are_in_milliseconds() {
        assert_eq!(Frame::retry(Duration::from_micros(2_500_999)).as_str(), "retry: 2500\n\n");
        assert_eq!(Frame::retry(Duration::MAX).as_str(), "retry: 18446744073709551615\n\n");
    }

    #[test]
    fn an_event_becomes_one() {
        assert_eq!(Frame::from(Event::new("a")), Event::new("a").frame());
    }

    #[test]
    fn clones_share_the_bytes() {
        let frame = Frame::comment("a");
        assert_eq!(frame.clone().as_bytes().as_ptr(), frame.as_bytes().as_ptr());
    }
}
