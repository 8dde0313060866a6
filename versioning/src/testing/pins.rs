use std::sync::Arc;

use stonework_core::Key;
use tokio::task::JoinSet;

use super::{MANY, lose, new_name, odd_accounts};
use crate::store::{Change, Changed, Lookup, Pin, PinStore, Pinned, Unpinned};

/// Runs every clause of [`PinStore`] upon `store`.
///
/// The accounts are new ones in each run, and stay pinned after it; the store needs room for 100. Within
/// a tokio runtime; on one of many threads the races are real.
///
/// # Panics
///
/// When the store breaks a clause. The message says what was expected.
pub async fn pin_conformance<S: PinStore>(store: S) {
    let store: Arc<dyn PinStore> = Arc::new(store);
    an_account_is_not_pinned_until_it_is(&store).await;
    the_first_pin_stays(&store).await;
    a_pin_is_moved_from_where_it_is(&store).await;
    a_move_that_was_made_is_made(&store).await;
    nobody_is_pinned_by_a_move(&store).await;
    a_pin_is_taken_off_once(&store).await;
    versions_are_texts_kept_as_they_are(&store).await;
    accounts_are_bytes_and_apart(&store).await;
    what_is_sent_again_is_done_once(&store).await;
    a_step_that_is_given_up_is_made_or_not(&store).await;
    all_who_pin_at_once_are_told_the_same(&store).await;
    of_many_moves_at_once_one_is_made(&store).await;
    of_many_who_unpin_at_once_one_did(&store).await;
}

#[derive(Clone)]
struct Account {
    store: Arc<dyn PinStore>,
    key: Key,
}

impl Account {
    fn new(store: &Arc<dyn PinStore>) -> Self {
        Self::named(store, Key::from(new_name()))
    }

    /// One that is pinned to a version.
    async fn pinned(store: &Arc<dyn PinStore>, version: &str) -> Self {
        let account = Self::new(store);
        assert_eq!(account.pin(version).await, to(version), "it was not pinned before");
        account
    }

    fn named(store: &Arc<dyn PinStore>, key: Key) -> Self {
        Self { store: Arc::clone(store), key }
    }

    fn lookup(&self) -> Lookup<'_> {
        Lookup::new(&self.key)
    }

    async fn version(&self) -> Option<String> {
        self.store.get(self.lookup()).await.expect("the store answers")
    }

    async fn has(&self, version: &str) {
        assert_eq!(self.version().await.as_deref(), Some(version), "it is pinned to this");
    }

    async fn has_none(&self) {
        assert_eq!(self.version().await, None, "it is not pinned");
    }

    async fn pin(&self, version: &str) -> Pinned {
        let pinned = self.store.pin_if_absent(Pin::new(&self.key, version)).await;
        pinned.expect("the store answers")
    }

    async fn change(&self, from: &str, to: &str) -> Changed {
        let changed = self.store.compare_and_set(Change::new(&self.key, from, to)).await;
        changed.expect("the store answers")
    }

    async fn unpin(&self) -> Unpinned {
        self.store.unpin(self.lookup()).await.expect("the store answers")
    }
}

fn to(version: &str) -> Pinned {
    Pinned::To(version.to_owned())
}

fn pinned_to(version: &str) -> Changed {
    Changed::PinnedTo(version.to_owned())
}

async fn an_account_is_not_pinned_until_it_is(store: &Arc<dyn PinStore>) {
    let account = Account::new(store);
    account.has_none().await;
    account.has_none().await;
    assert_eq!(account.pin("v1").await, to("v1"));
    account.has("v1").await;
}

async fn the_first_pin_stays(store: &Arc<dyn PinStore>) {
    let account = Account::pinned(store, "v1").await;
    assert_eq!(account.pin("v2").await, to("v1"), "it is pinned already");
    account.has("v1").await;
    assert_eq!(account.pin("v1").await, to("v1"), "it is pinned so already");
}

async fn a_pin_is_moved_from_where_it_is(store: &Arc<dyn PinStore>) {
    let account = Account::pinned(store, "v1").await;
    assert_eq!(account.change("v2", "v3").await, pinned_to("v1"), "it is pinned to neither");
    account.has("v1").await;
    assert_eq!(account.change("v2", "v2").await, pinned_to("v1"), "it is pinned to neither");
    assert_eq!(account.change("v1", "v2").await, Changed::Yes);
    account.has("v2").await;
    assert_eq!(account.pin("v1").await, to("v2"), "it is pinned there now");
    assert_eq!(account.change("v1", "v3").await, pinned_to("v2"), "it was moved before");
    account.has("v2").await;
    assert_eq!(account.change("v2", "v1").await, Changed::Yes, "it can be moved back");
    account.has("v1").await;
}

async fn a_move_that_was_made_is_made(store: &Arc<dyn PinStore>) {
    let account = Account::pinned(store, "v1").await;
    assert_eq!(account.change("v1", "v1").await, Changed::Yes, "it is there already");
    account.has("v1").await;
    assert_eq!(account.change("v0", "v1").await, Changed::Yes, "it is there already");
    account.has("v1").await;
    assert_eq!(account.change("v1", "v2").await, Changed::Yes);
    assert_eq!(account.change("v1", "v2").await, Changed::Yes, "it was made before");
    account.has("v2").await;
}

