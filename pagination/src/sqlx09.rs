use sqlx::error::BoxDynError;
use sqlx::{Arguments, AssertSqlSafe, Database, Encode, SqlSafeStr, SqlStr, Type};
use uuid::Uuid;

use crate::{Statement, Value};

impl Statement {
    /// The text and the arguments for sqlx, for any of its databases. Feature `sqlx-0-9`; sqlx's own `uuid` has
    /// to be on. A null that you bind is one of a text; those of an order are not bound.
    ///
    /// ```
    /// use sqlx::SqlitePool;
    /// use sqlx::error::BoxDynError;
    /// use stonework_pagination::{Dialect, Seek};
    ///
    /// async fn ids(pool: &SqlitePool, seek: &Seek) -> Result<Vec<(i64,)>, BoxDynError> {
    ///     let statement = seek.render(Dialect::Sqlite, "SELECT id FROM transfers")?;
    ///     let (sql, arguments) = statement.for_sqlx::<sqlx::Sqlite>()?;
    ///     Ok(sqlx::query_as_with(sql, arguments).fetch_all(pool).await?)
    /// }
    /// # let _ = ids;
    /// ```
    ///
    /// # Errors
    ///
    /// When the database has no such value.
    pub fn for_sqlx<DB: Database>(self) -> Result<(SqlStr, DB::Arguments), BoxDynError>
    where
        for<'q> bool: Encode<'q, DB> + Type<DB>,
        for<'q> i64: Encode<'q, DB> + Type<DB>,
        for<'q> f64: Encode<'q, DB> + Type<DB>,
        for<'q> String: Encode<'q, DB> + Type<DB>,
        for<'q> Option<String>: Encode<'q, DB> + Type<DB>,
        for<'q> Vec<u8>: Encode<'q, DB> + Type<DB>,
        for<'q> Uuid: Encode<'q, DB> + Type<DB>,
    {
        let mut arguments = DB::Arguments::default();
        for value in self.binds {
            match value {
                Value::Null => arguments.add(None::<String>)?,
                Value::Bool(value) => arguments.add(value)?,
                Value::Int(value) => arguments.add(value)?,
                Value::Float(value) => arguments.add(value)?,
                Value::Text(value) => arguments.add(value)?,
                Value::Bytes(value) => arguments.add(value)?,
                Value::Uuid(value) => arguments.add(value)?,
            }
        }
        // Values are bound, and names are those of the program.
        Ok((AssertSqlSafe(self.sql).into_sql_str(), arguments))
    }
}
