use std::error::Error;
use std::fmt;

/// Why a text is no origin that a policy can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginError {
    value: String,
    kind: OriginErrorKind,
    suggestion: Option<String>,
}

/// The kinds of [`OriginError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OriginErrorKind {
    /// Nothing at all.
    Empty,
}

impl OriginError {
    /// The text that was given.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What is wrong with it, for `match`.
    pub const fn kind(&self) -> OriginErrorKind {
        self.kind
    }

    /// What was probably meant, if that can be told.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

impl Error for OriginError {}

impl fmt::Display for OriginErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is empty")
    }
}
