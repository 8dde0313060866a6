//! Where the money is: a database, which several processes may share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqlitePool;
use sqlx::{FromRow, Row};
use stonework_core::openapi::text;
use stonework_pagination::{Dialect, Seek, Select};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::account::Account;
use crate::config::Failure;
use crate::sqlite;

/// What every account has at first.
const START: i64 = 1000;

const SCHEMA: &str = include_str!("ledger.sql");

/// What a client orders.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Order {
    /// Whom it is for. A label; nobody is credited.
    pub(crate) to: Label,
    pub(crate) amount: Money,
    /// What the client wants to find it by.
    pub(crate) reference: Option<Label>,
}

/// A transfer that has been made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Transfer {
    pub(crate) id: Uuid,
    pub(crate) to: Label,
    pub(crate) amount: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) reference: Option<Label>,
    /// The balance after it.
    pub(crate) balance: u64,
}

/// Where an account wants to be told, and what signs what is told there.
#[derive(Clone)]
pub(crate) struct WebhookEndpoint {
    pub(crate) id: Uuid,
    pub(crate) url: String,
    pub(crate) secret: String,
}

impl WebhookEndpoint {
    fn of((id, url, secret): (Uuid, String, String)) -> Self {
        Self { id, url, secret }
    }
}

/// How an account stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Statement {
    pub(crate) balance: u64,
    /// How many transfers were made.
    pub(crate) transfers: u64,
}

/// Why a transfer was not made.
#[derive(Debug)]
pub(crate) enum NotMade {
    /// The account has less than the order asks for. Nothing was changed.
    InsufficientFunds { balance: u64 },
    /// The ledger failed. Nothing was changed.
    Ledger(LedgerError),
    /// It failed at the very end. The transfer may have been made.
    Unknown(LedgerError),
}

/// The database did not do what it was asked.
#[derive(Debug)]
pub(crate) struct LedgerError(sqlx::Error);

/// Keeps accounts and their transfers. Each operation is atomic.
///
/// An account takes up room from its first transfer on, and has at most 1000 of them, since each
/// costs something. The number of accounts has no bound here.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pool: SqlitePool,
}

impl Ledger {
    /// In this file; in memory, for as long as the process lasts, if there is none.
    pub(crate) async fn open(path: Option<&str>) -> Result<Self, LedgerError> {
        Ok(Self { pool: sqlite::open(path, SCHEMA).await? })
    }