async fn nobody_is_pinned_by_a_move(store: &Arc<dyn PinStore>) {
    let account = Account::new(store);
    for (from, to) in [("v1", "v2"), ("v1", "v1"), ("", "v1")] {
        assert_eq!(account.change(from, to).await, Changed::NotPinned);
        account.has_none().await;
    }
}

async fn a_pin_is_taken_off_once(store: &Arc<dyn PinStore>) {
    let account = Account::new(store);
    assert_eq!(account.unpin().await, Unpinned::NotPinned, "it never was");
    account.pin("v1").await;
    assert_eq!(account.unpin().await, Unpinned::Yes);
    account.has_none().await;
    assert_eq!(account.unpin().await, Unpinned::NotPinned, "it is not any more");
    assert_eq!(account.change("v1", "v2").await, Changed::NotPinned);
    assert_eq!(account.pin("v2").await, to("v2"), "it is pinned anew");
    account.has("v2").await;
}

async fn versions_are_texts_kept_as_they_are(store: &Arc<dyn PinStore>) {
    for version in ["1", "v2.1-beta", "2026-03-10-Preview.1", "01", " 1 ", "neuf-é"] {
        let account = Account::pinned(store, version).await;
        account.has(version).await;
        assert_eq!(account.change(version, "v2").await, Changed::Yes);
        assert_eq!(account.change("v2", version).await, Changed::Yes);
        account.has(version).await;
    }
    let account = Account::pinned(store, "1").await;
    for alike in ["01", "1 ", "1.0"] {
        assert_eq!(account.change(alike, "v2").await, pinned_to("1"), "{alike:?} is another");
    }
    let account = Account::pinned(store, "1-beta").await;
    assert_eq!(account.change("1-Beta", "v2").await, pinned_to("1-beta"), "case matters");
}

async fn accounts_are_bytes_and_apart(store: &Arc<dyn PinStore>) {
    let accounts: Vec<_> =
        odd_accounts().into_iter().map(|key| Account::named(store, key)).collect();
    let version = |n| format!("v{n}");
    for (n, account) in accounts.iter().enumerate() {
        assert_eq!(account.pin(&version(n)).await, to(&version(n)), "it is another account");
    }
    for (n, account) in accounts.iter().enumerate() {
        account.has(&version(n)).await;
        assert_eq!(account.change(&version(n), "new").await, Changed::Yes);
    }
    for account in &accounts {
        account.has("new").await;
        assert_eq!(account.unpin().await, Unpinned::Yes, "no other was taken off");
    }
}

async fn what_is_sent_again_is_done_once(store: &Arc<dyn PinStore>) {
    let account = Account::new(store);
    lose(|| store.pin_if_absent(Pin::new(&account.key, "v1"))).await;
    assert_eq!(account.pin("v1").await, to("v1"));
    lose(|| store.get(account.lookup())).await;
    account.has("v1").await;

    let account = Account::pinned(store, "v1").await;
    lose(|| store.compare_and_set(Change::new(&account.key, "v1", "v2"))).await;
    assert_eq!(account.change("v1", "v2").await, Changed::Yes, "it was made before");
    account.has("v2").await;

    let account = Account::pinned(store, "v1").await;
    lose(|| store.unpin(account.lookup())).await;
    assert_eq!(account.unpin().await, Unpinned::NotPinned, "it was taken off before");
    account.has_none().await;
}

async fn a_step_that_is_given_up_is_made_or_not(store: &Arc<dyn PinStore>) {
    let account = Account::new(store);
    drop(store.pin_if_absent(Pin::new(&account.key, "v1")));
    let Pinned::To(version) = account.pin("v2").await else { panic!("there is room") };
    assert!(["v1", "v2"].contains(&version.as_str()), "it was pinned to {version:?}");
    account.has(&version).await;
}

/// Lets many do something at once, each with its own version.
async fn race<T, F>(account: &Account, step: impl Fn(Account, String) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for n in 0..MANY {
        tasks.spawn(step(account.clone(), format!("new-{n}")));
    }
    tasks.join_all().await
}

async fn all_who_pin_at_once_are_told_the_same(store: &Arc<dyn PinStore>) {
    let account = Account::new(store);
    let told = race(&account, async |account, version| account.pin(&version).await).await;
    let pinned = account.version().await.expect("it is pinned");
    assert!(pinned.starts_with("new-"), "it is pinned to {pinned:?}, which nobody asked for");
    for told in told {
        assert_eq!(told, to(&pinned), "all are told the same version");
    }
}

async fn of_many_moves_at_once_one_is_made(store: &Arc<dyn PinStore>) {
    let account = Account::pinned(store, "v1").await;
    let told = race(&account, async |account, version| account.change("v1", &version).await).await;
    let made = told.iter().filter(|changed| **changed == Changed::Yes).count();
    assert_eq!(made, 1, "one of {MANY} was made");
    let pinned = account.version().await.expect("it is pinned");
    for told in told {
        assert!(told == Changed::Yes || told == pinned_to(&pinned), "{told:?}, not {pinned:?}");
    }
}

async fn of_many_who_unpin_at_once_one_did(store: &Arc<dyn PinStore>) {
    let account = Account::pinned(store, "v1").await;
    let told = race(&account, async |account, _| account.unpin().await).await;
    let made = told.iter().filter(|unpinned| **unpinned == Unpinned::Yes).count();
    assert_eq!(made, 1, "one of {MANY} did");
    account.has_none().await;
}
