//! What can be asked. Whoever asks sees the own account, and nobody else's.

use async_graphql::dataloader::DataLoader;
use async_graphql::{
    Context, EmptySubscription, Error, ErrorExtensions, ID, Object, Result, Schema, Value,
};
use axum::http::StatusCode;
use stonework_core::Problem;
use stonework_pagination::keyset;
use uuid::Uuid;

use crate::account::Account;
use crate::execute::Decided;
use crate::ledger::{Ledger, LedgerError, NotMade, Transfer};
use crate::loaders::{LatestOf, OfAccount, TotalOf};
use crate::paging::{Asked, List, connection};
use crate::price::LARGEST_PAGE;
use crate::refusal;

keyset! {
    /// An id begins with the time when it was made.
    struct Newest {
        id: Uuid => desc unique,
    }
}

keyset! {
    struct ByName {
        name: String => asc unique,
    }
}

pub(crate) fn schema() -> Schema<Query, Mutation, EmptySubscription> {
    Schema::new(Query, Mutation, EmptySubscription)
}

pub(crate) struct Query;

#[Object]
impl Query {
    /// The account that asks.
    async fn viewer(&self) -> Viewer {
        Viewer
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    /// Pays so much to somebody. Send an `Idempotency-Key`, so that a retry does not pay again.
    async fn transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(validator(chars_min_length = 1, chars_max_length = 64))] to: String,
        #[graphql(validator(minimum = 1))] amount: i32,
    ) -> Result<Transfer> {
        let made = ctx.data::<Ledger>()?.transfer(ctx.data()?, &to, amount).await;
        if !matches!(made, Err(NotMade::Ledger(_))) {
            ctx.data::<Decided>()?.note();
        }
        made.map_err(|error| match error {
            NotMade::InsufficientFunds { balance } => failed(&insufficient(balance)),
            NotMade::Ledger(error) => ledger_failed(&error),
            NotMade::Unknown(error) => interrupted(&error),
        })
    }
}

/// An account, as it is seen by itself.
struct Viewer;

#[Object(name = "Account")]
impl Viewer {
    async fn name<'c>(&self, ctx: &Context<'c>) -> Result<&'c str> {
        Ok(ctx.data::<Account>()?.name())
    }

    async fn balance(&self, ctx: &Context<'_>) -> Result<i32> {
        let balance = ctx.data::<Ledger>()?.balance(ctx.data()?).await;
        balance.map_err(|error| ledger_failed(&error))
    }

    /// What it has paid, newest first.
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Transfer>> {
        let page = Asked { first, after, last, before }.page::<Newest>(ctx, "transfers").await?;
        let rows = ctx.data::<Ledger>()?.transfers(ctx.data()?, &page.seek()).await;
        let rows = rows.map_err(|error| ledger_failed(&error))?;
        let paged = page.finish(rows, |transfer| Newest { id: transfer.id }).await;
        connection(paged.map_err(|error| failed(&error.problem()))?)
    }

    /// Whom it has paid, by name.
    async fn payees(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Payee>> {
        let page = Asked { first, after, last, before }.page::<ByName>(ctx, "payees").await?;
        let rows = ctx.data::<Ledger>()?.payees(ctx.data()?, &page.seek()).await;
        let rows = rows.map_err(|error| ledger_failed(&error))?;
        let paged = page.finish(rows, |name| ByName { name: name.clone() }).await;
        let paged = paged.map_err(|error| failed(&error.problem()))?;
        connection(paged.map(|name| Payee { name }))
    }
}

/// A transfer that has been made.
#[Object]
impl Transfer {
    async fn id(&self) -> ID {
        ID(self.id.to_string())
    }

    async fn amount(&self) -> i32 {
        self.amount
    }

    /// The balance after it.
    async fn balance(&self) -> i32 {
        self.balance
    }

    async fn payee(&self) -> Payee {
        Payee { name: self.payee.clone() }
    }
}

/// Somebody who was paid.
pub(crate) struct Payee {
    name: String,
}

#[Object]
impl Payee {
    async fn name(&self) -> &str {
        &self.name
    }

    /// How much it got in all.
    async fn total(&self, ctx: &Context<'_>) -> Result<i32> {
        let loader = ctx.data::<DataLoader<OfAccount>>()?;
        let total = loader.load_one(TotalOf(self.name.clone())).await;
        Ok(total.map_err(|error| ledger_failed(&error))?.unwrap_or_default())
    }

    /// The newest transfers to it: 5, unless `first` says otherwise.
    async fn latest(
        &self,
        ctx: &Context<'_>,
        #[graphql(validator(minimum = 0, maximum = 100))] first: Option<i32>,
    ) -> Result<Vec<Transfer>> {
        let many = first.map_or(5, i32::unsigned_abs).min(LARGEST_PAGE);
        let loader = ctx.data::<DataLoader<OfAccount>>()?;
        let latest = loader.load_one(LatestOf(self.name.clone(), many)).await;
        Ok(latest.map_err(|error| ledger_failed(&error))?.unwrap_or_default())
    }
}

/// A problem as the error of a field.
pub(crate) fn failed(problem: &Problem) -> Error {
    let extensions = Value::from_json(refusal::extensions(problem)).unwrap_or_default();
    Error::new(problem.message()).extend_with(|_, error| {
        if let Value::Object(members) = &extensions {
            for (name, value) in members {
                error.set(name.as_str(), value.clone());
            }
        }
    })
}

fn insufficient(balance: i32) -> Problem {
    let (kind, status) = ("urn:stonework:graphql:insufficient-funds", StatusCode::PAYMENT_REQUIRED);
    Problem::new(kind, "Insufficient funds", status)
        .member("balance", u64::from(balance.unsigned_abs()))
}

/// Whoever is told that nothing was made would send it again, under a new key.
fn interrupted(error: &LedgerError) -> Error {
    eprintln!("graphql: the ledger failed at the end of a transfer: {error}");
    let (kind, status) = ("urn:stonework:graphql:interrupted", StatusCode::INTERNAL_SERVER_ERROR);
    let problem = Problem::new(kind, "Transfer was interrupted", status);
    failed(&problem.detail("It may or may not have been made."))
}

/// What went wrong is for the log.
fn ledger_failed(error: &LedgerError) -> Error {
    eprintln!("graphql: the ledger failed: {error}");
    let (kind, status) =
        ("urn:stonework:graphql:ledger-unavailable", StatusCode::SERVICE_UNAVAILABLE);
    failed(&Problem::new(kind, "Ledger does not answer", status))
}