    /// Notes an event of this sender. One that is known is not another.
    pub(crate) async fn receive(&self, sender: &str, event: &[u8]) -> Result<(), LedgerError> {
        sqlx::query("INSERT OR IGNORE INTO received (sender, event) VALUES (?1, ?2)")
            .bind(sender)
            .bind(event)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// How many events each sender has sent, of those that have.
    pub(crate) async fn received(&self) -> Result<BTreeMap<String, i64>, LedgerError> {
        let counts = "SELECT sender, COUNT(*) FROM received GROUP BY sender";
        let counts = sqlx::query_as::<_, (String, i64)>(counts).fetch_all(&self.pool).await?;
        Ok(counts.into_iter().collect())
    }

    /// Charges the account and notes the transfer: both or neither.
    pub(crate) async fn transfer(
        &self,
        account: &Account,
        order: Order,
    ) -> Result<Transfer, NotMade> {
        // It writes in any case. A transaction that began with reading could not, after others have.
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT OR IGNORE INTO accounts (name, balance) VALUES (?1, ?2)")
            .bind(account.name())
            .bind(START)
            .execute(&mut *tx)
            .await?;
        // More than fits is more than anybody has.
        let amount = i64::try_from(order.amount.value.get()).unwrap_or(i64::MAX);
        let left: Option<i64> = sqlx::query_scalar(
            "UPDATE accounts SET balance = balance - ?2 WHERE name = ?1 AND balance >= ?2 \
             RETURNING balance",
        )
        .bind(account.name())
        .bind(amount)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(left) = left else {
            tx.rollback().await?;
            let Statement { balance, .. } = self.statement(account).await?;
            return Err(NotMade::InsufficientFunds { balance });
        };
        let Order { to, amount: money, reference } = order;
        let transfer =
            Transfer { id: Uuid::now_v7(), to, amount: money, reference, balance: unsigned(left) };
        sqlx::query(
            "INSERT INTO transfers (id, account, recipient, amount, reference, balance) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(transfer.id)
        .bind(account.name())
        .bind(&transfer.to.0)
        .bind(amount)
        .bind(transfer.reference.as_ref().map(|reference| &reference.0))
        .bind(left)
        .execute(&mut *tx)
        .await?;
        tx.commit().await.map_err(|error| NotMade::Unknown(error.into()))?;
        Ok(transfer)
    }

    /// A transfer of this account.
    pub(crate) async fn find(
        &self,
        account: &Account,
        id: Uuid,
    ) -> Result<Option<Transfer>, LedgerError> {
        let found = sqlx::query_as("SELECT * FROM transfers WHERE account = ?1 AND id = ?2")
            .bind(account.name())
            .bind(id)
            .fetch_optional(&self.pool);
        Ok(found.await?)
    }

    /// The transfers of this account that belong to a page.
    pub(crate) async fn page(
        &self,
        account: &Account,
        seek: &Seek,
    ) -> Result<Vec<Transfer>, LedgerError> {
        let all = Select::new("SELECT * FROM transfers WHERE account = ?1").bind(account.name());
        let statement = seek.render(Dialect::Sqlite, all).map_err(other)?;
        let (sql, arguments) = statement.for_sqlx::<sqlx::Sqlite>().map_err(sqlx::Error::Encode)?;
        Ok(sqlx::query_as_with(sql, arguments).fetch_all(&self.pool).await?)
    }

    /// A secret of this name: the same in all processes with this ledger, and 32 bytes long.
    pub(crate) async fn secret(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        let secret = sqlx::query_scalar("SELECT secret FROM secrets WHERE name = ?1").bind(name);
        Ok(secret.fetch_one(&self.pool).await?)
    }

    /// What answers are sealed with.
    pub(crate) async fn answers_key(&self) -> Result<[u8; 32], Failure> {
        let failed = |reason: String| Failure::Database(reason);
        let secret = self.secret("answers").await.map_err(|error| failed(error.to_string()))?;
        secret.try_into().map_err(|_| failed("a key has another length".to_owned()))
    }

    /// Adds a place where this account wants to be told, unless it has so many already.
    pub(crate) async fn add_endpoint(
        &self,
        account: &Account,
        endpoint: &WebhookEndpoint,
        most: i64,
    ) -> Result<bool, LedgerError> {
        let added = sqlx::query(
            "INSERT INTO endpoints (id, account, url, secret) SELECT ?1, ?2, ?3, ?4 \
             WHERE (SELECT COUNT(*) FROM endpoints WHERE account = ?2) < ?5",
        )
        .bind(endpoint.id)
        .bind(account.name())
        .bind(&endpoint.url)
        .bind(&endpoint.secret)
        .bind(most)
        .execute(&self.pool)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// Where this account wants to be told, the oldest first.
    pub(crate) async fn endpoints(
        &self,
        account: &Account,
    ) -> Result<Vec<WebhookEndpoint>, LedgerError> {
        let all = "SELECT id, url, secret FROM endpoints WHERE account = ?1 ORDER BY id";
        let rows = sqlx::query_as(all).bind(account.name()).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(WebhookEndpoint::of).collect())
    }

    /// Whoever's it is.
    pub(crate) async fn endpoint(&self, id: Uuid) -> Result<Option<WebhookEndpoint>, LedgerError> {
        let one = "SELECT id, url, secret FROM endpoints WHERE id = ?1";
        let row = sqlx::query_as(one).bind(id).fetch_optional(&self.pool).await?;
        Ok(row.map(WebhookEndpoint::of))
    }

    /// How this account stands.
    pub(crate) async fn statement(&self, account: &Account) -> Result<Statement, LedgerError> {
        // One statement, so that both are of one moment.
        let (balance, transfers): (Option<i64>, i64) = sqlx::query_as(
            "SELECT (SELECT balance FROM accounts WHERE name = ?1), \
             (SELECT count(*) FROM transfers WHERE account = ?1)",
        )
        .bind(account.name())
        .fetch_one(&self.pool)
        .await?;
        let balance = unsigned(balance.unwrap_or(START));
        Ok(Statement { balance, transfers: unsigned(transfers) })
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Encode(Box::new(error))
}

/// What is stored is never negative.
fn unsigned(number: i64) -> u64 {
    number.unsigned_abs()
}

impl<'r> FromRow<'r, sqlx::sqlite::SqliteRow> for Transfer {
    fn from_row(row: &'r sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
        let amount = NonZeroU64::new(unsigned(row.try_get("amount")?));
        let amount = amount.ok_or_else(|| sqlx::Error::Decode("an amount of nothing".into()))?;
        Ok(Self {
            id: row.try_get("id")?,
            to: Label(row.try_get("recipient")?),
            amount: Money::dollars(amount),
            reference: row.try_get::<Option<_>, _>("reference")?.map(Label),
            balance: unsigned(row.try_get("balance")?),
        })
    }
}

impl From<sqlx::Error> for LedgerError {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl std::error::Error for LedgerError {}

impl std::fmt::Display for LedgerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

/// So much of a currency.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Money {
    #[schema(value_type = u64, minimum = 1)]
    pub(crate) value: NonZeroU64,
    /// Accounts have dollars, and nothing else is changed into them here.
    #[schema(pattern = "^USD$", example = "USD")]
    pub(crate) currency: String,
}

/// It is not in dollars.
#[derive(Debug)]
pub(crate) struct OtherCurrency;

impl Money {
    fn dollars(value: NonZeroU64) -> Self {
        Self { value, currency: "USD".to_owned() }
    }

    pub(crate) fn is_in_dollars(&self) -> Result<(), OtherCurrency> {
        if self.currency == "USD" { Ok(()) } else { Err(OtherCurrency) }
    }
}

/// In characters.
const LONGEST_LABEL: usize = 64;

/// 1 to 64 characters of the client's own choosing.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct Label(String);

impl Label {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Label {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.chars().count() {
            1..=LONGEST_LABEL => Ok(Self(text)),
            _ => Err("use 1 to 64 characters"),
        }
    }
}

impl PartialSchema for Label {
    fn schema() -> RefOr<Schema> {
        text().min_length(Some(1)).max_length(Some(LONGEST_LABEL)).into()
    }
}

impl ToSchema for Label {
    fn name() -> Cow<'static, str> {
        "Label".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_that_open_a_new_file_at_once_share_it() {
        let folder = std::env::temp_dir().join(format!("stonework-{}", Uuid::new_v4()));
        std::fs::create_dir(&folder).expect("a folder of its own");
        for round in 0..20 {
            let file = folder.join(format!("{round}.db"));
            let path = file.to_str().expect("a path in UTF-8");
            let (one, two, three, four) = tokio::try_join!(
                Ledger::open(Some(path)),
                Ledger::open(Some(path)),
                Ledger::open(Some(path)),
                Ledger::open(Some(path)),
            )
            .expect("each opens it");
            let secret = one.secret("cursors").await.expect("a secret");
            for other in [two, three, four] {
                assert_eq!(other.secret("cursors").await.expect("a secret"), secret);
            }
        }
        // A pool may still be opening or closing connections.
        let _ = std::fs::remove_dir_all(&folder);
    }
}
