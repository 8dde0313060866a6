//! How the rows of a page are found: SQL that reads as many rows as the page has, however deep it lies.

mod branch;
mod count;
mod dialect;
mod error;
mod placeholders;
mod render;
mod select;
mod shape;
mod stretch;

pub use dialect::Dialect;
pub use error::{SeekError, SeekErrorKind};
pub use select::{Select, Statement};
pub use shape::Shape;

use crate::{Anchor, Column, Direction, Sort};

/// What is asked of a database for a page: rows after a place, in an order, one more than the page has.
///
/// ```
/// use stonework_pagination::{Anchor, Dialect, Direction, Keyset, Seek, keyset};
///
/// keyset! {
///     struct ByDue {
///         due: Option<i64> => asc nulls last,
///         id: i64 => asc unique,
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let seek = Seek::first(ByDue::sort().clone(), 20);
/// let statement = seek.render(Dialect::Sqlite, "SELECT * FROM tasks")?;
/// assert_eq!(
///     statement.sql,
///     "SELECT * FROM (SELECT * FROM tasks\n) AS page \
///      ORDER BY \"due\" ASC NULLS LAST, \"id\" ASC LIMIT 21",
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Seek {
    sort: Sort,
    direction: Direction,
    /// Where it begins; an end of the list if that is not said.
    from: Option<Anchor>,
    /// Before which place it ends, if that comes sooner.
    until: Option<Anchor>,
    /// So many rows are left out before the page.
    skip: u64,
    limit: u32,
    shape: Shape,
}

impl Seek {
    /// The first page of a list, of so many items.
    pub const fn first(sort: Sort, limit: u32) -> Self {
        Self {
            sort,
            direction: Direction::Forward,
            from: None,
            until: None,
            skip: 0,
            limit,
            shape: Shape::Auto,
        }
    }

    /// The last page. Its rows are found from the end.
    pub fn last(sort: Sort, limit: u32) -> Self {
        Self { direction: Direction::Backward, ..Self::first(sort, limit) }
    }

    /// The page that begins at this place, and is read in its direction.
    #[must_use]
    pub fn from(self, anchor: Anchor) -> Self {
        Self { direction: anchor.direction, from: Some(anchor), ..self }
    }

    /// Ends before this place, whatever its direction. No more rows are read for it.
    #[must_use]
    pub fn until(self, anchor: Anchor) -> Self {
        Self { until: Some(anchor), ..self }
    }

    /// Leaves out so many rows before the page: the database reads them all. For pages that have numbers.
    #[must_use]
    pub fn skip(self, rows: u64) -> Self {
        Self { skip: rows, ..self }
    }

    /// How it is asked. Default [`Shape::Auto`].
    #[must_use]
    pub fn shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// Which way the rows are read. Backward, the first row is the last of the page.
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// The statement: the rows of `select` that belong to the page, and one more if there is one.
    ///
    /// Columns are named as `select` returns them. Values are bound and never written into the text.
    ///
    /// # Errors
    ///
    /// When what is selected has placeholders that cannot be numbered, or more than values, or is more than
    /// one statement; when a place is none of the order; when the shape is none that the order has.
    pub fn render(
        &self,
        dialect: Dialect,
        select: impl Into<Select>,
    ) -> Result<Statement, SeekError> {
        render::render(self, dialect, select.into())
    }

    /// The columns in the direction of reading.
    fn columns(&self) -> Vec<Column> {
        in_direction(&self.sort, self.direction)
    }
}

fn in_direction(sort: &Sort, direction: Direction) -> Vec<Column> {
    let columns = sort.columns().iter().copied();
    match direction {
        Direction::Forward => columns.collect(),
        Direction::Backward => columns.map(Column::flipped).collect(),
    }
}
