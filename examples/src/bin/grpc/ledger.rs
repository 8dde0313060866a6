//! Where the money is.

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

use crate::account::Account;
use crate::deadline::{Deadline, Passed};
use crate::sqlite;

/// What every account has at first.
const START: i64 = 1000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS accounts (
        name TEXT PRIMARY KEY,
        balance INTEGER NOT NULL CHECK (balance >= 0)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS transfers (
        id BLOB PRIMARY KEY,
        account TEXT NOT NULL,
        recipient TEXT NOT NULL,
        amount INTEGER NOT NULL CHECK (amount > 0),
        balance INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// What a client orders, in dollars. It was looked at.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) to: String,
    pub(crate) amount: u64,
}

/// A transfer that has been made.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Transfer {
    pub(crate) id: Uuid,
    pub(crate) to: String,
    pub(crate) amount: u64,
    /// The balance after it.
    pub(crate) balance: u64,
}

/// Why nothing was transferred.
#[derive(Debug)]
pub(crate) enum NotMade {
    InsufficientFunds {
        balance: u64,
    },
    Late(Passed),
    Ledger(sqlx::Error),
    /// It failed at the very end, so that it may have been.
    Unknown(sqlx::Error),
}

/// Why there is no answer to a question.
#[derive(Debug)]
pub(crate) enum NotTold {
    Late(Passed),
    Ledger(sqlx::Error),
}

#[derive(Clone, Debug)]
pub(crate) struct Ledger(SqlitePool);

impl Ledger {
    /// In this file; in memory, for as long as the process lasts, if there is none.
    pub(crate) async fn open(path: Option<&str>) -> Result<Self, sqlx::Error> {
        sqlite::open(path, SCHEMA).await.map(Self)
    }

    /// Charges the account and notes the transfers, all of them or none, but for the end of it.
    pub(crate) async fn prepare(
        &self,
        account: &Account,
        orders: Vec<Order>,
        deadline: Deadline,
    ) -> Result<Prepared, NotMade> {
        deadline.bound(self.charged(account, orders)).await.map_err(NotMade::Late)?
    }

    async fn charged(&self, account: &Account, orders: Vec<Order>) -> Result<Prepared, NotMade> {
        // It writes in any case. A transaction that began with reading could not, after others have.
        let mut tx = self.0.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT OR IGNORE INTO accounts (name, balance) VALUES (?1, ?2)")
            .bind(account.name())
            .bind(START)
            .execute(&mut *tx)
            .await?;
        let mut made = Vec::with_capacity(orders.len());
        for order in orders {
            made.push(charge(&mut tx, account, order).await?);
        }
        Ok(Prepared { tx, made })
    }

    /// What this account has.
    pub(crate) async fn balance(
        &self,
        account: &Account,
        deadline: Deadline,
    ) -> Result<u64, NotTold> {
        let balance = sqlx::query_scalar("SELECT balance FROM accounts WHERE name = ?1")
            .bind(account.name())
            .fetch_optional(&self.0);
        let balance: Option<i64> =
            deadline.bound(balance).await.map_err(NotTold::Late)?.map_err(NotTold::Ledger)?;
        Ok(unsigned(balance.unwrap_or(START)))
    }
}

/// Transfers that are made when they are committed. Dropped, they were never there.
pub(crate) struct Prepared {
    tx: Transaction<'static, Sqlite>,
    made: Vec<Transfer>,
}

impl Prepared {
    pub(crate) async fn commit(self) -> Result<Vec<Transfer>, NotMade> {
        self.tx.commit().await.map_err(NotMade::Unknown)?;
        Ok(self.made)
    }
}

async fn charge(
    tx: &mut Transaction<'static, Sqlite>,
    account: &Account,
    Order { to, amount }: Order,
) -> Result<Transfer, NotMade> {
    // More than fits is more than anybody has.
    let wanted = i64::try_from(amount).unwrap_or(i64::MAX);
    let left = "UPDATE accounts SET balance = balance - ?2 WHERE name = ?1 AND balance >= ?2 \
                RETURNING balance";
    let left: Option<i64> = sqlx::query_scalar(left)
        .bind(account.name())
        .bind(wanted)
        .fetch_optional(&mut **tx)
        .await?;
    let Some(left) = left else {
        let balance = sqlx::query_scalar("SELECT balance FROM accounts WHERE name = ?1")
            .bind(account.name())
            .fetch_one(&mut **tx)
            .await?;
        return Err(NotMade::InsufficientFunds { balance: unsigned(balance) });
    };
    let transfer = Transfer { id: Uuid::now_v7(), to, amount, balance: unsigned(left) };
    sqlx::query(
        "INSERT INTO transfers (id, account, recipient, amount, balance) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(transfer.id)
    .bind(account.name())
    .bind(&transfer.to)
    .bind(wanted)
    .bind(left)
    .execute(&mut **tx)
    .await?;
    Ok(transfer)
}

/// What is stored is never negative.
fn unsigned(number: i64) -> u64 {
    number.unsigned_abs()
}

impl From<sqlx::Error> for NotMade {
    fn from(error: sqlx::Error) -> Self {
        Self::Ledger(error)
    }
}
