//! Where the money is: in memory, for as long as the process lasts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::account::Account;
use crate::refusal::Refusal;

/// What every account has at first.
const START: u32 = 1000;

/// Accounts that have paid something. All others have what they had at first.
const MOST_ACCOUNTS: usize = 100_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<HashMap<String, u32>>>);

/// A transfer that has been made, and the balance after it.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) id: Uuid,
    pub(crate) balance: u32,
}

impl Ledger {
    pub(crate) fn balance(&self, account: &Account) -> u32 {
        // Nothing panics while it has the lock.
        let balances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        balances.get(account.name()).copied().unwrap_or(START)
    }

    /// Charges the account. Whom it is for is a label; nobody is credited.
    pub(crate) fn transfer(&self, account: &Account, amount: u32) -> Result<Transfer, Refusal> {
        let mut balances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = balances.get(account.name()).copied();
        if known.is_none() && balances.len() >= MOST_ACCOUNTS {
            return Err(Refusal::LedgerFull);
        }
        let balance = known.unwrap_or(START);
        let left = balance.checked_sub(amount).ok_or(Refusal::InsufficientFunds { balance })?;
        balances.insert(account.name().to_owned(), left);
        Ok(Transfer { id: Uuid::now_v7(), balance: left })
    }
}
