use std::time::Duration;

use tokio::task::JoinSet;

use crate::quota::Quota;
use crate::span::Span;
use crate::store::{
    Acquire, Acquired, Adjust, AdjustId, Bucket, Demand, Level, Levels, RateLimitStore, Receipt,
    Reset,
};

const HOUR: Duration = Duration::from_secs(3_600);

/// How much real time a clause may take without an effect on what is asserted.
const SLACK: Duration = Duration::from_secs(600);

/// How many at once.
pub(super) const MANY: usize = 32;

/// A quota that gains nothing while the suite runs.
pub(super) fn slow(burst: u32) -> Quota {
    quota(1, HOUR, burst)
}

/// A quota that gains a token each tenth of a second.
pub(super) fn fast(burst: u32) -> Quota {
    quota(10, Duration::from_secs(1), burst)
}

pub(super) fn quota(rate: u32, per: Duration, burst: u32) -> Quota {
    Quota::new(rate, per, burst).expect("a quota that makes sense")
}

/// This many hours, as a debt.
pub(super) fn hours(hours: u32) -> Span {
    slow(hours.max(1)).time_of(hours)
}

/// A debt is as large as it should be, but for the time that has passed meanwhile.
pub(super) fn assert_owed(found: Span, expected: Span) {
    let (found, most) = (found.duration(), expected.duration());
    assert!(found <= most, "the debt is {found:?} and should be {most:?}");
    let least = most.saturating_sub(SLACK);
    assert!(found >= least, "the debt is {found:?} and should be {most:?}");
}

/// Runs something many times at once and gathers what came of it.
pub(super) async fn many<T, F>(make: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for which in 0..MANY {
        tasks.spawn(make(which));
    }
    tasks.join_all().await
}

/// Sends demands that are to be granted or denied, whatever the levels.
pub(super) async fn ask(store: &dyn RateLimitStore, demands: &[Demand<'_>]) -> (bool, Levels) {
    let reply = store.acquire(Acquire::new(demands));
    let (granted, levels) = match reply.await.expect("the store answers") {
        Acquired::Granted(levels) => (true, levels),
        Acquired::Denied(levels) => (false, levels),
        Acquired::Full => panic!("the store has room for the suite's buckets"),
    };
    assert_eq!(levels.len(), demands.len(), "there is one level for each demand");
    (granted, levels)
}

/// A bucket that nobody has used before, under a quota.
#[derive(Clone, Copy)]
pub(super) struct Case<'s> {
    pub(super) store: &'s dyn RateLimitStore,
    pub(super) policy: &'s str,
    pub(super) key: [u8; 16],
    pub(super) quota: Quota,
}

impl<'s> Case<'s> {
    pub(super) fn new(store: &'s dyn RateLimitStore, quota: Quota) -> Self {
        Self { store, policy: "conformance", key: *AdjustId::random().as_bytes(), quota }
    }

    /// The same bucket under another quota.
    pub(super) fn under(self, quota: Quota) -> Self {
        Self { quota, ..self }
    }

    pub(super) fn bucket(&self) -> Bucket<'_> {
        Bucket::new(self.policy, &self.key)
    }

    pub(super) fn demand(&self, cost: u32) -> Demand<'_> {
        Demand::new(self.bucket(), self.quota, cost)
    }

    /// Asks for one demand, and returns whether it was granted and the level.
    pub(super) async fn ask(&self, cost: u32) -> (bool, Level) {
        let (granted, levels) = ask(self.store, &[self.demand(cost)]).await;
        assert_eq!(levels[0].fits, granted, "a demand alone is granted if it fits");
        (granted, levels[0])
    }

    pub(super) async fn is_granted(&self, cost: u32) -> bool {
        self.ask(cost).await.0
    }

    /// Takes tokens that must be there.
    pub(super) async fn take(&self, cost: u32) -> Receipt {
        let (granted, level) = self.ask(cost).await;
        assert!(granted, "the bucket has {cost} tokens");
        level.receipt
    }

    /// What the bucket owes, charging nothing.
    pub(super) async fn debt(&self) -> Span {
        let (granted, level) = self.ask(0).await;
        assert!(granted, "a cost of zero is granted");
        level.debt
    }

    /// The bucket holds so many tokens, and gives them all, one by one.
    pub(super) async fn gives(&self, tokens: u32) {
        let debt = self.debt().await;
        assert_eq!(self.quota.remaining(debt), tokens, "so many tokens are left");
        for taken in 0..tokens {
            assert!(self.is_granted(1).await, "token {taken} of {tokens} is granted");
        }
        assert!(!self.is_granted(1).await, "after {tokens} tokens nothing is left");
    }

    pub(super) async fn owes(&self, expected: Span) {
        assert_owed(self.debt().await, expected);
    }

    /// Corrects the bucket, and returns what it owes then.
    pub(super) async fn adjust(&self, tokens: i64, id: AdjustId) -> Span {
        self.correct(tokens, id, Receipt::default()).await
    }

    pub(super) async fn correct(&self, tokens: i64, id: AdjustId, receipt: Receipt) -> Span {
        let adjust = Adjust::new(self.bucket(), self.quota, tokens, id).of(receipt);
        self.store.adjust(adjust).await.expect("the store answers a correction").debt
    }

    pub(super) async fn reset(&self) {
        let reply = self.store.reset(Reset::new(self.bucket()));
        reply.await.expect("the store answers a reset");
    }
}
