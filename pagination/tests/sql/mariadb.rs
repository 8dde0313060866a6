//! Pages out of MariaDB.

use std::cell::RefCell;

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{Connection, Row as _};
use stonework_pagination::{
    Anchor, Column, Dialect, Direction, Kind, Nulls, Seek, Select, Shape, Sort, Statement, Value,
};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use super::server::mariadb::url;
use super::support::{Database, Row, every_list};

struct MariaDb {
    runtime: Runtime,
    connection: MySqlConnection,
}

impl MariaDb {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(MySqlConnection::connect(&url())).unwrap();
        let mut open = Self { runtime, connection };
        // Each test has one of its own, which goes with its connection.
        open.execute(
            "CREATE TEMPORARY TABLE t (id bigint PRIMARY KEY, a bigint, b bigint, c bigint)",
        );
        open
    }

    fn found(&mut self, statement: Statement) -> Vec<MySqlRow> {
        let (sql, arguments) = statement.for_sqlx::<sqlx::MySql>().unwrap();
        let rows = sqlx::query_with(sql, arguments).fetch_all(&mut self.connection);
        self.runtime.block_on(rows).unwrap()
    }

    /// How many rows, and entries of indexes, it reads for a statement.
    fn read_for(&mut self, statement: Statement) -> u64 {
        self.execute("FLUSH STATUS");
        self.found(statement);
        let status = sqlx::query("SHOW SESSION STATUS LIKE 'Handler%'");
        let status = self.runtime.block_on(status.fetch_all(&mut self.connection)).unwrap();
        let counted = status.iter().filter(|row| {
            let name: String = row.get(0);
            // Entries that an index alone rules out are only among the attempts.
            name.starts_with("Handler_read") || name == "Handler_icp_attempts"
        });
        counted.map(|row| row.get::<String, _>(1).parse::<u64>().unwrap()).sum()
    }

    /// The column `n` of all rows, page by page.
    fn crawl(
        &mut self,
        sort: &Sort,
        direction: Direction,
        select: &'static str,
        place: impl Fn(&MySqlRow) -> Vec<Value>,
    ) -> Vec<i64> {
        let mut seek = match direction {
            Direction::Backward => Seek::last(sort.clone(), 3),
            _ => Seek::first(sort.clone(), 3),
        };
        let mut all = Vec::new();
        loop {
            let mut rows = self.found(seek.render(Dialect::MySql, select).unwrap());
            let has_more = rows.len() > 3;
            rows.truncate(3);
            all.extend(rows.iter().map(|row| row.get::<i64, _>("n")));
            if !has_more {
                return all;
            }
            let anchor = Anchor::new(sort, direction, place(rows.last().unwrap())).unwrap();
            seek = seek.from(anchor);
        }
    }

    /// Both ways they are those that the database has sorted itself.
    fn crawls_as_sorted(
        &mut self,
        columns: Vec<Column>,
        select: &'static str,
        sorted: &'static str,
        place: impl Fn(&MySqlRow) -> Vec<Value> + Copy,
    ) {
        let sort = Sort::new(columns).unwrap();
        let rows = self.runtime.block_on(sqlx::query(sorted).fetch_all(&mut self.connection));
        let mut sorted: Vec<i64> = rows.unwrap().iter().map(|row| row.get("n")).collect();
        assert!(sorted.len() > 30, "several pages");
        assert_eq!(self.crawl(&sort, Direction::Forward, select, place), sorted);
        sorted.reverse();
        assert_eq!(self.crawl(&sort, Direction::Backward, select, place), sorted);
    }
}

impl Database for MariaDb {
    const DIALECT: Dialect = Dialect::MySql;

    fn execute(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
        self.runtime.block_on(sql.execute(&mut self.connection)).unwrap();
    }

    fn rows(&mut self, statement: Statement) -> Vec<Row> {
        let rows = self.found(statement);
        rows.iter().map(|row| (row.get("a"), row.get("b"), row.get("c"), row.get("id"))).collect()
    }
}

thread_local! {
    /// One for all cases of a test.
    static MARIADB: RefCell<MariaDb> = RefCell::new(MariaDb::open());
}

every_list!(MARIADB, 60);

const A: Column = Column::new("a", Kind::Int);
const B: Column = Column::new("b", Kind::Int);
const C: Column = Column::new("c", Kind::Int);
const ID: Column = Column::new("id", Kind::Int).unique();

