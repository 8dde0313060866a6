/// How rows after a place are asked for.
///
/// All find the same rows. They differ by a factor of hundreds in how many they read. Measured with a million
/// rows at a depth of 900,000, with 10,000 rows that tie: a row value and a union take 1 to 3 times what the
/// first page does, a hint up to 22 times and with nulls 800 times, and `OFFSET` 400 times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// A row value where the order has one and the database is PostgreSQL. In MySQL and MariaDB
    /// `a > x OR a = x AND b > y`, of which they make one range, and a union only for nulls that an index has at
    /// its other end. Else a union.
    #[default]
    Auto,
    /// `(a, b) > (x, y)`: for columns of one direction without nulls, in PostgreSQL and SQLite.
    RowValue,
    /// One limited select for each column, of which each reads one stretch of an index. What is selected stands
    /// there as often. MariaDB may read all rows that tie, though only in the index.
    Union,
    /// `a >= x AND (a > x OR a = x AND b > y)`: what is selected stands there once. It reads all
    /// rows that tie in the first column; MySQL and MariaDB none of them, but all that follow if nulls are to come
    /// where no index of theirs has them.
    HintedOr,
}
