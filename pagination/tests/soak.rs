//! A million rows: what a page costs at the end of a list, beside what it costs at the beginning.
//!
//! Run by `./test.sh soak`. It prints times and asserts none.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![allow(clippy::disallowed_methods)] // Times are what it is about.

#[path = "sql/server/mod.rs"]
mod server;

use std::time::Instant;

use server::{mariadb, postgres};
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Database, Executor, IntoArguments};
use stonework_pagination::{
    Anchor, Column, Dialect, Direction, Kind, Nulls, Seek, Shape, Sort, Statement, Value,
};

const A: Column = Column::new("a", Kind::Int);
const B: Column = Column::new("b", Kind::Int);
const ID: Column = Column::new("id", Kind::Int).unique();

/// Orders, and a place that has about 900,000 rows before it. Ten thousand rows tie at a time.
fn orders() -> Vec<(&'static str, Vec<Column>, Vec<Value>)> {
    let deep = || vec![90_i64.into(), 900_000_i64.into()];
    let shallow_end = || vec![10_i64.into(), 100_000_i64.into()];
    vec![
        ("id", vec![ID], vec![900_000_i64.into()]),
        ("a, id", vec![A, ID], deep()),
        ("a DESC, id DESC", vec![A.desc(), ID.desc()], shallow_end()),
        ("a, id DESC", vec![A, ID.desc()], deep()),
        ("a DESC, id", vec![A.desc(), ID], shallow_end()),
        ("b NULLS LAST, id", vec![B.nullable(Nulls::Last), ID], deep()),
        (
            "b NULLS LAST, id (in the nulls)",
            vec![B.nullable(Nulls::Last), ID],
            vec![Value::Null, 900_000_i64.into()],
        ),
        ("b NULLS FIRST, id", vec![B.nullable(Nulls::First), ID], deep()),
    ]
}

/// The middle of so many runs, in milliseconds.
async fn time<D: Database>(connection: &mut D::Connection, statement: &Statement) -> f64
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    D::Arguments: IntoArguments<D>,
    for<'q> bool: sqlx::Encode<'q, D> + sqlx::Type<D>,
    for<'q> i64: sqlx::Encode<'q, D> + sqlx::Type<D>,
    for<'q> f64: sqlx::Encode<'q, D> + sqlx::Type<D>,
    for<'q> String: sqlx::Encode<'q, D> + sqlx::Type<D>,
    for<'q> Option<String>: sqlx::Encode<'q, D> + sqlx::Type<D>,
    for<'q> Vec<u8>: sqlx::Encode<'q, D> + sqlx::Type<D>,
    for<'q> uuid::Uuid: sqlx::Encode<'q, D> + sqlx::Type<D>,
{
    let mut times = Vec::new();
    for _ in 0..15 {
        let (sql, arguments) = statement.clone().for_sqlx::<D>().unwrap();
        let started = Instant::now();
        let rows = sqlx::query_with(sql, arguments).fetch_all(&mut *connection).await.unwrap();
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
        assert_eq!(rows.len(), 51);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A line for each order and shape.
macro_rules! report {
    ($database:ty, $connection:expr, $dialect:expr) => {
        println!(
            "{:34} {:10} {:>10} {:>10} {:>7}",
            "order", "shape", "first ms", "deep ms", "ratio"
        );
        for (name, columns, values) in orders() {
            let sort = Sort::new(columns).unwrap();
            let anchor = Anchor::new(&sort, Direction::Forward, values).unwrap();
            for shape in [Shape::Auto, Shape::Union, Shape::HintedOr] {
                let seek = Seek::first(sort.clone(), 50).shape(shape);
                let first = seek.render($dialect, "SELECT * FROM t").unwrap();
                let deep = seek.from(anchor.clone()).render($dialect, "SELECT * FROM t").unwrap();
                let first = time::<$database>($connection, &first).await;
                let deep = time::<$database>($connection, &deep).await;
                let shape = format!("{shape:?}");
                println!("{name:34} {shape:10} {first:10.3} {deep:10.3} {:7.1}", deep / first);
            }
        }
        let skipped = Seek::first(Sort::new(vec![A, ID]).unwrap(), 50).skip(900_000);
        let skipped = skipped.render($dialect, "SELECT * FROM t").unwrap();
        println!("OFFSET 900000: {:.1} ms", time::<$database>($connection, &skipped).await);
    };
}

const INDEXES: &str = "
    CREATE INDEX up ON t (a, id);
    CREATE INDEX mixed ON t (a, id DESC);
    CREATE INDEX last ON t (b, id);
";

#[tokio::test]
async fn a_million_rows_in_sqlite() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let fill = "
        CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL, b INTEGER);
        WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 999999)
        INSERT INTO t SELECT n, n / 10000, CASE WHEN n % 10 = 0 THEN NULL ELSE n / 10000 END FROM n;
    ";
    sqlx::raw_sql(fill).execute(&mut connection).await.unwrap();
    sqlx::raw_sql(INDEXES).execute(&mut connection).await.unwrap();
    sqlx::raw_sql("ANALYZE").execute(&mut connection).await.unwrap();
    println!("SQLite");
    report!(sqlx::Sqlite, &mut connection, Dialect::Sqlite);
}

#[tokio::test]
async fn a_million_rows_in_postgres() {
    let mut connection = PgConnection::connect(&postgres::url()).await.unwrap();
    let fill = "
        CREATE TABLE t (id bigint PRIMARY KEY, a bigint NOT NULL, b bigint);
        INSERT INTO t SELECT n, n / 10000, CASE WHEN n % 10 = 0 THEN NULL ELSE n / 10000 END
            FROM generate_series(0, 999999) AS n;
        CREATE INDEX first ON t (b NULLS FIRST, id);
    ";
    sqlx::raw_sql(fill).execute(&mut connection).await.unwrap();
    sqlx::raw_sql(INDEXES).execute(&mut connection).await.unwrap();
    sqlx::raw_sql("VACUUM ANALYZE t").execute(&mut connection).await.unwrap();
    println!("PostgreSQL");
    report!(sqlx::Postgres, &mut connection, Dialect::Postgres);
}

#[tokio::test]
async fn a_million_rows_in_mariadb() {
    let mut connection = MySqlConnection::connect(&mariadb::url()).await.unwrap();
    let fill = "
        CREATE TABLE t (id bigint PRIMARY KEY, a bigint NOT NULL, b bigint);
        INSERT INTO t SELECT seq, seq DIV 10000, IF(seq % 10 = 0, NULL, seq DIV 10000)
            FROM seq_0_to_999999;
    ";
    sqlx::raw_sql(fill).execute(&mut connection).await.unwrap();
    sqlx::raw_sql(INDEXES).execute(&mut connection).await.unwrap();
    sqlx::raw_sql("ANALYZE TABLE t").execute(&mut connection).await.unwrap();
    println!("MariaDB");
    report!(sqlx::MySql, &mut connection, Dialect::MySql);
}
