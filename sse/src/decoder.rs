use std::fmt;
use std::time::Duration;

/// More than this in one event is refused.
const MAX: usize = 1 << 20;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads an event stream as browsers do (WHATWG HTML, section 9.2.6), from pieces of any size.
///
/// What is not UTF-8 is read as U+FFFD, as a browser reads it. A block that has not ended is none.
///
/// ```
/// use stonework_sse::Decoder;
///
/// let mut decoder = Decoder::new();
/// decoder.feed(b"id: 7\nevent: note\ndata: one\nda");
/// assert_eq!(decoder.message()?, None);
/// decoder.feed(b"ta: two\n\n");
/// let message = decoder.message()?.expect("it has ended");
/// assert_eq!((message.event_type, message.data, message.last_event_id), ("note", "one\ntwo", "7"));
/// # Ok::<(), stonework_sse::DecodeError>(())
/// ```
pub struct Decoder {
    /// What has been fed and not yet read begins at `read`.
    buffer: Vec<u8>,
    read: usize,
    /// Before here there is no end of a line.
    searched: usize,
    /// The last line ended with CR, so a LF belongs to it.
    skips_lf: bool,
    is_at_start: bool,
    block: Block,
    /// The block has been given away.
    is_told: bool,
    last_event_id: String,
    retry: Option<Duration>,
    max: usize,
    is_over: bool,
}

/// What the lines since the last empty one have said.
#[derive(Default)]
struct Block {
    event_type: String,
    /// Each line with a LF at its end.
    data: String,
    /// Of this block or one before.
    id: String,
}

/// An event that was read. It is the decoder's until the next one is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<'d> {
    /// What kind of event it is: `message` unless it said so.
    pub event_type: &'d str,
    /// Its lines, with `\n` between them.
    pub data: &'d str,
    /// The last id that this or an earlier block has had; empty if none had.
    pub last_event_id: &'d str,
}

/// An event, or a line, is longer than it may be. What follows cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    max: usize,
}

impl Decoder {
    /// Of a stream whose first byte is fed first. Events may have up to 1 MiB.
    pub const fn new() -> Self {
        Self::with_max(MAX)
    }

    /// The same, with another limit for an event, and for a line of one. In bytes.
    pub const fn with_max(bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            read: 0,
            searched: 0,
            skips_lf: false,
            is_at_start: true,
            block: Block { event_type: String::new(), data: String::new(), id: String::new() },
            is_told: false,
            last_event_id: String::new(),
            retry: None,
            max: bytes,
            is_over: false,
        }
    }

    /// What came next. Read all [messages](Self::message) before the next piece is fed: until then it is kept.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.is_over {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next event, if all of it has been fed.
    ///
    /// # Errors
    ///
    /// When it is longer than it may be, and ever after.
    pub fn message(&mut self) -> Result<Option<Message<'_>>, DecodeError> {
        if std::mem::take(&mut self.is_told) {
            self.block.end();
        }
        while let Some((start, end)) = self.line() {
            if start < end {
                self.field(start, end);
                if self.block.data.len() > self.max {
                    self.give_up();
                }
                continue;
            }
            self.last_event_id.clone_from(&self.block.id);
            if self.block.data.is_empty() {
                self.block.end();
                continue;
            }
            self.is_told = true;
            return Ok(Some(self.block.message()));
        }
        if self.is_over { Err(DecodeError { max: self.max }) } else { Ok(None) }
    }

    /// The last id that a block has had which has ended, even one that was no event: what a client says when it comes
    /// back. Empty if none had.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// After which time the stream wants its client to come back, if it said so.
    pub const fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// How much of what was fed waits for more.
    #[cfg(feature = "testing")]
    pub(crate) const fn buffered(&self) -> usize {
        self.buffer.len() - self.read
    }

    /// Where the next line is, without its end.
    fn line(&mut self) -> Option<(usize, usize)> {
        if self.skips_lf && self.read < self.buffer.len() {
            self.skips_lf = false;
            if self.buffer[self.read] == b'\n' {
                self.read += 1;
                self.searched = self.read;
            }
        }
        let from = self.searched.max(self.read);
        let Some(found) = memchr::memchr2(b'\r', b'\n', &self.buffer[from..]) else {
            self.compact();
            return None;
        };
        let (mut start, end) = (self.read, from + found);
        self.skips_lf = self.buffer[end] == b'\r';
        self.read = end + 1;
        self.searched = self.read;
        // With its BOM, which counts as long as the line has not ended, too.
        if end - start > self.max {
            self.give_up();
            return None;
        }
        if std::mem::take(&mut self.is_at_start) && self.buffer[start..end].starts_with(BOM) {
            start += BOM.len();
        }
        Some((start, end))
    }

    /// What has been read is no longer kept.
    fn compact(&mut self) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.searched = self.buffer.len();
        if self.searched > self.max {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.is_over = true;
        (self.buffer, self.read, self.searched) = (Vec::new(), 0, 0);
        self.block.end();
    }

    fn field(&mut self, start: usize, end: usize) {
        let line = &self.buffer[start..end];
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => {
                push(&mut self.block.data, value);
                self.block.data.push('\n');
            }
            b"event" => {
                self.block.event_type.clear();
                push(&mut self.block.event_type, value);
            }
            b"id" if !value.contains(&b'\0') => {
                self.block.id.clear();
                push(&mut self.block.id, value);
            }
            b"retry" => self.retry = milliseconds(value).or(self.retry),
            _ => {}
        }
    }
}

