//! Lists of any order, in a database and in memory.

use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::sample::Index;
use stonework_pagination::{
    Anchor, Column, Dialect, Direction, Kind, Nulls, Seek, SeekErrorKind, Select, Shape, Sort,
    Statement, Value,
};

/// A row: the values of `a`, `b` and `c`, of which each may be missing, and its id.
pub(crate) type Row = (Option<i64>, Option<i64>, Option<i64>, i64);

/// Whatever runs statements against a table `t` with the columns `a`, `b`, `c` and `id`.
pub(crate) trait Database {
    const DIALECT: Dialect;

    /// Any statement without values.
    fn execute(&mut self, sql: &str);
    fn rows(&mut self, statement: Statement) -> Vec<Row>;

    /// Throws away what is in the table.
    fn fill(&mut self, rows: &[Row]) {
        self.execute("DELETE FROM t");
        rows.iter().for_each(|row| self.insert(*row));
    }

    fn insert(&mut self, (a, b, c, id): Row) {
        let text = |value: Option<i64>| value.map_or("NULL".to_owned(), |value| value.to_string());
        let [a, b, c] = [a, b, c].map(text);
        self.execute(&format!("INSERT INTO t (a, b, c, id) VALUES ({a}, {b}, {c}, {id})"));
    }

    fn delete(&mut self, id: i64) {
        self.execute(&format!("DELETE FROM t WHERE id = {id}"));
    }
}

/// A list, and how it is sorted.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) sort: Sort,
    pub(crate) rows: Vec<Row>,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Up to three columns that tie heavily, and the id.
fn columns() -> impl Strategy<Value = Vec<Column>> {
    let nulls = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Nulls::First)),
        1 => Just(Some(Nulls::Last)),
    ];
    let column = (any::<bool>(), nulls);
    (prop::collection::vec(column, 0..=3), any::<bool>()).prop_map(|(columns, id_descends)| {
        let named = NAMES.iter().zip(columns).map(|(name, (descends, nulls))| {
            let column = Column::new(name, Kind::Int);
            let column = if descends { column.desc() } else { column };
            nulls.map_or(column, |nulls| column.nullable(nulls))
        });
        let id = Column::new("id", Kind::Int).unique();
        named.chain([if id_descends { id.desc() } else { id }]).collect()
    })
}

/// What a row may have, given how it is sorted.
fn row(columns: &[Column], [a, b, c]: [Option<i64>; 3], id: i64) -> Row {
    let allowed = |name: &str, value: Option<i64>| {
        let column = columns.iter().find(|column| column.name() == name);
        let is_nullable = column.is_none_or(|column| column.nulls().is_some());
        if is_nullable { value } else { Some(value.unwrap_or(0)) }
    };
    (allowed("a", a), allowed("b", b), allowed("c", c), id)
}

fn values() -> impl Strategy<Value = [Option<i64>; 3]> {
    let value = || prop::option::weighted(0.7, -1_i64..2);
    [value(), value(), value()]
}

pub(crate) fn list(most: usize) -> impl Strategy<Value = List> {
    (columns(), prop::collection::vec(values(), 0..most)).prop_map(|(columns, rows)| {
        let ids = (0..).step_by(2);
        let rows =
            rows.into_iter().zip(ids).map(|(values, id)| row(&columns, values, id)).collect();
        List { sort: Sort::new(columns).unwrap(), rows }
    })
}

pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    prop::sample::select(vec![Shape::Auto, Shape::Union, Shape::HintedOr, Shape::RowValue])
}

pub(crate) fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Forward, Direction::Backward])
}

fn value(row: &Row, column: &Column) -> Option<i64> {
    match column.name() {
        "a" => row.0,
        "b" => row.1,
        "c" => row.2,
        _ => Some(row.3),
    }
}

