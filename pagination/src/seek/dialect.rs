use crate::Column;

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// PostgreSQL. Placeholders are `$1`.
    Postgres,
    /// SQLite, 3.30 or later. Placeholders are `?1`.
    Sqlite,
    /// MySQL 8, and MariaDB, 10.8 or later if columns are sorted in different directions. Placeholders are `?`.
    ///
    /// Nulls are smallest there, and in no index elsewhere. Sorted otherwise they cost nothing in the first column
    /// of an order; in another one all rows are read and sorted that come after those that tie before it.
    /// MariaDB 10.11 may read a list of nulls, as deep as one is in it, though only in the index.
    MySql,
}

impl Dialect {
    /// A name, which is plain.
    pub(super) fn quoted(self, name: &str) -> String {
        let quote = match self {
            Self::Postgres | Self::Sqlite => "\"",
            Self::MySql => "`",
        };
        [quote, name, quote].concat()
    }

    /// Can placeholders be used more than once?
    pub(super) const fn numbers_placeholders(self) -> bool {
        matches!(self, Self::Postgres | Self::Sqlite)
    }

    pub(super) fn placeholder(self, number: usize) -> String {
        match self {
            Self::Postgres => format!("${number}"),
            Self::Sqlite => format!("?{number}"),
            Self::MySql => "?".to_owned(),
        }
    }

    /// Does it go by all columns of a row value? SQLite goes by the first, and reads all rows that tie in it: with
    /// 10,000 of them nine times what a first page takes.
    pub(super) const fn seeks_row_values(self) -> bool {
        matches!(self, Self::Postgres)
    }

    pub(super) const fn has_row_values(self) -> bool {
        // MySQL has them and reads the whole index for them.
        matches!(self, Self::Postgres | Self::Sqlite)
    }

    /// Does it know the type that values of this column are read as? SQLite takes any name, and makes a number of
    /// what it does not know.
    pub(super) fn casts(self, column: &Column) -> bool {
        const KNOWN: [&str; 5] = ["TEXT", "INTEGER", "REAL", "BLOB", "NUMERIC"];
        let is_known = |cast: &str| KNOWN.iter().any(|known| known.eq_ignore_ascii_case(cast));
        self != Self::Sqlite || column.cast.is_none_or(is_known)
    }

    /// Does it make one range of whatever is joined by `OR`, and is surer of that than of a part by itself?
    pub(super) const fn seeks_any(self) -> bool {
        matches!(self, Self::MySql)
    }
}
