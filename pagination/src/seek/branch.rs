//! The stretches of an index that come after a place. Pure.
//!
//! After `(x, y)` in the order of `a, b` come the rows with `a = x` and a `b` after `y`, and those with an `a`
//! after `x`. Each is one stretch; where a column has nulls, those are one more.

use crate::{Column, Nulls, Value};

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

/// The stretches after these values in the order of these columns, the nearest first.
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
    use crate::Kind;

    const A: Column = Column::new("a", Kind::Int);
    const ID: Column = Column::new("id", Kind::Int).unique();
    const ONE: Value = Value::Int(1);

    fn shown(columns: &[Column], values: &[Value]) -> Vec<String> {
        let name = |after: &After<'_>| match after {
            After::Value(_) => "after",
            After::Null => "null",
            After::NotNull => "not null",
        };
        let branches = after(columns, values);
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
}
