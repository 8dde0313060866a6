//! Pages out of PostgreSQL.

use std::cell::RefCell;

use serde_json::Value as Json;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row as _};
use stonework_pagination::{
    Anchor, Column, Dialect, Direction, Kind, Nulls, Seek, Select, Sort, Statement, Value,
};
use tokio::runtime::{Builder, Runtime};

use super::server::postgres::url;
use super::support::{Database, Row, every_list};

struct Postgres {
    runtime: Runtime,
    connection: PgConnection,
}

impl Postgres {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(PgConnection::connect(&url())).unwrap();
        let mut open = Self { runtime, connection };
        // Each test has one of its own, which goes with its connection.
        open.execute(
            "CREATE TEMPORARY TABLE t (id bigint PRIMARY KEY, a bigint, b bigint, c bigint)",
        );
        open
    }

    /// What the database has done for a statement.
    fn analyzed(&mut self, statement: &Statement) -> Json {
        let (_, arguments) = statement.clone().for_sqlx::<sqlx::Postgres>().unwrap();
        let explain = format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", statement.sql);
        let sql = sqlx::AssertSqlSafe(explain);
        let Self { runtime, connection } = self;
        let row = runtime.block_on(sqlx::query_with(sql, arguments).fetch_one(connection));
        let Json::Array(mut plans) = row.unwrap().get::<Json, _>(0) else { panic!("no plan") };
        plans.remove(0)["Plan"].take()
    }
}

impl Database for Postgres {
    const DIALECT: Dialect = Dialect::Postgres;

    fn execute(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
        self.runtime.block_on(sql.execute(&mut self.connection)).unwrap();
    }

    fn rows(&mut self, statement: Statement) -> Vec<Row> {
        let (sql, arguments) = statement.for_sqlx::<sqlx::Postgres>().unwrap();
        let rows = sqlx::query_with(sql, arguments).fetch_all(&mut self.connection);
        let rows = self.runtime.block_on(rows).unwrap();
        rows.iter().map(|row| (row.get("a"), row.get("b"), row.get("c"), row.get("id"))).collect()
    }
}

thread_local! {
    /// One for all cases of a test.
    static POSTGRES: RefCell<Postgres> = RefCell::new(Postgres::open());
}

every_list!(POSTGRES, 60);

const A: Column = Column::new("a", Kind::Int);
const ID: Column = Column::new("id", Kind::Int).unique();

/// All numbers of this name in the plan, and in what it is made of.
fn all(plan: &Json, name: &str) -> Vec<f64> {
    let own = plan[name].as_f64();
    let parts = plan["Plans"].as_array().into_iter().flatten();
    own.into_iter().chain(parts.flat_map(|part| all(part, name))).collect()
}

/// Thirty thousand rows, of which a thousand tie at a time and every tenth has no value.
#[test]
fn deep_in_a_list_few_rows_are_read_that_the_page_does_not_have() {
    let mut postgres = Postgres::open();
    for sql in [
        "INSERT INTO t (id, a, b) SELECT n, n / 1000, CASE WHEN n % 10 = 0 THEN NULL ELSE n / 1000 END \
         FROM generate_series(0, 29999) AS n",
        "CREATE INDEX ON t (a, id)",
        "CREATE INDEX ON t (a, id DESC)",
        "CREATE INDEX ON t (b NULLS FIRST, id)",
        "CREATE INDEX ON t (b NULLS LAST, id)",
        "ANALYZE t",
    ] {
        postgres.execute(sql);
    }
    let b = Column::new("b", Kind::Int);
    let at = |values: &[Value]| values.to_vec();
    let deep = || at(&[27_i64.into(), 27_500_i64.into()]);
    for (columns, values) in [
        (vec![ID], at(&[27_500_i64.into()])),
        (vec![A, ID], deep()),
        (vec![A.desc(), ID.desc()], at(&[3_i64.into(), 3_500_i64.into()])),
        (vec![A, ID.desc()], deep()),
        (vec![A.desc(), ID], at(&[3_i64.into(), 3_500_i64.into()])),
        (vec![b.nullable(Nulls::Last), ID], deep()),
        (vec![b.nullable(Nulls::Last), ID], at(&[Value::Null, 27_500_i64.into()])),
        (vec![b.nullable(Nulls::First), ID], deep()),
        (vec![b.nullable(Nulls::First), ID], at(&[Value::Null, 29_990_i64.into()])),
    ] {
        let sort = Sort::new(columns.clone()).unwrap();
        for direction in [Direction::Forward, Direction::Backward] {
            let anchor = Anchor::new(&sort, direction, values.clone()).unwrap();
            let seek = Seek::first(sort.clone(), 50).from(anchor);
            let statement = seek.render(Dialect::Postgres, "SELECT * FROM t").unwrap();
            let plan = postgres.analyzed(&statement);
            let shown = || format!("{}\n{plan:#}", statement.sql);
            let removed: f64 = all(&plan, "Rows Removed by Filter").iter().sum();
            // Where as many rows lie close together by their id, it goes by that.
            assert!(removed <= 51.0, "{}", shown());
            let most = all(&plan, "Actual Rows").into_iter().fold(0.0, f64::max);
            assert!(most <= 3.0 * 51.0, "{}", shown());
        }
    }
}

