use std::borrow::Cow;
use std::time::Duration;

use crate::frame::Writer;
use crate::{EventError, EventErrorKind, Frame};

/// Longer ids are not carried back by browsers without a preflight (Fetch, "CORS-safelisted request-header").
pub(crate) const MAX_ID: usize = 128;

/// An event, as it is before it is written.
///
/// ```
/// use stonework_sse::Event;
///
/// let event = Event::new("one\ntwo").event_type("note")?.id("42")?;
/// assert_eq!(event.frame().as_str(), "id: 42\nevent: note\ndata: one\ndata: two\n\n");
/// # Ok::<(), stonework_sse::EventError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    event_type: Option<&'a str>,
    data: Cow<'a, str>,
    id: Option<&'a str>,
    retry: Option<Duration>,
}

impl<'a> Event<'a> {
    /// An event with this data. Any text will do: `\r\n`, `\r` and `\n` each end a line, and are read back as `\n`;
    /// an empty text is an event all the same.
    pub fn new(data: impl Into<Cow<'a, str>>) -> Self {
        Self { data: data.into(), ..Self::default() }
    }

    /// An event whose data is this value as JSON. Feature `json`.
    ///
    /// # Errors
    ///
    /// When the value cannot be written as JSON.
    #[cfg(feature = "json")]
    #[cfg_attr(docsrs, doc(cfg(feature = "json")))]
    pub fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<Self, EventError> {
        let data = serde_json::to_string(value);
        data.map(Self::new)
            .map_err(|error| EventError::new(EventErrorKind::Json).with_source(error))
    }

    /// What kind of event it is: for which name a browser calls listeners. Without one it is `message`.
    ///
    /// # Errors
    ///
    /// When it is empty or has a line break, which would end the field.
    pub fn event_type(self, name: &'a str) -> Result<Self, EventError> {
        if name.is_empty() || memchr::memchr2(b'\r', b'\n', name.as_bytes()).is_some() {
            return Err(EventError::new(EventErrorKind::EventType));
        }
        Ok(self.of_type(name))
    }

    /// Of a type that is known to be one.
    pub(crate) fn of_type(self, name: &'a str) -> Self {
        Self { event_type: Some(name), ..self }
    }

    /// What a client says when it comes back, in `Last-Event-ID`. A [`Hub`](crate::Hub) gives its own.
    ///
    /// # Errors
    ///
    /// When browsers would not carry it back as it is, or only after asking for leave (a CORS preflight): it has 1 to
    /// 128 visible ASCII characters, and none of `"():<>?@[\]{}`.
    pub fn id(self, id: &'a str) -> Result<Self, EventError> {
        if !is_id(id) {
            return Err(EventError::new(EventErrorKind::Id));
        }
        Ok(Self { id: Some(id), ..self })
    }

    /// After which time a client that lost the connection comes back. In whole milliseconds.
    #[must_use]
    pub fn retry(self, after: Duration) -> Self {
        Self { retry: Some(after), ..self }
    }

    /// The name of its kind.
    pub fn name(&self) -> &'a str {
        self.event_type.unwrap_or("message")
    }

    /// What it says.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// As it is sent. One allocation, of the exact size.
    pub fn frame(&self) -> Frame {
        self.written(self.id)
    }

    /// All of it but the id.
    #[cfg(feature = "hub")]
    pub(crate) fn body(&self) -> bytes::Bytes {
        self.written(None).into()
    }

    fn written(&self, id: Option<&str>) -> Frame {
        let mut digits = itoa::Buffer::new();
        let retry = self.retry.map(|retry| digits.format(milliseconds(retry)));
        let fields = [(ID, id), ("event: ", self.event_type), (RETRY, retry)];
        let given = fields.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        let fields = given.chain(lines(&self.data).map(|line| (DATA, line)));
        let len = fields.clone().map(|(name, value)| name.len() + value.len() + 1).sum::<usize>();
        let mut writer = Writer::with_capacity(len + 1);
        fields.for_each(|(name, value)| writer.field(name, value));
        writer.finish()
    }
}

/// With the space: some clients need it (axum#2149).
const DATA: &str = "data: ";

pub(crate) const ID: &str = "id: ";

