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
}

impl Anchor {
    /// After this row.
    pub fn after(row: impl Place) -> Self {
        Self { direction: Direction::Forward, values: row.into_values() }
    }

    /// Before this row.
    pub fn before(row: impl Place) -> Self {
        Self { direction: Direction::Backward, values: row.into_values() }
    }

    /// At these values, if a row of the order could have them.
    pub fn new(sort: &Sort, direction: Direction, values: Vec<Value>) -> Option<Self> {
        sort.fits(&values).then_some(Self { direction, values })
    }
}
