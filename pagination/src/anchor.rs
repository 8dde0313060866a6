use crate::{Place, Sort, Value};

/// Which way a list is read from a place in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// What comes after, in the order of the list.
    #[default]
    Forward,
    /// What comes before, in the same order.
    Backward,
}

impl Direction {
    pub(crate) const fn opposite(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }
}

/// What a cursor says: after or before which place a page begins.
///
/// The place is the values of a row, not its name: the row may be gone, and the page begins where it was.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Anchor {
    /// Which way to read.
    pub direction: Direction,
    /// The values of the columns that the list is sorted by.
    pub values: Vec<Value>,
    /// Whether a row that is at this very place is on the page.
    pub inclusive: bool,
}

impl Anchor {
    /// After this row.
    pub fn after(row: impl Place) -> Self {
        Self::at(Direction::Forward, row.into_values())
    }

    /// Before this row.
    pub fn before(row: impl Place) -> Self {
        Self::at(Direction::Backward, row.into_values())
    }

    /// At these values, if a row of the order could have them.
    pub fn new(sort: &Sort, direction: Direction, values: Vec<Value>) -> Option<Self> {
        sort.fits(&values).then(|| Self::at(direction, values))
    }

    /// And the row itself, if it is there.
    #[must_use]
    pub fn including(self) -> Self {
        Self { inclusive: true, ..self }
    }

    /// Values that are known to be of the order.
    pub(crate) const fn at(direction: Direction, values: Vec<Value>) -> Self {
        Self { direction, values, inclusive: false }
    }
}