pub(crate) const RETRY: &str = "retry: ";

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| SAFE[usize::from(byte)])
}

/// Which bytes an id may have. A table, since an id is looked at for each event.
const SAFE: [bool; 256] = {
    let (mut safe, mut byte) = ([false; 256], b'!');
    while byte <= b'~' {
        safe[byte as usize] = !matches!(
            byte,
            b'"' | b'('
                | b')'
                | b':'
                | b'<'
                | b'>'
                | b'?'
                | b'@'
                | b'['
                | b'\\'
                | b']'
                | b'{'
                | b'}'
        );
        byte += 1;
    }
    safe
};

/// What lies between line breaks of any kind; an empty text is one line.
fn lines(text: &str) -> impl Iterator<Item = &str> + Clone {
    let bytes = text.as_bytes();
    let mut breaks = memchr::memchr2_iter(b'\r', b'\n', bytes);
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        let Some(end) = breaks.next() else {
            start = None;
            return Some(&text[from..]);
        };
        let is_pair = bytes[end..].starts_with(b"\r\n");
        start = Some(if is_pair { breaks.next().unwrap_or(end) } else { end } + 1);
        Some(&text[from..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(data: &str) -> String {
        Event::new(data).frame().as_str().to_owned()
    }

    #[test]
    fn each_line_is_a_field() {
        for (data, expected) in [
            ("", "data: \n\n"),
            ("a", "data: a\n\n"),
            (" a", "data:  a\n\n"),
            ("a\nb", "data: a\ndata: b\n\n"),
            ("a\r\nb", "data: a\ndata: b\n\n"),
            ("a\rb", "data: a\ndata: b\n\n"),
            ("a\n\rb", "data: a\ndata: \ndata: b\n\n"),
            ("a\n", "data: a\ndata: \n\n"),
            ("\n", "data: \ndata: \n\n"),
            ("\r\n\r\n", "data: \ndata: \ndata: \n\n"),
            ("a\nid: 7", "data: a\ndata: id: 7\n\n"),
            ("\u{feff}\0", "data: \u{feff}\0\n\n"),
        ] {
            assert_eq!(shown(data), expected, "{data:?}");
        }
    }

    #[test]
    fn fields_have_an_order() {
        let event = Event::new("x").retry(Duration::from_millis(1_500));
        let event = event.event_type("t").unwrap().id("1.2").unwrap();
        assert_eq!(event.frame().as_str(), "id: 1.2\nevent: t\nretry: 1500\ndata: x\n\n");
        assert_eq!(event.name(), "t");
        assert_eq!(Event::new("x").name(), "message");
        assert_eq!(Event::new("").retry(Duration::MAX).frame().as_str().len(), 36);
    }

    #[test]
    fn what_would_end_a_field_is_refused() {
        for name in ["", "a\nb", "a\rb", "a\r\n", "\n"] {
            let error = Event::new("x").event_type(name).unwrap_err();
            assert_eq!(error.kind(), EventErrorKind::EventType, "{name:?}");
        }
        assert!(Event::new("x").event_type(" transfer: \u{e9}").is_ok());
    }

    #[test]
    fn ids_are_those_that_browsers_carry_without_a_preflight() {
        for id in ["", "a b", "a\n", "a\0", "\u{e9}", "<a>", "a:b", "a\"", "{", "a\u{7f}"] {
            let error = Event::new("x").id(id).unwrap_err();
            assert_eq!(error.kind(), EventErrorKind::Id, "{id:?}");
        }
        assert!(Event::new("x").id(&"a".repeat(MAX_ID + 1)).is_err());
        for id in ["0", "a-B_9.~!#$%&'*+,/;=^`|", &"a".repeat(MAX_ID)] {
            assert!(Event::new("x").id(id).is_ok(), "{id:?}");
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_is_one_line() {
        let event = Event::json(&["a\nb", "\r"]).unwrap();
        assert_eq!(event.frame().as_str(), "data: [\"a\\nb\",\"\\r\"]\n\n");
        let error = Event::json(&std::collections::HashMap::from([((), 1)])).unwrap_err();
        assert_eq!(error.kind(), EventErrorKind::Json);
    }
}
