//! What a client hears, by the rules of WHATWG HTML, section 9.2.6, of the whole stream at once.

use std::mem::take;
use std::time::Duration;

/// Type, data and id of an event.
pub(crate) type Told = (String, String, String);

/// What a client knows when a stream has ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) events: Vec<Told>,
    pub(crate) last_event_id: String,
    pub(crate) retry: Option<Duration>,
}

/// The buffers that the standard names.
#[derive(Default)]
struct Buffers {
    event_type: String,
    data: String,
    last_event_id: String,
}

/// "Streams must be decoded using the UTF-8 decode algorithm", which takes away one byte order mark.
pub(crate) fn heard(stream: &[u8]) -> Heard {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (mut heard, mut buffers) = (Heard::default(), Buffers::default());
    for line in text.replace("\r\n", "\n").replace('\r', "\n").split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some("") => buffers.dispatch(&mut heard),
            Some(line) => buffers.process(line, &mut heard.retry),
            // "Once the end of the file is reached, any pending data must be discarded."
            None => {}
        }
    }
    heard
}

impl Buffers {
    fn process(&mut self, line: &str, retry: &mut Option<Duration>) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => self.event_type = value.to_owned(),
            "data" => self.data += &format!("{value}\n"),
            "id" if !value.contains('\0') => self.last_event_id = value.to_owned(),
            "retry" => *retry = number(value).map(Duration::from_millis).or(*retry),
            _ => {}
        }
    }

    fn dispatch(&mut self, heard: &mut Heard) {
        heard.last_event_id.clone_from(&self.last_event_id);
        let (event_type, data) = (take(&mut self.event_type), take(&mut self.data));
        let Some(data) = data.strip_suffix('\n') else { return };
        let event_type = if event_type.is_empty() { "message".to_owned() } else { event_type };
        heard.events.push((event_type, data.to_owned(), self.last_event_id.clone()));
    }
}

/// "Only ASCII digits". Of none, and of more than 64 bits hold, the standard says nothing that could be done.
fn number(value: &str) -> Option<u64> {
    value.parse().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()))
}
