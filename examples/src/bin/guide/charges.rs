//! What the service is about: charges of customers, in SQLite.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use stonework_pagination::{Dialect, Seek, Select};

use crate::Error;
use crate::account::Account;

/// What a client asks for.
#[derive(Deserialize)]
pub(crate) struct NewCharge {
    customer: String,
    amount: Money,
}

#[derive(Deserialize, Serialize)]
struct Money {
    value: i64,
    currency: String,
}

#[derive(Serialize)]
pub(crate) struct Charge {
    pub(crate) id: i64,
    customer: String,
    amount: Money,
}

type Row = (i64, String, i64, String);

impl Charge {
    fn of((id, customer, value, currency): Row) -> Self {
        Self { id, customer, amount: Money { value, currency } }
    }
}

#[derive(Clone)]
pub(crate) struct Charges(SqlitePool);

impl Charges {
    /// In the file that `DATABASE_PATH` names, or in memory.
    pub(crate) async fn open() -> Result<Self, Error> {
        let options = match std::env::var("DATABASE_PATH") {
            Ok(path) => SqliteConnectOptions::new().filename(path).create_if_missing(true),
            Err(_) => SqliteConnectOptions::new().in_memory(true),
        };
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(
            "CREATE TABLE IF NOT EXISTS charges (
                id INTEGER PRIMARY KEY, account TEXT NOT NULL, customer TEXT NOT NULL,
                value INTEGER NOT NULL, currency TEXT NOT NULL
            );
            CREATE INDEX IF NOT EXISTS charges_newest ON charges (account, id DESC)",
        )
        .execute(&pool)
        .await?;
        Ok(Self(pool))
    }

    pub(crate) const fn database(&self) -> &SqlitePool {
        &self.0
    }

    pub(crate) async fn create(&self, account: &Account, new: NewCharge) -> sqlx::Result<Charge> {
        let insert =
            "INSERT INTO charges (account, customer, value, currency) VALUES (?1, ?2, ?3, ?4)
                      RETURNING id, customer, value, currency";
        let row = sqlx::query_as(insert)
            .bind(&account.0)
            .bind(new.customer)
            .bind(new.amount.value)
            .bind(new.amount.currency);
        row.fetch_one(&self.0).await.map(Charge::of)
    }

    pub(crate) async fn find(&self, account: &Account, id: i64) -> sqlx::Result<Option<Charge>> {
        let select =
            "SELECT id, customer, value, currency FROM charges WHERE account = ?1 AND id = ?2";
        let row = sqlx::query_as(select).bind(&account.0).bind(id);
        Ok(row.fetch_optional(&self.0).await?.map(Charge::of))
    }

    /// All of them, until the fifth step.
    pub(crate) async fn all(&self, account: &Account) -> sqlx::Result<Vec<Charge>> {
        let select = "SELECT id, customer, value, currency FROM charges WHERE account = ?1
                      ORDER BY id DESC";
        let rows = sqlx::query_as(select).bind(&account.0).fetch_all(&self.0).await?;
        Ok(rows.into_iter().map(Charge::of).collect())
    }

    /// A page of them, from the fifth step on.
    pub(crate) async fn page(&self, account: &Account, seek: &Seek) -> Result<Vec<Charge>, Error> {
        let select =
            Select::new("SELECT id, customer, value, currency FROM charges WHERE account = ?1");
        let statement = seek.render(Dialect::Sqlite, select.bind(account.0.as_str()))?;
        let (sql, arguments) = statement.for_sqlx::<sqlx::Sqlite>()?;
        let rows: Vec<Row> = sqlx::query_as_with(sql, arguments).fetch_all(&self.0).await?;
        Ok(rows.into_iter().map(Charge::of).collect())
    }
}

/// What a client is told when the database fails: nothing.
pub(crate) fn internal(error: impl Into<Error>) -> StatusCode {
    eprintln!("guide: {}", error.into());
    StatusCode::INTERNAL_SERVER_ERROR
}