impl List {
    fn compare(&self, one: &Row, two: &Row) -> Ordering {
        let by = |column: &Column| {
            let first = column.nulls() == Some(Nulls::First);
            match (value(one, column), value(two, column)) {
                (Some(one), Some(two)) if column.is_descending() => two.cmp(&one),
                (Some(one), Some(two)) => one.cmp(&two),
                (None, None) => Ordering::Equal,
                (None, Some(_)) if first => Ordering::Less,
                (Some(_), None) if !first => Ordering::Less,
                _ => Ordering::Greater,
            }
        };
        self.sort.columns().iter().map(by).fold(Ordering::Equal, Ordering::then)
    }

    /// The rows in their order.
    pub(crate) fn sorted(&self) -> Vec<Row> {
        let mut rows = self.rows.clone();
        rows.sort_by(|one, two| self.compare(one, two));
        rows
    }

    pub(crate) fn anchor(&self, row: &Row, direction: Direction) -> Anchor {
        let columns = self.sort.columns().iter();
        let values = columns.map(|column| Value::from(value(row, column))).collect();
        Anchor::new(&self.sort, direction, values).unwrap()
    }

    /// A new row that this list may have.
    pub(crate) fn another(&self, values: [Option<i64>; 3], id: i64) -> Row {
        row(self.sort.columns(), values, id)
    }
}

/// What is selected has a placeholder of its own.
pub(crate) fn select(dialect: Dialect) -> Select {
    Select::new(match dialect {
        Dialect::Postgres => "SELECT * FROM t WHERE id >= $1 -- all",
        Dialect::Sqlite => "SELECT * FROM t WHERE id >= ?1 -- all",
        _ => "SELECT * FROM t WHERE id >= ? -- all",
    })
    .bind(-1_i64)
}

/// All rows from one end to the other, page by page, as they were found.
pub(crate) fn crawl<D: Database>(
    database: &mut D,
    list: &List,
    limit: u32,
    direction: Direction,
    shape: Shape,
    mut between: impl FnMut(&mut D, &Row),
) -> Vec<Row> {
    let (mut all, mut from) = (Vec::new(), None);
    loop {
        let seek = match direction {
            Direction::Backward => Seek::last(list.sort.clone(), limit),
            _ => Seek::first(list.sort.clone(), limit),
        };
        let seek = from.iter().fold(seek, |seek, row| seek.from(list.anchor(row, direction)));
        let mut rows = found(database, seek, shape);
        assert!(rows.len() <= limit as usize + 1, "no more than was asked for");
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        all.extend(&rows);
        let Some(last) = rows.pop().filter(|_| has_more) else { return all };
        between(database, &last);
        from = Some(last);
    }
}

/// In this shape, or in that of the database where the order has it not.
fn found<D: Database>(database: &mut D, seek: Seek, shape: Shape) -> Vec<Row> {
    let render = |seek: Seek| seek.render(D::DIALECT, select(D::DIALECT));
    let statement = match render(seek.clone().shape(shape)) {
        Err(error) if error.kind() == SeekErrorKind::Shape && shape == Shape::RowValue => {
            render(seek)
        }
        rendered => rendered,
    };
    database.rows(statement.unwrap())
}

/// From each row on, with it.
fn begins_at_what_is_included<D: Database>(database: &mut D, list: &List, shape: Shape) {
    let forward = list.sorted();
    let backward: Vec<_> = forward.iter().rev().copied().collect();
    for (rows, direction) in [(forward, Direction::Forward), (backward, Direction::Backward)] {
        for (at, row) in rows.iter().enumerate() {
            let anchor = list.anchor(row, direction).including();
            let read = found(database, Seek::first(list.sort.clone(), 2).from(anchor), shape);
            let expected: Vec<_> = rows[at..].iter().take(3).copied().collect();
            assert_eq!(read, expected, "from {row:?}, {direction:?}");
        }
    }
}

/// Both ways, with every size of a page.
pub(crate) fn finds_all_rows_in_order<D: Database>(database: &mut D, list: &List, shape: Shape) {
    database.fill(&list.rows);
    let sorted = list.sorted();
    let reversed: Vec<_> = sorted.iter().rev().copied().collect();
    for limit in 1..=list.rows.len() as u32 + 1 {
        let forward = crawl(database, list, limit, Direction::Forward, shape, |_, _| {});
        assert_eq!(forward, sorted, "pages of {limit}");
        let backward = crawl(database, list, limit, Direction::Backward, shape, |_, _| {});
        assert_eq!(backward, reversed, "pages of {limit}, backward");
    }
    begins_at_what_is_included(database, list, shape);
}

