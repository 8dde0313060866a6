//! What of an order lies together in an index of MySQL, where nulls are smallest and cannot be elsewhere. Pure.
//!
//! MySQL and MariaDB make one range of all branches that are joined by `OR`. Of a branch by itself they may see
//! no more than what is equal: MariaDB 10.11 then reads all rows that tie, 100,000 for a page of 50.

use super::branch::{After, Branch, from};
use crate::{Anchor, Column, Nulls};

/// Rows that are read one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stretch<'a> {
    /// They are in any of these; if there is none, it is the whole list.
    pub(super) branches: Vec<Branch<'a>>,
    /// How they are sorted.
    pub(super) order: Vec<Column>,
}

/// The rows from this place on, or all if there is none: the nearest stretch first.
pub(super) fn stretches<'a>(columns: &[Column], place: Option<&'a Anchor>) -> Vec<Stretch<'a>> {
    let first = &columns[0];
    let branches = match place {
        Some(place) => from(columns, place),
        None if is_in_place(first) => {
            return vec![Stretch { branches: Vec::new(), order: columns.to_vec() }];
        }
        None => halves(columns),
    };
    let (null, valued): (Vec<_>, Vec<_>) =
        branches.iter().cloned().partition(|branch| branch.is_null(first));
    let null = Stretch { branches: null, order: columns[1..].to_vec() };
    let mut order = columns.to_vec();
    order[0].nulls = None;
    let valued = Stretch { branches: valued, order };
    match (null.branches.is_empty(), valued.branches.is_empty()) {
        (true, _) => vec![valued],
        (_, true) => vec![null],
        _ if is_in_place(first) => vec![Stretch { branches, order: columns.to_vec() }],
        _ if first.nulls() == Some(Nulls::First) => vec![null, valued],
        _ => vec![valued, null],
    }
}

/// Are its nulls where an index has them?
pub(super) fn is_in_place(column: &Column) -> bool {
    let end = if column.is_descending() { Nulls::Last } else { Nulls::First };
    column.nulls().is_none_or(|nulls| nulls == end)
}

/// All rows, as those that have a value in the first column and those that have none.
fn halves<'a>(columns: &[Column]) -> Vec<Branch<'a>> {
    let half =
        |after| Branch { equal: Vec::new(), column: columns[0], after, order: columns.to_vec() };
    vec![half(After::NotNull), half(After::Null)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, Kind, Value};

    const B: Column = Column::new("b", Kind::Int);
    const ID: Column = Column::new("id", Kind::Int).unique();
    const ONE: Value = Value::Int(1);
    const DEEP: Option<&[Value]> = Some(&[ONE, ONE]);
    const NULL: Option<&[Value]> = Some(&[Value::Null, ONE]);

    /// How many branches each has, and how many columns sort it.
    fn shown(first: Column, values: Option<&[Value]>) -> Vec<(usize, usize)> {
        let place = values.map(|values| Anchor::at(Direction::Forward, values.to_vec()));
        let columns = [first, ID];
        let stretches = stretches(&columns, place.as_ref());
        stretches.iter().map(|it| (it.branches.len(), it.order.len())).collect()
    }

    #[test]
    fn rows_without_a_value_are_apart_where_an_index_has_them_at_the_other_end() {
        let last = B.nullable(Nulls::Last);
        assert_eq!(shown(last, None), [(1, 2), (1, 1)]);
        assert_eq!(shown(last, DEEP), [(2, 2), (1, 1)]);
        assert_eq!(shown(last, NULL), [(1, 1)]);
        let first = B.desc().nullable(Nulls::First);
        assert_eq!(shown(first, None), [(1, 1), (1, 2)]);
        assert_eq!(shown(first, DEEP), [(2, 2)]);
        assert_eq!(shown(first, NULL), [(1, 1), (1, 2)]);
    }

    #[test]
    fn else_all_is_one_stretch() {
        assert_eq!(shown(B, None), [(0, 2)]);
        assert_eq!(shown(B, DEEP), [(2, 2)]);
        let first = B.nullable(Nulls::First);
        assert_eq!(shown(first, None), [(0, 2)]);
        assert_eq!(shown(first, DEEP), [(2, 2)]);
        assert_eq!(shown(first, NULL), [(2, 2)]);
        assert_eq!(shown(B.desc().nullable(Nulls::Last), NULL), [(1, 1)]);
    }
}