impl Block {
    fn message<'d>(&'d self) -> Message<'d> {
        let event_type = if self.event_type.is_empty() { "message" } else { &self.event_type };
        let data = self.data.strip_suffix('\n').unwrap_or(&self.data);
        Message { event_type, data, last_event_id: &self.id }
    }

    /// The id stays.
    fn end(&mut self) {
        self.event_type.clear();
        self.data.clear();
    }
}

fn push(text: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(valid) => text.push_str(valid),
        Err(_) => bytes.utf8_chunks().for_each(|chunk| {
            text.push_str(chunk.valid());
            text.extend((!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER));
        }),
    }
}

/// Nothing unless it is digits and nothing else.
fn milliseconds(value: &[u8]) -> Option<Duration> {
    let digits = std::str::from_utf8(value).ok()?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).map(Duration::from_millis)
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("buffered", &(self.buffer.len() - self.read))
            .field("last_event_id", &self.last_event_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event of the stream has more than {} bytes", self.max)
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (String, String, String);

    /// All events of these pieces, as type, data and id.
    fn read(decoder: &mut Decoder, pieces: &[&[u8]]) -> Vec<Read> {
        let mut all = Vec::new();
        for piece in pieces {
            decoder.feed(piece);
            while let Some(message) = decoder.message().unwrap() {
                let Message { event_type, data, last_event_id } = message;
                all.push([event_type, data, last_event_id].map(str::to_owned).into());
            }
        }
        all
    }

    fn events(stream: &[u8]) -> Vec<Read> {
        let whole = read(&mut Decoder::new(), &[stream]);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(&mut Decoder::new(), &bytes), whole, "byte by byte");
        whole
    }

    fn data(stream: &[u8]) -> Vec<String> {
        events(stream).into_iter().map(|(_, data, _)| data).collect()
    }

    /// As Chromium 156 reads them.
    #[test]
    fn lines_end_in_three_ways() {
        for stream in ["data: a\ndata: b\n\n", "data: a\r\ndata: b\r\n\r\n", "data: a\rdata: b\r\r"]
        {
            assert_eq!(data(stream.as_bytes()), ["a\nb"], "{stream:?}");
        }
        assert_eq!(data(b"data: a\r\n\ndata: b\n\r\n"), ["a", "b"]);
        assert_eq!(data(b"data: a\n\rdata: b\r\r"), ["a", "b"]);
    }

    #[test]
    fn an_end_is_seen_as_soon_as_it_is_there() {
        assert_eq!(read(&mut Decoder::new(), &[b"data: a\r\r"])[0].1, "a");
        let mut decoder = Decoder::new();
        assert_eq!(
            read(&mut decoder, &[b"data: a\r", b"\n\r", b"\ndata: b\r", b"\r", b"\n"]).len(),
            2
        );
        assert_eq!(read(&mut decoder, &[b"\n"]), []);
    }

    #[test]
    fn a_bom_is_stripped_once() {
        assert_eq!(data(b"\xef\xbb\xbfdata: a\n\n"), ["a"]);
        assert_eq!(data(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n"), [""; 0]);
        assert_eq!(data(b"\xef\xbb\xbf\ndata: a\n\n"), ["a"]);
        assert_eq!(data(b"\xef\xbbdata: a\n\n"), [""; 0]);
        assert_eq!(data(b"data: a\n\xef\xbb\xbfdata: b\n\n"), ["a"]);
    }

    #[test]
    fn one_space_is_stripped() {
        assert_eq!(data(b"data:a\ndata:  b\ndata:\tc\ndata\n\n"), ["a\n b\n\tc\n"]);
        assert_eq!(data(b"data:\n\n"), [""]);
        assert_eq!(data(b"data\n\n"), [""]);
        assert_eq!(data(b"data:\ndata\n\n"), ["\n"]);
    }

    #[test]
    fn a_block_without_data_is_no_event() {
        assert_eq!(events(b"event: a\n\ndata: b\n\n"), [("message".into(), "b".into(), "".into())]);
        assert_eq!(events(b": only\n\n\n\n"), []);
        assert_eq!(events(b" data: a\nDATA: b\ndata : c\n:data: d\n\n"), []);
        assert_eq!(events(b"data: a\n"), []);
        assert_eq!(events(b"data: a"), []);
    }

    #[test]
    fn ids_stay_until_there_is_another() {
        let stream = b"id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\nid\ndata: d\n\n";
        let ids: Vec<_> = events(stream).into_iter().map(|(_, _, id)| id).collect();
        assert_eq!(ids, ["1", "1", "2", ""]);
        let ids: Vec<_> = events(b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n").into_iter().collect();
        assert_eq!(ids[1].2, "1");
    }

    #[test]
    fn a_checkpoint_counts_when_its_block_has_ended() {
        let mut decoder = Decoder::new();
        assert_eq!(read(&mut decoder, &[b"id: 7\n"]), []);
        assert_eq!(decoder.last_event_id(), "");
        assert_eq!(read(&mut decoder, &[b"\n"]), []);
        assert_eq!(decoder.last_event_id(), "7");
        assert_eq!(read(&mut decoder, &[b"id: 8\ndata: lost"]), []);
        assert_eq!(decoder.last_event_id(), "7");
    }

    #[test]
    fn types_are_those_of_their_block() {
        let stream =
            b"event: a\nevent: b\ndata\n\ndata\n\nevent: c\nevent\ndata\n\nevent:  d\ndata\n\n";
        let types: Vec<_> = events(stream).into_iter().map(|(name, _, _)| name).collect();
        assert_eq!(types, ["b", "message", "message", " d"]);
    }

    #[test]
    fn retry_is_digits() {
        for (value, expected) in [
            ("1500", Some(1_500)),
            ("0", Some(0)),
            ("", None),
            ("1.5", None),
            ("+1", None),
            ("-1", None),
            ("1 ", None),
            ("0x1", None),
            ("\u{0663}", None),
            ("99999999999999999999", None),
        ] {
            let mut decoder = Decoder::new();
            assert_eq!(read(&mut decoder, &[format!("retry: {value}\n").as_bytes()]), []);
            assert_eq!(decoder.retry(), expected.map(Duration::from_millis), "{value:?}");
        }
        let mut decoder = Decoder::new();
        read(&mut decoder, &[b"retry: 5\nretry: x\n"]);
        assert_eq!(decoder.retry(), Some(Duration::from_millis(5)));
    }

    #[test]
    fn what_is_no_utf8_is_replaced() {
        let expected = String::from_utf8_lossy(b"a\xffb\xe2\x82");
        assert_eq!(data(b"data: a\xffb\xe2\x82\n\n"), [&*expected]);
        assert_eq!(events(b"event: \xff\nid: \xfe\ndata\n\n")[0].0, "\u{fffd}");
        assert_eq!(data("data: \u{20ac}\n\n".as_bytes()), ["\u{20ac}"]);
    }

    #[test]
    fn what_is_too_long_ends_it() {
        for stream in [&b"data: aaaaa\n\n"[..], b"data: aaaaaaa", b":aaaaaaaaaaaaaaaaaaaa"] {
            let mut decoder = Decoder::with_max(10);
            decoder.feed(b"data: b\n\n");
            assert!(decoder.message().unwrap().is_some());
            decoder.feed(stream);
            assert_eq!(decoder.message(), Err(DecodeError { max: 10 }), "{stream:?}");
            decoder.feed(b"\n\ndata: c\n\n");
            assert_eq!(decoder.message(), Err(DecodeError { max: 10 }));
        }
        let mut decoder = Decoder::with_max(10);
        decoder.feed(b"data: aaa\ndata: aaa\ndata: aa\n");
        assert!(decoder.message().is_err());
        let mut decoder = Decoder::with_max(10);
        decoder.feed(b"\xef\xbb\xbfdata: aaaa\n\n");
        assert!(decoder.message().is_err(), "as if the line had come before its end");
        let mut decoder = Decoder::with_max(10);
        decoder.feed(b"data: aaaa\n\n");
        assert_eq!(decoder.message().unwrap().unwrap().data, "aaaa");
    }

    #[test]
    fn what_has_been_read_is_not_kept() {
        let mut decoder = Decoder::with_max(100);
        for _ in 0..10_000 {
            decoder.feed(b"data: aaaa\n\ndata:");
            while decoder.message().unwrap().is_some() {}
            decoder.feed(b" b\n\n: comment\n");
            while decoder.message().unwrap().is_some() {}
        }
        assert!(decoder.buffer.capacity() < 200);
    }
}
