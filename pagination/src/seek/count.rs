use super::render::base;
use super::{Dialect, SeekError, Select, Statement};
use crate::Total;

impl Select {
    /// How many rows there are: one row with one number. The database reads them all.
    ///
    /// # Errors
    ///
    /// As [`Seek::render`](crate::Seek::render).
    pub fn count(self, dialect: Dialect) -> Result<Statement, SeekError> {
        let (base, binds) = base(dialect, self)?;
        Ok(Statement { sql: format!("SELECT count(*) FROM {base}"), binds })
    }

    /// How many rows there are, up to one more than this: [`Total::up_to`] makes sense of it. The database reads
    /// no more than that.
    ///
    /// # Errors
    ///
    /// As [`Seek::render`](crate::Seek::render).
    pub fn count_up_to(self, most: u32, dialect: Dialect) -> Result<Statement, SeekError> {
        let (base, binds) = base(dialect, self)?;
        let limit = u64::from(most) + 1;
        let rows = format!("SELECT 1 AS one FROM {base} LIMIT {limit}");
        Ok(Statement { sql: format!("SELECT count(*) FROM ({rows}) AS counted"), binds })
    }

    /// About how many rows there are, as PostgreSQL's planner thinks: one row with JSON, of which
    /// [`Total::of_plan`] makes a number. It reads none of them.
    ///
    /// # Errors
    ///
    /// As [`Seek::render`](crate::Seek::render), of which the dialect is PostgreSQL's.
    pub fn estimate(self) -> Result<Statement, SeekError> {
        let (base, binds) = base(Dialect::Postgres, self)?;
        Ok(Statement { sql: format!("EXPLAIN (FORMAT JSON) SELECT * FROM {base}"), binds })
    }
}

impl Total {
    /// What a count [up to](Select::count_up_to) so many says.
    pub const fn up_to(counted: u64, most: u32) -> Self {
        if counted > most as u64 { Self::AtLeast(counted) } else { Self::Exact(counted) }
    }

    /// What a [plan](Select::estimate) says; nothing if it is none.
    pub fn of_plan(json: &str) -> Option<Self> {
        let plan: serde_json::Value = serde_json::from_str(json).ok()?;
        plan.pointer("/0/Plan/Plan Rows")?.as_u64().map(Self::Estimate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_far_as_is_said() {
        let select = || Select::new("SELECT * FROM t WHERE a = ?1;").bind(1_i64);
        let all = select().count(Dialect::Sqlite).unwrap();
        assert_eq!(all.sql, "SELECT count(*) FROM (SELECT * FROM t WHERE a = ?1\n) AS page");
        assert_eq!(all.binds, [1_i64.into()]);
        let some = select().count_up_to(100, Dialect::Sqlite).unwrap();
        assert!(some.sql.contains("LIMIT 101"), "{}", some.sql);
        assert!(select().count(Dialect::Postgres).is_err(), "that has no value of it");
        assert_eq!(Total::up_to(100, 100), Total::Exact(100));
        assert_eq!(Total::up_to(101, 100), Total::AtLeast(101));
        assert_eq!(Total::of_plan(r#"[{"Plan": {"Plan Rows": 7}}]"#), Some(Total::Estimate(7)));
        assert_eq!(Total::of_plan("[]"), None);
    }
}