#[test]
fn rows_are_counted_or_guessed() {
    let mut postgres = Postgres::open();
    postgres.execute("INSERT INTO t (id) SELECT generate_series(1, 1000); ANALYZE t");
    let select = || Select::new("SELECT * FROM t WHERE id > $1").bind(100_i64);
    let mut number = |statement: Statement| -> i64 {
        let (sql, arguments) = statement.for_sqlx::<sqlx::Postgres>().unwrap();
        let one = sqlx::query_with(sql, arguments).fetch_one(&mut postgres.connection);
        postgres.runtime.block_on(one).unwrap().get(0)
    };
    assert_eq!(number(select().count(Dialect::Postgres).unwrap()), 900);
    assert_eq!(number(select().count_up_to(50, Dialect::Postgres).unwrap()), 51);
    assert_eq!(number(select().count_up_to(2_000, Dialect::Postgres).unwrap()), 900);
    let (sql, arguments) = select().estimate().unwrap().for_sqlx::<sqlx::Postgres>().unwrap();
    let plan = sqlx::query_with(sql, arguments).fetch_one(&mut postgres.connection);
    let plan: Json = postgres.runtime.block_on(plan).unwrap().get(0);
    let guess = stonework_pagination::Total::of_plan(&plan.to_string());
    assert!(matches!(guess, Some(stonework_pagination::Total::Estimate(800..=1_000))), "{guess:?}");
}

/// Times that differ in the last microsecond, carried as PostgreSQL writes them.
#[test]
fn what_is_exact_only_as_a_text_is_cast() {
    let mut postgres = Postgres::open();
    for sql in [
        "CREATE TEMPORARY TABLE events (id bigint PRIMARY KEY, at timestamptz NOT NULL)",
        "INSERT INTO events SELECT n, timestamptz '2026-01-01 00:00:00.999990+00' \
         + (n / 2) * interval '1 microsecond' FROM generate_series(1, 40) AS n",
        "CREATE INDEX ON events (at DESC, id DESC)",
    ] {
        postgres.execute(sql);
    }
    let sort = Sort::new(vec![Column::new("at", Kind::Text).desc().cast("timestamptz"), ID.desc()]);
    let sort = sort.unwrap();
    let select = || Select::new("SELECT id, at, at::text AS text FROM events");
    let (mut all, mut from) = (Vec::new(), None);
    loop {
        let seek = from.into_iter().fold(Seek::first(sort.clone(), 3), Seek::from);
        let statement = seek.render(Dialect::Postgres, select()).unwrap();
        let (sql, arguments) = statement.for_sqlx::<sqlx::Postgres>().unwrap();
        let rows = sqlx::query_with(sql, arguments).fetch_all(&mut postgres.connection);
        let mut rows = postgres.runtime.block_on(rows).unwrap();
        let has_more = rows.len() > 3;
        rows.truncate(3);
        all.extend(rows.iter().map(|row| row.get::<i64, _>("id")));
        if !has_more {
            break;
        }
        let last = rows.last().unwrap();
        let values = vec![last.get::<String, _>("text").into(), last.get::<i64, _>("id").into()];
        from = Anchor::new(&sort, Direction::Forward, values);
    }
    assert_eq!(all, (1..=40).rev().collect::<Vec<_>>());
}
