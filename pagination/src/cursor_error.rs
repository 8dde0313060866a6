use std::error::Error;
use std::fmt;

use stonework_core::StoreError;

/// Why a cursor is of no use.
///
/// Clients are told that it is, and not why: the difference between a cursor that was forged and one that is
/// somebody else's is nobody's business. The kind is for logs.
#[derive(Debug)]
pub struct CursorError {
    kind: CursorErrorKind,
    source: Option<StoreError>,
}

/// The kinds of [`CursorError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CursorErrorKind {
    /// It is longer than any that is made here.
    TooLong,
    /// It is no token, or one of another version of this crate, or of another mode.
    Format,
    /// It was made with a key that is not known, any more or yet.
    UnknownKey,
    /// It was changed, or is that of another list, other filters, somebody else, or another epoch.
    Forged,
    /// It was good once.
    Expired,
    /// It is that of another order.
    OtherSort,
    /// The store does not know it.
    Unknown,
    /// The store does not answer. The only one that is not the client's.
    Unavailable,
}

impl CursorError {
    pub(crate) const fn new(kind: CursorErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Which of them.
    pub const fn kind(&self) -> CursorErrorKind {
        self.kind
    }
}

impl From<CursorErrorKind> for CursorError {
    fn from(kind: CursorErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<StoreError> for CursorError {
    fn from(error: StoreError) -> Self {
        Self { kind: CursorErrorKind::Unavailable, source: Some(error) }
    }
}

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CursorErrorKind::TooLong => "the cursor is too long",
            CursorErrorKind::Format => "the cursor is no token of this format",
            CursorErrorKind::UnknownKey => "the key of the cursor is not known",
            CursorErrorKind::Forged => "the cursor was changed, or is for something else",
            CursorErrorKind::Expired => "the cursor has expired",
            CursorErrorKind::OtherSort => "the cursor is for another order",
            CursorErrorKind::Unknown => "the store does not know the cursor",
            CursorErrorKind::Unavailable => "the store of cursors does not answer",
        })
    }
}

impl Error for CursorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
