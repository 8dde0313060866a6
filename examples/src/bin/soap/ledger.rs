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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::AUTHORIZATION;

    use super::*;

    fn account(nth: usize) -> Account {
        let value = HeaderValue::from_str(&format!("Bearer a{nth}")).unwrap();
        Account::of(&[(AUTHORIZATION, value)].into_iter().collect()).unwrap()
    }

    #[test]
    fn accounts_have_an_end_and_those_that_are_there_go_on() {
        let ledger = Ledger::default();
        for nth in 0..MOST_ACCOUNTS {
            assert!(ledger.transfer(&account(nth), 1).is_ok(), "{nth}");
        }
        let another = account(MOST_ACCOUNTS);
        assert!(matches!(ledger.transfer(&another, 1), Err(Refusal::LedgerFull)));
        assert_eq!(ledger.balance(&another), START);
        assert_eq!(ledger.transfer(&account(7), 1).unwrap().balance, START - 2);
    }

    /// Who has nothing to pay with takes no place.
    #[test]
    fn what_is_not_covered_is_not_noted() {
        let ledger = Ledger::default();
        let poor = ledger.transfer(&account(1), START + 1);
        assert!(matches!(poor, Err(Refusal::InsufficientFunds { balance: START })));
        assert!(ledger.0.lock().unwrap().is_empty());
    }
}
