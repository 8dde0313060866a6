//! Pages out of SQLite, compared with a sorted list in memory.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod support;

use std::cell::RefCell;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row as _};
use stonework_pagination::{
    Column, Dialect, Direction, Kind, Nulls, Seek, Select, Shape, Sort, Statement,
};
use support::{Database, Row, every_list};
use tokio::runtime::{Builder, Runtime};

struct Sqlite {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Sqlite {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(SqliteConnection::connect("sqlite::memory:")).unwrap();
        let mut open = Self { runtime, connection };
        open.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER)");
        open
    }

    /// What the database says of how it goes about a statement.
    fn plan(&mut self, statement: &Statement) -> Vec<String> {
        let explained = statement.clone();
        let (_, arguments) = explained.for_sqlx::<sqlx::Sqlite>().unwrap();
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement.sql));
        let Self { runtime, connection } = self;
        let rows = runtime.block_on(sqlx::query_with(sql, arguments).fetch_all(connection));
        rows.unwrap().iter().map(|row| row.get("detail")).collect()
    }
}

impl Database for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;

    fn execute(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
        self.runtime.block_on(sql.execute(&mut self.connection)).unwrap();
    }

    fn rows(&mut self, statement: Statement) -> Vec<Row> {
        let (sql, arguments) = statement.for_sqlx::<sqlx::Sqlite>().unwrap();
        let rows = sqlx::query_with(sql, arguments).fetch_all(&mut self.connection);
        let rows = self.runtime.block_on(rows).unwrap();
        rows.iter().map(|row| (row.get("a"), row.get("b"), row.get("c"), row.get("id"))).collect()
    }
}

thread_local! {
    /// One for all cases of a test.
    static SQLITE: RefCell<Sqlite> = RefCell::new(Sqlite::open());
}

every_list!(SQLITE, 200);

const A: Column = Column::new("a", Kind::Int);
const ID: Column = Column::new("id", Kind::Int).unique();

/// Deep in a list, a page reads a stretch of an index for each branch, and sorts no more than it has found.
#[test]
fn no_shape_looks_at_rows_that_it_does_not_want() {
    let mut sqlite = Sqlite::open();
    for index in [
        "CREATE INDEX up ON t (a, id)",
        "CREATE INDEX mixed ON t (a, id DESC)",
        "CREATE INDEX three ON t (a, b, id)",
    ] {
        sqlite.execute(index);
    }
    let last = A.nullable(Nulls::Last);
    for columns in [
        vec![ID],
        vec![A, ID],
        vec![A.desc(), ID.desc()],
        vec![A, ID.desc()],
        vec![A.desc(), ID],
        vec![last, ID],
        vec![A.nullable(Nulls::First), ID],
        vec![A, Column::new("b", Kind::Int), ID],
    ] {
        let sort = Sort::new(columns.clone()).unwrap();
        let values = columns.iter().map(|_| 1_i64.into()).collect();
        let anchor = stonework_pagination::Anchor::new(&sort, Direction::Forward, values).unwrap();
        let seek = Seek::first(sort, 50).from(anchor);
        let statement = seek.render(Dialect::Sqlite, "SELECT * FROM t").unwrap();
        let plan = sqlite.plan(&statement);
        let searched = plan.iter().filter(|step| step.starts_with("SEARCH t")).count();
        let branches = statement.sql.matches("FROM t").count();
        assert_eq!(searched, branches, "{}\n{plan:#?}", statement.sql);
        assert!(!plan.iter().any(|step| step.starts_with("SCAN t")), "{plan:#?}");
    }
}

#[test]
fn a_statement_that_could_bind_the_wrong_values_is_none() {
    use stonework_pagination::SeekErrorKind::{
        Binds, ManyStatements, OtherSort, Shape as NoShape, Unnumbered,
    };
    let sort = || Sort::new(vec![A.nullable(Nulls::Last), ID]).unwrap();
    let seek = || Seek::first(sort(), 5);
    let kind = |select: Select| seek().render(Dialect::Sqlite, select).unwrap_err().kind();
    assert_eq!(kind(Select::new("SELECT * FROM t WHERE id > ?").bind(1_i64)), Unnumbered);
    assert_eq!(kind(Select::new("SELECT * FROM t WHERE id > ?1")), Binds);
    assert_eq!(kind(Select::new("SELECT * FROM t").bind(1_i64)), Binds);
    assert_eq!(kind(Select::new("SELECT * FROM t; DELETE FROM t")), ManyStatements);
    let other = Sort::new(vec![ID]).unwrap();
    let place = |sort: &Sort, values| {
        stonework_pagination::Anchor::new(sort, Direction::Forward, values).unwrap()
    };
    let elsewhere = seek().from(place(&other, vec![1_i64.into()]));
    let error = elsewhere.render(Dialect::Sqlite, "SELECT * FROM t").unwrap_err();
    assert_eq!(error.kind(), OtherSort);
    let here = place(&sort(), vec![1_i64.into(), 1_i64.into()]);
    let shaped = seek().from(here).shape(Shape::RowValue);
    let error = shaped.render(Dialect::Sqlite, "SELECT * FROM t").unwrap_err();
    assert_eq!(error.kind(), NoShape);
}
