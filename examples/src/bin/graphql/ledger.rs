//! Where the money is: SQLite, in a file or in memory.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{FromRow, Row};
use stonework_pagination::{Dialect, Seek, Select};
use uuid::Uuid;

use crate::account::Account;
use crate::env::Failure;
use crate::sqlite;

/// What every account has at first.
const START: i32 = 1000;

const SCHEMA: &str = include_str!("ledger.sql");

/// A transfer that has been made.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub(crate) id: Uuid,
    pub(crate) payee: String,
    pub(crate) amount: i32,
    /// The balance after it.
    pub(crate) balance: i32,
}

/// Why a transfer was not made.
#[derive(Debug)]
pub(crate) enum NotMade {
    InsufficientFunds {
        balance: i32,
    },
    /// The ledger failed. Nothing was changed.
    Ledger(LedgerError),
    /// It failed at the very end. The transfer may have been made.
    Unknown(LedgerError),
}

/// The database did not do what it was asked.
#[derive(Debug)]
pub(crate) struct LedgerError(sqlx::Error);

/// Each operation is atomic. Those that read are counted.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pool: SqlitePool,
    reads: Arc<AtomicU32>,
}

impl Ledger {
    /// In this file; in memory, for as long as the process lasts, if there is none.
    pub(crate) async fn open(path: Option<&str>) -> Result<Self, Failure> {
        let failed = |error| unusable(&format!("DATABASE_PATH cannot be used: {error}"));
        let pool = sqlite::open(path, SCHEMA).await.map_err(failed)?;
        Ok(Self { pool, reads: Arc::default() })
    }

    /// The same, with a count of its own.
    pub(crate) fn counted(&self) -> Self {
        Self { reads: Arc::default(), ..self.clone() }
    }

    /// How often it was read. A test looks at it, and so can a client.
    pub(crate) fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }

    /// For one statement that reads.
    fn pool(&self) -> &SqlitePool {
        self.reads.fetch_add(1, Ordering::Relaxed);
        &self.pool
    }

    /// What cursors are signed with.
    pub(crate) async fn secret(&self) -> Result<Vec<u8>, Failure> {
        let secret = sqlx::query_scalar("SELECT secret FROM secrets WHERE name = 'cursors'");
        let secret = secret.fetch_one(&self.pool).await;
        secret.map_err(|error| unusable(&error.to_string()))
    }

    /// Charges the account and notes the transfer: both or neither.
    pub(crate) async fn transfer(
        &self,
        account: &Account,
        to: &str,
        amount: i32,
    ) -> Result<Transfer, NotMade> {
        // It writes in any case. A transaction that began with reading could not, after others have.
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT OR IGNORE INTO accounts (name, balance) VALUES (?1, ?2)")
            .bind(account.name())
            .bind(START)
            .execute(&mut *tx)
            .await?;
        let left: Option<i32> = sqlx::query_scalar(
            "UPDATE accounts SET balance = balance - ?2 WHERE name = ?1 AND balance >= ?2 \
             RETURNING balance",
        )
        .bind(account.name())
        .bind(amount)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(balance) = left else {
            tx.rollback().await?;
            return Err(NotMade::InsufficientFunds { balance: self.balance(account).await? });
        };
        let transfer = Transfer { id: Uuid::now_v7(), payee: to.to_owned(), amount, balance };
        sqlx::query("INSERT OR IGNORE INTO payees (account, name) VALUES (?1, ?2)")
            .bind(account.name())
            .bind(to)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO transfers (id, account, payee, amount, balance) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(transfer.id)
        .bind(account.name())
        .bind(to)
        .bind(amount)
        .bind(balance)
        .execute(&mut *tx)
        .await?;
        tx.commit().await.map_err(|error| NotMade::Unknown(error.into()))?;
        Ok(transfer)
    }

    pub(crate) async fn balance(&self, account: &Account) -> Result<i32, LedgerError> {
        let balance = sqlx::query_scalar("SELECT balance FROM accounts WHERE name = ?1");
        let balance = balance.bind(account.name()).fetch_optional(self.pool()).await?;
        Ok(balance.unwrap_or(START))
    }

    /// The transfers of this account that belong to a page.
    pub(crate) async fn transfers(
        &self,
        account: &Account,
        seek: &Seek,
    ) -> Result<Vec<Transfer>, LedgerError> {
        let all = Select::new("SELECT * FROM transfers WHERE account = ?1").bind(account.name());
        let statement = seek.render(Dialect::Sqlite, all).map_err(unwritten)?;
        let (sql, arguments) = statement.for_sqlx::<sqlx::Sqlite>().map_err(sqlx::Error::Encode)?;
        Ok(sqlx::query_as_with(sql, arguments).fetch_all(self.pool()).await?)
    }

    /// The names of those who were paid, of a page.
    pub(crate) async fn payees(
        &self,
        account: &Account,
        seek: &Seek,
    ) -> Result<Vec<String>, LedgerError> {
        let all = Select::new("SELECT name FROM payees WHERE account = ?1").bind(account.name());
        let statement = seek.render(Dialect::Sqlite, all).map_err(unwritten)?;
        let (sql, arguments) = statement.for_sqlx::<sqlx::Sqlite>().map_err(sqlx::Error::Encode)?;
        Ok(sqlx::query_scalar_with(sql, arguments).fetch_all(self.pool()).await?)
    }

    /// How much each of these got.
    pub(crate) async fn totals(
        &self,
        account: &Account,
        payees: &[&str],
    ) -> Result<Vec<(String, i32)>, LedgerError> {
        let totals = sqlx::query_as(
            "SELECT payee, SUM(amount) FROM transfers WHERE account = ?1 \
             AND payee IN (SELECT value FROM json_each(?2)) GROUP BY payee",
        );
        let totals = totals.bind(account.name()).bind(list(payees)).fetch_all(self.pool());
        Ok(totals.await?)
    }

    /// The newest transfers to each of these, so many for each.
    pub(crate) async fn latest(
        &self,
        account: &Account,
        payees: &[&str],
        many: u32,
    ) -> Result<Vec<Transfer>, LedgerError> {
        let latest = sqlx::query_as(
            "SELECT made.* FROM json_each(?2) AS wanted \
             JOIN transfers AS made ON made.id IN (SELECT newest.id FROM transfers AS newest \
                 WHERE newest.account = ?1 AND newest.payee = wanted.value \
                 ORDER BY newest.id DESC LIMIT ?3) \
             ORDER BY made.id DESC",
        );
        let latest = latest.bind(account.name()).bind(list(payees)).bind(many);
        Ok(latest.fetch_all(self.pool()).await?)
    }
}

fn unusable(reason: &str) -> Failure {
    Failure::Io(io::Error::other(reason.to_owned()))
}

/// As `json_each` reads it, since a statement has a fixed number of parameters.
fn list(names: &[&str]) -> String {
    serde_json::json!(names).to_string()
}

fn unwritten(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Encode(Box::new(error))
}

impl<'r> FromRow<'r, SqliteRow> for Transfer {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            payee: row.try_get("payee")?,
            amount: row.try_get("amount")?,
            balance: row.try_get("balance")?,
        })
    }
}

impl From<sqlx::Error> for LedgerError {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<LedgerError> for NotMade {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<sqlx::Error> for NotMade {
    fn from(error: sqlx::Error) -> Self {
        Self::Ledger(error.into())
    }
}