/// Thirty thousand rows, of which a thousand tie in `a`, and all in `c`; every tenth has no `b`.
fn filled() -> MariaDb {
    let mut mariadb = MariaDb::open();
    for sql in [
        "INSERT INTO t (id, a, b, c) \
         SELECT seq, seq DIV 1000, IF(seq % 10 = 0, NULL, seq DIV 1000), 0 FROM seq_0_to_29999",
        "CREATE INDEX up ON t (a, id)",
        "CREATE INDEX mixed ON t (a, id DESC)",
        "CREATE INDEX nulls ON t (b, id)",
        "CREATE INDEX ties ON t (c, id)",
        "CREATE INDEX three ON t (a, b, id)",
        "ANALYZE TABLE t",
    ] {
        mariadb.execute(sql);
    }
    mariadb
}

/// An order, and a place deep in it.
fn deep() -> Vec<(Vec<Column>, Vec<Value>)> {
    let at = |values: &[i64]| values.iter().map(|value| Value::from(*value)).collect::<Vec<_>>();
    let null = |id: i64| vec![Value::Null, id.into()];
    let (first, last) = (B.nullable(Nulls::First), B.nullable(Nulls::Last));
    vec![
        (vec![ID], at(&[27_500])),
        (vec![A, ID], at(&[27, 27_500])),
        (vec![A.desc(), ID.desc()], at(&[3, 3_500])),
        (vec![A, ID.desc()], at(&[27, 27_500])),
        (vec![A.desc(), ID], at(&[3, 3_500])),
        (vec![C, ID], at(&[0, 27_500])),
        (vec![C.desc(), ID.desc()], at(&[0, 3_500])),
        (vec![A, first, ID], at(&[27, 27, 27_500])),
        (vec![last, ID], at(&[27, 27_500])),
        (vec![first, ID], at(&[27, 27_500])),
        (vec![first, ID], null(29_000)),
        (vec![B.desc().nullable(Nulls::First), ID.desc()], at(&[3, 3_500])),
        (vec![B.desc().nullable(Nulls::Last), ID.desc()], at(&[3, 3_500])),
    ]
}

/// A row that lies in one stretch of an index is read once, in the index and in the table.
const ONE_STRETCH: u64 = 3 * 51;
/// Rows of two stretches are also put together and sorted.
const TWO_STRETCHES: u64 = 10 * 51;

impl MariaDb {
    /// Reads a page of fifty, and no more for it than it has to, but for so many.
    fn reads_little(&mut self, seek: &Seek, more: u64) {
        let statement = seek.render(Dialect::MySql, "SELECT * FROM t").unwrap();
        let sql = statement.sql.clone();
        let most = if sql.contains("UNION") { TWO_STRETCHES } else { ONE_STRETCH };
        let read = self.read_for(statement);
        assert!(read <= most + more, "{read} for {sql}");
    }
}

#[test]
fn deep_in_a_list_few_rows_are_read_that_the_page_does_not_have() {
    let mut mariadb = filled();
    for (columns, values) in deep() {
        let sort = Sort::new(columns).unwrap();
        for direction in [Direction::Forward, Direction::Backward] {
            let anchor = Anchor::new(&sort, direction, values.clone()).unwrap();
            mariadb.reads_little(&Seek::first(sort.clone(), 50).from(anchor), 0);
        }
    }
}

#[test]
fn at_either_end_of_a_list_few_rows_are_read_wherever_nulls_are() {
    let mut mariadb = filled();
    for (columns, _) in deep() {
        let sort = Sort::new(columns).unwrap();
        mariadb.reads_little(&Seek::first(sort.clone(), 50), 0);
        mariadb.reads_little(&Seek::last(sort, 50), 0);
    }
}

/// It may count its way through the nulls of the index, but reads none that have a value.
#[test]
fn among_rows_without_a_value_no_more_is_read_than_those() {
    let mut mariadb = filled();
    let sort = Sort::new(vec![B.nullable(Nulls::Last), ID]).unwrap();
    for id in [1_000_i64, 15_000, 29_000] {
        for direction in [Direction::Forward, Direction::Backward] {
            let anchor = Anchor::new(&sort, direction, vec![Value::Null, id.into()]).unwrap();
            let seek = Seek::first(sort.clone(), 50).from(anchor);
            for shape in [Shape::Auto, Shape::Union] {
                mariadb.reads_little(&seek.clone().shape(shape), 3_000);
            }
        }
    }
}

