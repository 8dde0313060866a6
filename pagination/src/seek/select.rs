use crate::Value;

/// A list, as a statement that selects all of it, with the values of its own placeholders.
///
/// It has neither order nor limit. Placeholders are numbered where the dialect has numbers, and are in order
/// where it has none.
///
/// ```
/// use stonework_pagination::Select;
///
/// let select = Select::new("SELECT * FROM transfers WHERE account = ?1").bind("alice");
/// # let _ = select;
/// ```
///
/// What a query builder has made is one too; here that of sea-query 1.0:
///
/// ```
/// use sea_query::{Asterisk, Expr, ExprTrait, PostgresQueryBuilder, Query};
/// use stonework_pagination::{Select, Value};
///
/// fn transfers(account: &str, least: Option<i64>) -> Option<Select> {
///     let mut query = Query::select();
///     query.column(Asterisk).from("transfers").and_where(Expr::col("account").eq(account));
///     query.and_where_option(least.map(|least| Expr::col("amount").gte(least)));
///     let (sql, values) = query.build(PostgresQueryBuilder);
///     let mut values = values.0.into_iter();
///     values.try_fold(Select::danger_dynamic(sql), |select, it| Some(select.bind(value(it)?)))
/// }
///
/// /// Of the kinds that filters here have.
/// fn value(value: sea_query::Value) -> Option<Value> {
///     match value {
///         sea_query::Value::String(text) => Some(text.into()),
///         sea_query::Value::BigInt(number) => Some(number.into()),
///         _ => None,
///     }
/// }
/// # let _ = transfers("alice", Some(5)).ok_or("a kind of value is missing")?;
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub(super) sql: String,
    pub(super) binds: Vec<Value>,
}

impl Select {
    /// This statement, without values yet. It is part of the program: what comes from outside is bound.
    pub fn new(sql: &'static str) -> Self {
        Self::danger_dynamic(sql)
    }

    /// A statement that is made at run time. Whatever of it comes from outside is SQL then.
    pub fn danger_dynamic(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), binds: Vec::new() }
    }

    /// The value of the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.binds.push(value.into());
        self
    }
}

impl From<&'static str> for Select {
    fn from(sql: &'static str) -> Self {
        Self::new(sql)
    }
}

/// A statement, and the values of its placeholders in order: plain data, for whichever driver.
///
/// For sqlx there is `for_sqlx`, with the feature `sqlx-0-9`. For diesel 2.3 it is a fold:
///
/// ```
/// use diesel::pg::Pg;
/// use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
/// use diesel::sql_types::{BigInt, Nullable, Text};
/// use stonework_pagination::{Statement, Value};
///
/// /// Of the kinds that orders here have.
/// fn query(statement: Statement) -> Option<BoxedSqlQuery<'static, Pg, SqlQuery>> {
///     let query = diesel::sql_query(statement.sql).into_boxed();
///     statement.binds.into_iter().try_fold(query, |query, value| {
///         Some(match value {
///             Value::Int(number) => query.bind::<BigInt, _>(number),
///             Value::Text(text) => query.bind::<Text, _>(text),
///             Value::Null => query.bind::<Nullable<Text>, _>(None::<String>),
///             _ => return None,
///         })
///     })
/// }
/// # let _ = query;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Statement {
    /// The text.
    pub sql: String,
    /// The values.
    pub binds: Vec<Value>,
}
