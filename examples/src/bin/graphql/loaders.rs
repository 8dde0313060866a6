//! What is read for all items of a list at once. Without them, each item would be a statement of its own.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};

use crate::account::Account;
use crate::ledger::{Ledger, LedgerError, Transfer};

/// How much a payee got, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TotalOf(pub(crate) String);

/// The newest transfers to a payee, by its name, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LatestOf(pub(crate) String, pub(crate) u32);

/// Reads for one account, in one query of GraphQL.
pub(crate) struct OfAccount {
    ledger: Ledger,
    account: Account,
}

/// What is to be read for a query, and when: when it cannot go on without. Then it has asked for all that it will, so each
/// batch is whole. After some milliseconds instead, as is usual, a busy machine has asked for a part.
#[derive(Clone, Default)]
pub(crate) struct Loads(Arc<Mutex<Vec<Load>>>);

type Load = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Loads {
    pub(crate) fn loader(&self, ledger: &Ledger, account: &Account) -> DataLoader<OfAccount> {
        let loader = OfAccount { ledger: ledger.clone(), account: account.clone() };
        let loads = self.clone();
        DataLoader::new(loader, move |load| loads.waiting().push(load)).delay(Duration::ZERO)
    }

    /// Runs a query, and what it waits for.
    pub(crate) async fn drive<Q: Future>(&self, query: Q) -> Q::Output {
        let mut query = pin!(query);
        poll_fn(|cx| {
            let polled = query.as_mut().poll(cx);
            for load in self.waiting().drain(..) {
                tokio::spawn(load);
            }
            polled
        })
        .await
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Load>> {
        // Nothing panics while it has the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loader<TotalOf> for OfAccount {
    type Value = i32;
    type Error = Arc<LedgerError>;

    async fn load(&self, keys: &[TotalOf]) -> Result<HashMap<TotalOf, i32>, Self::Error> {
        let names: Vec<_> = keys.iter().map(|TotalOf(name)| name.as_str()).collect();
        let totals = self.ledger.totals(&self.account, &names).await?;
        Ok(totals.into_iter().map(|(name, total)| (TotalOf(name), total)).collect())
    }
}

impl Loader<LatestOf> for OfAccount {
    type Value = Vec<Transfer>;
    type Error = Arc<LedgerError>;

    /// A statement for each number that is asked for: how many there are depends on the query, and not on the data.
    async fn load(
        &self,
        keys: &[LatestOf],
    ) -> Result<HashMap<LatestOf, Vec<Transfer>>, Self::Error> {
        let mut by_number: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        for LatestOf(name, many) in keys {
            by_number.entry(*many).or_default().push(name);
        }
        let mut found: HashMap<LatestOf, Vec<Transfer>> = HashMap::new();
        for (many, names) in by_number {
            for transfer in self.ledger.latest(&self.account, &names, many).await? {
                let key = LatestOf(transfer.payee.clone(), many);
                found.entry(key).or_default().push(transfer);
            }
        }
        Ok(found)
    }
}
