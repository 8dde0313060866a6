//! A list in memory, which is read as a database would read it.

use stonework_pagination::{Anchor, Direction, Page, Value, keyset};

keyset! {
    pub(crate) struct Newest {
        pub(crate) created_at: i64 => desc,
        pub(crate) id: i64 => desc unique,
    }
}

/// When, and which.
pub(crate) type Row = (i64, i64);

/// Newest first, two of each time.
pub(crate) fn rows(many: i64) -> Vec<Row> {
    (1..=many).rev().map(|id| (id / 2, id)).collect()
}

pub(crate) fn place(row: &Row) -> Newest {
    Newest { created_at: row.0, id: row.1 }
}

/// The rows that the page seeks, as they are found.
pub(crate) fn found(rows: &[Row], page: &Page<Newest>) -> Vec<Row> {
    let mut rows = rows.to_vec();
    if page.direction() == Direction::Backward {
        rows.reverse();
    }
    let is_after = |row: &Row, than: Row| match page.direction() {
        Direction::Backward => *row > than,
        _ => *row < than,
    };
    let from = page.anchor().map(row);
    let is_included = page.anchor().is_some_and(|anchor| anchor.inclusive);
    let until = page.until().map(row);
    let skipped = page.skipped() as usize;
    let after = rows
        .into_iter()
        .skip(skipped)
        .filter(|row| from.is_none_or(|from| is_after(row, from) || is_included && *row == from));
    let found = after.take(page.limit() as usize + 1);
    found.filter(|row| until.is_none_or(|until| is_after(&until, *row))).collect()
}

fn row(anchor: &Anchor) -> Row {
    match anchor.values[..] {
        [Value::Int(at), Value::Int(id)] => (at, id),
        _ => panic!("another order"),
    }
}
