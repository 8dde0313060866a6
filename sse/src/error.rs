use std::error::Error;
use std::fmt;

/// Why something is no event.
#[derive(Debug)]
pub struct EventError {
    kind: EventErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kinds of [`EventError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventErrorKind {
    /// The name of its kind is empty or has a line break.
    EventType,
    /// Its id is not one that browsers carry back.
    Id,
    /// Its data cannot be written as JSON.
    Json,
}

impl EventError {
    pub(crate) const fn new(kind: EventErrorKind) -> Self {
        Self { kind, source: None }
    }

    #[cfg(feature = "json")]
    pub(crate) fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// What is wrong, for `match`.
    pub const fn kind(&self) -> EventErrorKind {
        self.kind
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            EventErrorKind::EventType => {
                "an event type is a text of one line, and has at least one character"
            }
            EventErrorKind::Id => {
                "an id has 1 to 128 visible ASCII characters, and none of \"():<>?@[\\]{}"
            }
            EventErrorKind::Json => "the data cannot be written as JSON",
        })
    }
}

impl Error for EventError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
