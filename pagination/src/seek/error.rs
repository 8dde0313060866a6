use std::fmt;

/// Why a page cannot be asked for. All are mistakes of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeekError {
    kind: SeekErrorKind,
}

/// The kinds of [`SeekError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SeekErrorKind {
    /// A placeholder has no number, where the statement may have to use it twice: write `?1`.
    Unnumbered,
    /// What is selected has placeholders without a value, or values without a placeholder.
    Binds,
    /// It is more than one statement.
    ManyStatements,
    /// A place has other values than the order.
    OtherSort,
    /// The order has no such shape in this dialect.
    Shape,
    /// A column has a [cast](crate::Column::cast) that the dialect does not know.
    Cast,
}

impl SeekError {
    /// Which of them.
    pub const fn kind(&self) -> SeekErrorKind {
        self.kind
    }
}

impl From<SeekErrorKind> for SeekError {
    fn from(kind: SeekErrorKind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for SeekError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SeekErrorKind::Unnumbered => "a placeholder has no number: write ?1, ?2 and so on",
            SeekErrorKind::Binds => "there are not as many values as placeholders",
            SeekErrorKind::ManyStatements => "it is more than one statement",
            SeekErrorKind::OtherSort => "the place is none of this order",
            SeekErrorKind::Shape => "the order has no such shape in this dialect",
            SeekErrorKind::Cast => "the dialect does not know what a column is cast to",
        })
    }
}

impl std::error::Error for SeekError {}
