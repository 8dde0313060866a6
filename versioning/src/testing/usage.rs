use std::sync::Arc;

use stonework_core::Key;
use tokio::task::JoinSet;

use super::{MANY, lose, new_name, odd_accounts};
use crate::Moment;
use crate::store::{Seen, UsageStore, User, Users};

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// Runs every clause of [`UsageStore`] upon `store`, short of what it forgets, which depends on its size.
///
/// The versions are new ones in each run, and stay known after it; the store needs room for 20, with 100
/// accounts each. Within a tokio runtime; on one of many threads the races are real.
///
/// # Panics
///
/// When the store breaks a clause. The message says what was expected.
pub async fn usage_conformance<S: UsageStore>(store: S) {
    let store: Arc<dyn UsageStore> = Arc::new(store);
    nobody_uses_a_version_until_seen_to(&store).await;
    who_was_seen_last_is_first(&store).await;
    no_more_are_told_than_asked_for(&store).await;
    only_a_later_moment_counts(&store).await;
    moments_are_kept_to_the_second(&store).await;
    versions_are_apart(&store).await;
    accounts_are_bytes_and_apart(&store).await;
    what_is_sent_again_is_done_once(&store).await;
    of_moments_at_once_the_latest_is_kept(&store).await;
    all_who_are_seen_at_once_are_known(&store).await;
}

#[derive(Clone)]
struct Version {
    store: Arc<dyn UsageStore>,
    name: String,
}

impl Version {
    fn new(store: &Arc<dyn UsageStore>) -> Self {
        Self::named(store, new_name())
    }

    fn named(store: &Arc<dyn UsageStore>, name: String) -> Self {
        Self { store: Arc::clone(store), name }
    }

    async fn seen(&self, account: impl Into<Key>, at: u64) {
        let account = account.into();
        let seen = self.store.seen(Seen::new(&account, &self.name, Moment::unix(at))).await;
        seen.expect("the store answers");
    }

    async fn users(&self, most: usize) -> Vec<User> {
        self.store.users(Users::new(&self.name, most)).await.expect("the store answers")
    }

    /// These and no others, last seen first.
    async fn has(&self, expected: &[(&str, u64)]) {
        let expected: Vec<_> = expected.iter().map(|(account, at)| user(*account, *at)).collect();
        assert_eq!(self.users(usize::MAX).await, expected, "these were seen to use it");
    }
}

fn user(account: impl Into<Key>, at: u64) -> User {
    User::new(account.into(), Moment::unix(at))
}

async fn nobody_uses_a_version_until_seen_to(store: &Arc<dyn UsageStore>) {
    let version = Version::new(store);
    version.has(&[]).await;
    version.seen("acme", 1).await;
    version.has(&[("acme", 1)]).await;
}

async fn who_was_seen_last_is_first(store: &Arc<dyn UsageStore>) {
    let version = Version::new(store);
    // Neither in the order in which they came, nor in that of their names or of the digits.
    for (account, at) in [("b", 200), ("d", 1_000), ("a", 90), ("c", 200)] {
        version.seen(account, at).await;
    }
    let mut users = version.users(usize::MAX).await;
    users[1..3].sort_by(|one, two| one.account.as_bytes().cmp(two.account.as_bytes()));
    let expected = [user("d", 1_000), user("b", 200), user("c", 200), user("a", 90)];
    assert_eq!(users, expected, "the last seen are first, and of the same moment in any order");
    version.seen("a", 2_000).await;
    assert_eq!(version.users(1).await, [user("a", 2_000)], "it was seen again");
}

async fn no_more_are_told_than_asked_for(store: &Arc<dyn UsageStore>) {
    let version = Version::new(store);
    for (account, at) in [("a", 1), ("b", 2), ("c", 3)] {
        version.seen(account, at).await;
    }
    let all = [user("c", 3), user("b", 2), user("a", 1)];
    for most in 0..=4 {
        assert_eq!(version.users(most).await, all[..most.min(3)], "so many: {most}");
    }
    assert_eq!(version.users(usize::MAX).await, all);
}

async fn only_a_later_moment_counts(store: &Arc<dyn UsageStore>) {
    let version = Version::new(store);
    for (at, known) in [(20, 20), (10, 20), (20, 20), (30, 30), (0, 30)] {
        version.seen("acme", at).await;
        version.has(&[("acme", known)]).await;
    }
    version.seen("duff", 25).await;
    version.has(&[("acme", 30), ("duff", 25)]).await;
}

async fn moments_are_kept_to_the_second(store: &Arc<dyn UsageStore>) {
    let version = Version::new(store);
    version.seen("first", 0).await;
    version.seen("now", 1_782_777_601).await;
    version.seen("last", LAST).await;
    version.has(&[("last", LAST), ("now", 1_782_777_601), ("first", 0)]).await;
    version.seen("now", 1_782_777_602).await;
    version.has(&[("last", LAST), ("now", 1_782_777_602), ("first", 0)]).await;
}

async fn versions_are_apart(store: &Arc<dyn UsageStore>) {
    let name = new_name();
    let named = |suffix| Version::named(store, format!("{name}{suffix}"));
    let versions = ["", "1", "10", ":", "-beta", "-Beta", " ", "é"].map(named);
    for (at, version) in (1..).zip(&versions) {
        version.seen("acme", at).await;
    }
    for (at, version) in (1..).zip(&versions) {
        version.has(&[("acme", at)]).await;
    }
}

async fn accounts_are_bytes_and_apart(store: &Arc<dyn UsageStore>) {
    let version = Version::new(store);
    // An account without a name is one too.
    let accounts: Vec<_> = odd_accounts().into_iter().chain([Key::from("")]).collect();
    for (at, account) in (1..).zip(&accounts) {
        version.seen(account.clone(), at).await;
    }
    let mut users = version.users(usize::MAX).await;
    users.reverse();
    let expected: Vec<_> = (1..).zip(accounts).map(|(at, account)| user(account, at)).collect();
    assert!(users == expected, "each is told as it was seen, byte by byte");
}

async fn what_is_sent_again_is_done_once(store: &Arc<dyn UsageStore>) {
    let version = Version::new(store);
    let (account, at) = (Key::from("acme"), Moment::unix(10));
    lose(|| store.seen(Seen::new(&account, &version.name, at))).await;
    version.seen("acme", 10).await;
    lose(|| store.users(Users::new(&version.name, 1))).await;
    version.has(&[("acme", 10)]).await;
    version.seen("acme", 20).await;
    version.seen("acme", 10).await;
    version.has(&[("acme", 20)]).await;
}

/// The moments of a race, in an order that is not their own.
fn moments() -> impl Iterator<Item = u64> {
    let many = MANY as u64;
    (0..many).map(move |n| 1 + n * 7 % many)
}

async fn of_moments_at_once_the_latest_is_kept(store: &Arc<dyn UsageStore>) {
    let version = Version::new(store);
    let mut tasks = JoinSet::new();
    for at in moments() {
        let version = version.clone();
        tasks.spawn(async move { version.seen("acme", at).await });
    }
    tasks.join_all().await;
    version.has(&[("acme", MANY as u64)]).await;
}

async fn all_who_are_seen_at_once_are_known(store: &Arc<dyn UsageStore>) {
    let version = Version::new(store);
    let mut tasks = JoinSet::new();
    for at in moments() {
        let version = version.clone();
        tasks.spawn(async move { version.seen(at, at).await });
    }
    tasks.join_all().await;
    let expected: Vec<_> = (1..=MANY as u64).rev().map(|at| user(at, at)).collect();
    assert_eq!(version.users(usize::MAX).await, expected, "none was lost");
}
