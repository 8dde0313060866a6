//! Where the money is.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use stonework_core::StoreFuture;
use uuid::Uuid;

use crate::account::Account;

/// What every account has at first.
const START: u64 = 1000;

/// What a client orders.
#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    /// Whom it is for. A label; nobody is credited.
    pub(crate) to: Label,
    pub(crate) amount: Money,
}

/// A transfer that has been made.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Transfer {
    pub(crate) id: Uuid,
    pub(crate) to: Label,
    pub(crate) amount: Money,
    /// The balance after it.
    pub(crate) balance: u64,
}

/// How an account stands.
#[derive(Debug, Serialize)]
pub(crate) struct Statement {
    pub(crate) balance: u64,
    /// How many transfers were made.
    pub(crate) transfers: usize,
}

/// The account has less than the order asks for. Nothing was changed.
#[derive(Debug)]
pub(crate) struct InsufficientFunds {
    pub(crate) balance: u64,
}

/// Keeps accounts and their transfers.
///
/// Each operation is atomic. A ledger in a database would return boxed futures and add failures
/// of its own.
pub(crate) trait Ledger: Send + Sync + 'static {
    /// Charges the account and notes the transfer: both or neither.
    fn transfer(
        &self,
        account: &Account,
        order: Order,
    ) -> StoreFuture<Result<Transfer, InsufficientFunds>>;

    /// A transfer of this account.
    fn find(&self, account: &Account, id: Uuid) -> StoreFuture<Option<Transfer>>;

    /// How this account stands.
    fn statement(&self, account: &Account) -> StoreFuture<Statement>;
}

/// A ledger in memory, for the demonstration: it lasts as long as the process.
///
/// An account takes up room from its first transfer on, and has at most 1000 of them, since each
/// costs something. The number of accounts has no bound here.
#[derive(Debug, Default)]
pub(crate) struct MemoryLedger {
    books: Mutex<HashMap<Account, Book>>,
}

#[derive(Debug)]
struct Book {
    balance: u64,
    transfers: BTreeMap<Uuid, Transfer>,
}

impl Default for Book {
    fn default() -> Self {
        Self { balance: START, transfers: BTreeMap::new() }
    }
}

impl MemoryLedger {
    fn books(&self) -> MutexGuard<'_, HashMap<Account, Book>> {
        // Nothing below can panic between two changes that belong together.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn transfer(
        &self,
        account: &Account,
        order: Order,
    ) -> StoreFuture<Result<Transfer, InsufficientFunds>> {
        let mut books = self.books();
        let balance = books.get(account).map_or(START, |book| book.balance);
        let Some(left) = balance.checked_sub(order.amount.value.get()) else {
            return StoreFuture::ready(Err(InsufficientFunds { balance }));
        };
        let transfer =
            Transfer { id: Uuid::now_v7(), to: order.to, amount: order.amount, balance: left };
        let book = books.entry(account.clone()).or_default();
        book.transfers.insert(transfer.id, transfer.clone());
        book.balance = left;
        StoreFuture::ready(Ok(transfer))
    }

    fn find(&self, account: &Account, id: Uuid) -> StoreFuture<Option<Transfer>> {
        let books = self.books();
        StoreFuture::ready(books.get(account).and_then(|book| book.transfers.get(&id)).cloned())
    }

    fn statement(&self, account: &Account) -> StoreFuture<Statement> {
        let books = self.books();
        let statement =
            books.get(account).map_or(Statement { balance: START, transfers: 0 }, |book| {
                Statement { balance: book.balance, transfers: book.transfers.len() }
            });
        StoreFuture::ready(statement)
    }
}

/// So much of a currency.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Money {
    pub(crate) value: NonZeroU64,
    /// Accounts have dollars, and nothing else is changed into them here.
    pub(crate) currency: String,
}

/// It is not in dollars.
#[derive(Debug)]
pub(crate) struct OtherCurrency;

impl Money {
    pub(crate) fn is_in_dollars(&self) -> Result<(), OtherCurrency> {
        if self.currency == "USD" { Ok(()) } else { Err(OtherCurrency) }
    }
}

/// 1 to 64 characters of the client's own choosing.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct Label(String);

impl TryFrom<String> for Label {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.chars().count() {
            1..=64 => Ok(Self(text)),
            _ => Err("use 1 to 64 characters"),
        }
    }
}