/// What happens to a list while it is read: a new row, and whether the last one that was read goes.
pub(crate) type Change = ([Option<i64>; 3], bool);

pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec((values(), any::<bool>()), 0..20)
}

/// Whatever was there all the time is read once, in order.
pub(crate) fn loses_nothing_while_rows_come_and_go<D: Database>(
    database: &mut D,
    list: &List,
    limit: u32,
    (direction, shape): (Direction, Shape),
    changes: &[Change],
) {
    database.fill(&list.rows);
    let mut changes = changes.iter().zip((1..).step_by(2));
    let mut gone = Vec::new();
    let read = crawl(database, list, limit, direction, shape, |database, last| {
        if let Some(((values, goes), id)) = changes.next() {
            database.insert(list.another(*values, id));
            if *goes {
                database.delete(last.3);
                gone.push(*last);
            }
        }
    });
    let mut stayed = list.sorted();
    if direction == Direction::Backward {
        stayed.reverse();
    }
    let ours: Vec<_> = read.iter().filter(|row| row.3 % 2 == 0).copied().collect();
    assert_eq!(ours, stayed, "{gone:?} went after they were read");
}

/// Up to a place, and no further.
pub(crate) fn ends_where_it_is_told<D: Database>(
    database: &mut D,
    list: &List,
    limit: u32,
    ends: [Index; 2],
    direction: Direction,
) {
    database.fill(&list.rows);
    let mut sorted = list.sorted();
    if direction == Direction::Backward {
        sorted.reverse();
    }
    if sorted.is_empty() {
        return;
    }
    let [from, until] = ends.map(|end| end.index(sorted.len()));
    let opposite = Direction::Forward;
    let seek = Seek::first(list.sort.clone(), limit)
        .from(list.anchor(&sorted[from], direction))
        .until(list.anchor(&sorted[until], opposite));
    let rows = database.rows(seek.render(D::DIALECT, select(D::DIALECT)).unwrap());
    let between = sorted.get(from + 1..until).unwrap_or_default();
    let expected: Vec<_> = between.iter().take(limit as usize + 1).copied().collect();
    assert_eq!(rows, expected);
}

/// What holds of every list, in so many cases, in the database that this thread-local has.
macro_rules! every_list {
    ($database:ident, $cases:literal) => {
        proptest::proptest! {
            #![proptest_config(proptest::prelude::ProptestConfig {
                failure_persistence: None,
                cases: $cases,
                ..proptest::prelude::ProptestConfig::default()
            })]

            #[test]
            fn every_order_is_read_page_by_page_both_ways(
                list in $crate::support::list(12),
                shape in $crate::support::shape(),
            ) {
                $database.with_borrow_mut(|database| {
                    $crate::support::finds_all_rows_in_order(database, &list, shape);
                });
            }

            #[test]
            fn nothing_is_lost_or_repeated_while_rows_come_and_go(
                list in $crate::support::list(20),
                limit in 1_u32..5,
                how in ($crate::support::direction(), $crate::support::shape()),
                changes in $crate::support::changes(),
            ) {
                use $crate::support::loses_nothing_while_rows_come_and_go as loses_nothing;
                $database.with_borrow_mut(|database| {
                    loses_nothing(database, &list, limit, how, &changes);
                });
            }

            #[test]
            fn a_page_ends_where_it_is_told(
                list in $crate::support::list(12),
                limit in 1_u32..13,
                ends in proptest::prelude::any::<[proptest::sample::Index; 2]>(),
                direction in $crate::support::direction(),
            ) {
                $database.with_borrow_mut(|database| {
                    $crate::support::ends_where_it_is_told(database, &list, limit, ends, direction);
                });
            }
        }
    };
}
pub(crate) use every_list;