/// Where nulls are apart, each part has the rows that are left out too.
#[test]
fn rows_are_left_out_wherever_nulls_are() {
    let mut mariadb = MariaDb::open();
    mariadb.execute("INSERT INTO t (id, b) SELECT seq, IF(seq % 2, NULL, 1) FROM seq_1_to_20");
    for (nulls, expected) in [(Nulls::Last, [18, 20, 1, 3]), (Nulls::First, [17, 19, 2, 4])] {
        let sort = Sort::new(vec![B.nullable(nulls), ID]).unwrap();
        let seek = Seek::first(sort, 3).skip(8);
        let rows = mariadb.rows(seek.render(Dialect::MySql, "SELECT * FROM t").unwrap());
        assert_eq!(rows.iter().map(|row| row.3).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn rows_are_counted() {
    let mut mariadb = MariaDb::open();
    mariadb.execute("INSERT INTO t (id) SELECT seq FROM seq_1_to_1000");
    let select = || Select::new("SELECT * FROM t WHERE id > ?").bind(100_i64);
    let mut number = |statement: Statement| mariadb.found(statement)[0].get::<i64, _>(0);
    assert_eq!(number(select().count(Dialect::MySql).unwrap()), 900);
    assert_eq!(number(select().count_up_to(50, Dialect::MySql).unwrap()), 51);
    assert_eq!(number(select().count_up_to(2_000, Dialect::MySql).unwrap()), 900);
}

/// Words that differ only by case, or by an accent, tie. Only the database knows.
#[test]
fn texts_are_compared_as_their_collation_does() {
    let mut mariadb = MariaDb::open();
    for sql in [
        "CREATE TEMPORARY TABLE words (n bigint PRIMARY KEY, word varchar(20) NOT NULL, KEY (word, n)) \
         CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        "INSERT INTO words SELECT seq, \
         ELT(1 + seq * 7 % 11, 'b', 'A', 'a', 'B', 'ä', 'Ä', 'z', 'ß', 'SS', '', '🪨') FROM seq_1_to_40",
    ] {
        mariadb.execute(sql);
    }
    let (word, n) = (Column::new("word", Kind::Text), Column::new("n", Kind::Int).unique());
    mariadb.crawls_as_sorted(
        vec![word, n.desc()],
        "SELECT * FROM words",
        "SELECT n FROM words ORDER BY word, n DESC",
        |row| vec![row.get::<String, _>("word").into(), row.get::<i64, _>("n").into()],
    );
}

#[test]
fn uuids_are_sixteen_bytes() {
    let mut mariadb = MariaDb::open();
    for sql in [
        "CREATE TEMPORARY TABLE things (id binary(16) PRIMARY KEY, n bigint NOT NULL)",
        "INSERT INTO things SELECT UNHEX(MD5(seq)), seq FROM seq_1_to_40",
    ] {
        mariadb.execute(sql);
    }
    mariadb.crawls_as_sorted(
        vec![Column::new("id", Kind::Uuid).unique()],
        "SELECT * FROM things",
        "SELECT n FROM things ORDER BY id",
        |row| vec![row.get::<Uuid, _>("id").into()],
    );
}

/// Times that differ in the last microsecond, carried as MariaDB writes them.
#[test]
fn what_is_exact_only_as_a_text_is_cast() {
    let mut mariadb = MariaDb::open();
    for sql in [
        "CREATE TEMPORARY TABLE events (n bigint PRIMARY KEY, at datetime(6) NOT NULL)",
        "INSERT INTO events SELECT seq, \
         TIMESTAMP '2026-01-01 00:00:00.999990' + INTERVAL seq DIV 2 MICROSECOND FROM seq_1_to_40",
        "CREATE INDEX newest ON events (at DESC, n DESC)",
    ] {
        mariadb.execute(sql);
    }
    let at = Column::new("at", Kind::Text).desc().cast("datetime(6)");
    mariadb.crawls_as_sorted(
        vec![at, Column::new("n", Kind::Int).desc().unique()],
        "SELECT n, at, CAST(at AS char) AS text FROM events",
        "SELECT n FROM events ORDER BY at DESC, n DESC",
        |row| vec![row.get::<String, _>("text").into(), row.get::<i64, _>("n").into()],
    );
}
