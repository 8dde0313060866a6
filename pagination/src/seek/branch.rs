//! The stretches of an index that come after a place. Pure.
//!
//! After `(x, y)` in the order of `a, b` come the rows with `a = x` and a `b` after `y`, and those with an `a`
//! after `x`. Each is one stretch; where a column has nulls, those are one more.

use crate::{Anchor, Column, Nulls, Value};

/// Rows that are equal to the place in the columns before one, and after it in that one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branch<'a> {
    /// The columns that are equal, and what they are equal to.
    pub(super) equal: Vec<(Column, &'a Value)>,
    pub(super) column: Column,
    pub(super) after: After<'a>,
    /// How its rows are sorted: a value that all of them have does not sort them. What is null in all of them is
    /// said all the same. Otherwise PostgreSQL 15 takes the index of the columns behind it, and reads past all
    /// rows that are not null. MySQL is not told: MariaDB 10.11 would read all that are null to sort them.
    pub(super) order: Vec<Column>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum After<'a> {
    /// Its value comes after this one.
    Value(&'a Value),
    /// It is this one, or comes after it.
    From(&'a Value),
    /// It has no value, and such rows come last.
    Null,
    /// It has one, and rows without come first.
    NotNull,
}

impl Branch<'_> {
    /// Has none of its rows a value there?
    pub(super) fn is_null(&self, column: &Column) -> bool {
        let is_it = |other: &Column| other.name() == column.name();
        let is_equal = self.equal.iter().any(|(equal, value)| is_it(equal) && value.is_null());
        is_equal || (self.after == After::Null && is_it(&self.column))
    }
}

/// The stretches at which a page from this place is read, in the order of these columns, the nearest first.
pub(super) fn from<'a>(columns: &[Column], anchor: &'a Anchor) -> Vec<Branch<'a>> {
    let mut branches = after(columns, &anchor.values);
    // The tie-breaker is always there, and never null.
    if let Some(nearest) = branches.first_mut()
        && let After::Value(value) = nearest.after
        && anchor.inclusive
    {
        nearest.after = After::From(value);
    }
    branches
}

/// The stretches after these values, the nearest first.
pub(super) fn after<'a>(columns: &[Column], values: &'a [Value]) -> Vec<Branch<'a>> {
    let mut branches = Vec::new();
    for (at, (column, value)) in columns.iter().zip(values).enumerate().rev() {
        let equal: Vec<_> = columns.iter().copied().zip(values).take(at).collect();
        let before = equal.iter().filter(|(_, value)| value.is_null()).map(|(column, _)| *column);
        let before: Vec<_> = before.collect();
        let null = || [&before[..], &columns[at..]].concat();
        // Its rows have a value there.
        let valued = || {
            let mut order = null();
            order[before.len()] = Column { nulls: None, ..columns[at] };
            order
        };
        let mut push = |after, order| {
            branches.push(Branch { equal: equal.clone(), column: *column, after, order });
        };
        match (value.is_null(), column.nulls()) {
            (false, nulls) => {
                push(After::Value(value), valued());
                if nulls == Some(Nulls::Last) {
                    push(After::Null, null());
                }
            }
            (true, Some(Nulls::First)) => push(After::NotNull, valued()),
            (true, _) => {}
        }
    }
    branches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, Kind};

    const A: Column = Column::new("a", Kind::Int);
    const ID: Column = Column::new("id", Kind::Int).unique();
    const ONE: Value = Value::Int(1);

    fn shown(columns: &[Column], values: &[Value]) -> Vec<String> {
        show(&after(columns, values))
    }

    fn show(branches: &[Branch<'_>]) -> Vec<String> {
        let name = |after: &After<'_>| match after {
            After::Value(_) => "after",
            After::From(_) => "from",
            After::Null => "null",
            After::NotNull => "not null",
        };
        let show = |branch: &Branch<'_>| {
            let equal: Vec<_> = branch.equal.iter().map(|(column, _)| column.name()).collect();
            let order: Vec<_> = branch.order.iter().map(Column::name).collect();
            format!(
                "{} = | {} {} | {}",
                equal.join(","),
                branch.column.name(),
                name(&branch.after),
                order.join(",")
            )
        };
        branches.iter().map(show).collect()
    }

    #[test]
    fn there_is_one_for_each_column_and_one_for_nulls() {
        assert_eq!(shown(&[ID], &[ONE]), [" = | id after | id"]);
        assert_eq!(shown(&[A, ID], &[ONE, ONE]), ["a = | id after | id", " = | a after | a,id"]);
        let last = A.nullable(Nulls::Last);
        assert_eq!(
            shown(&[last, ID], &[ONE, ONE]),
            ["a = | id after | id", " = | a after | a,id", " = | a null | a,id"]
        );
        assert_eq!(shown(&[last, ID], &[Value::Null, ONE]), ["a = | id after | a,id"]);
        let first = A.nullable(Nulls::First);
        assert_eq!(
            shown(&[first, ID], &[ONE, ONE]),
            ["a = | id after | id", " = | a after | a,id"]
        );
        assert_eq!(
            shown(&[first, ID], &[Value::Null, ONE]),
            ["a = | id after | a,id", " = | a not null | a,id"]
        );
    }

    #[test]
    fn a_place_that_is_included_is_in_the_nearest() {
        let place = Anchor::at(Direction::Forward, vec![ONE, ONE]);
        assert_eq!(show(&from(&[A, ID], &place)), shown(&[A, ID], &[ONE, ONE]));
        let place = place.including();
        assert_eq!(show(&from(&[A, ID], &place)), ["a = | id from | id", " = | a after | a,id"]);
    }
}
