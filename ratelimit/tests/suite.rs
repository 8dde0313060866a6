//! The suite under stores that each break one clause: it has to find every one of them.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stonework_core::{Clock, StoreError, StoreFuture};
use stonework_ratelimit::Quota;
use stonework_ratelimit::store::{
    Acquire, Acquired, Adjust, AdjustId, Adjusted, Bucket, Demand, Lease, LeaseStore, Leased,
    Levels, RateLimitStore, Reset,
};
use stonework_ratelimit::testing::{ReferenceStore, lease_conformance, store_conformance};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    ChargesDenials,
    TakesOneByOne,
    GrantsOneTooMany,
    ChargesForNothing,
    DeniesAsks,
    TurnsLevels,
    IgnoresShadows,
    NeverChargesShadows,
    RunsNamesTogether,
    CutsKeys,
    KeepsTheFirstQuota,
    ForgetsIds,
    KnowsIdsEverywhere,
    CorrectsNothing,
    ResetsNothing,
    ResetsOnlyTokens,
    LooksBeforeItLeaps,
    LeasesBelowTheLeast,
    LeasesWithoutCharge,
}

const FAULTS: [Fault; 17] = [
    Fault::ChargesDenials,
    Fault::TakesOneByOne,
    Fault::GrantsOneTooMany,
    Fault::ChargesForNothing,
    Fault::DeniesAsks,
    Fault::TurnsLevels,
    Fault::IgnoresShadows,
    Fault::NeverChargesShadows,
    Fault::RunsNamesTogether,
    Fault::CutsKeys,
    Fault::KeepsTheFirstQuota,
    Fault::ForgetsIds,
    Fault::KnowsIdsEverywhere,
    Fault::CorrectsNothing,
    Fault::ResetsNothing,
    Fault::ResetsOnlyTokens,
    Fault::LooksBeforeItLeaps,
];

#[derive(Clone)]
struct Broken {
    store: ReferenceStore,
    fault: Fault,
    ids: Arc<Mutex<HashSet<AdjustId>>>,
}

impl Broken {
    fn new(fault: Fault) -> Self {
        Self { store: ReferenceStore::new(), fault, ids: Arc::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// As the broken store names the bucket.
    fn name(&self, bucket: Bucket<'_>) -> (String, Vec<u8>) {
        let (policy, mut key) = (bucket.policy.to_owned(), bucket.key.to_vec());
        if self.has(Fault::RunsNamesTogether) {
            return (String::new(), [policy.as_bytes(), &key].concat());
        }
        if self.has(Fault::CutsKeys) {
            key.truncate(4_096);
        }
        (policy, key)
    }

    fn quota(&self, quota: Quota) -> Quota {
        let burst = match self.fault {
            Fault::GrantsOneTooMany => quota.burst().saturating_add(1),
            Fault::KeepsTheFirstQuota => 5,
            _ => return quota,
        };
        Quota::new(quota.rate(), quota.per(), burst).unwrap_or(quota)
    }

    async fn take(&self, demands: &[Demand<'_>]) -> Acquired {
        self.store.acquire(Acquire::new(demands)).await.unwrap()
    }

    async fn charge(&self, demand: &Demand<'_>, tokens: u32) {
        let id = AdjustId::random();
        let adjust = Adjust::new(demand.bucket, demand.quota, tokens.into(), id);
        self.store.adjust(adjust).await.unwrap();
    }

    async fn one_by_one(&self, demands: &[Demand<'_>]) -> Acquired {
        let mut levels = Vec::new();
        let mut granted = true;
        for demand in demands {
            let reply = self.take(std::slice::from_ref(demand)).await;
            granted &= matches!(reply, Acquired::Granted(_));
            levels.push(levels_of(&reply)[0]);
        }
        let levels = levels.into_iter().collect();
        if granted { Acquired::Granted(levels) } else { Acquired::Denied(levels) }
    }

    /// Two steps, between which others come.
    async fn look_and_leap(&self, demands: &[Demand<'_>]) -> Acquired {
        let asks: Vec<_> =
            demands.iter().map(|ask| Demand::new(ask.bucket, ask.quota, 0)).collect();
        let found = self.take(&asks).await;
        let enough = demands.iter().zip(levels_of(&found).iter()).all(|(demand, level)| {
            demand.shadow || demand.quota.remaining(level.debt) >= demand.cost
        });
        tokio::task::yield_now().await;
        if enough && demands.iter().all(|demand| !demand.shadow && demand.cost > 0) {
            for demand in demands {
                self.charge(demand, demand.cost).await;
            }
            return Acquired::Granted(levels_of(&self.take(&asks).await).clone());
        }
        self.take(demands).await
    }

    async fn acquire(&self, demands: &[Demand<'_>]) -> Acquired {
        let reply = match self.fault {
            Fault::TakesOneByOne => self.one_by_one(demands).await,
            Fault::LooksBeforeItLeaps => self.look_and_leap(demands).await,
            _ => self.take(demands).await,
        };
        match (self.fault, reply) {
            (Fault::ChargesDenials, Acquired::Denied(levels)) => {
                for demand in demands {
                    self.charge(demand, 1).await;
                }
                Acquired::Denied(levels)
            }
            (Fault::TurnsLevels, Acquired::Denied(levels)) => {
                Acquired::Denied(levels.iter().rev().copied().collect())
            }
            (Fault::DeniesAsks, Acquired::Granted(levels))
                if levels.iter().zip(demands).any(|(level, demand)| {
                    demand.cost == 0 && level.debt >= demand.quota.capacity()
                }) =>
            {
                Acquired::Denied(levels)
            }
            (_, reply) => reply,
        }
    }
}

fn levels_of(acquired: &Acquired) -> &Levels {
    match acquired {
        Acquired::Granted(levels) | Acquired::Denied(levels) => levels,
        other => panic!("{other:?}"),
    }
}

/// A demand that outlives its name.
struct Owned {
    name: (String, Vec<u8>),
    quota: Quota,
    cost: u32,
    shadow: bool,
}

impl Owned {
    fn of(demand: &Demand<'_>, store: &Broken) -> Self {
        let Demand { bucket, quota, cost, shadow, .. } = *demand;
        let (name, quota) = (store.name(bucket), store.quota(quota));
        let cost = match store.fault {
            Fault::ChargesForNothing => cost.max(1),
            Fault::NeverChargesShadows if shadow => 0,
            _ => cost,
        };
        Self { name, quota, cost, shadow: shadow && !store.has(Fault::IgnoresShadows) }
    }

    fn demand(&self) -> Demand<'_> {
        let (policy, key) = &self.name;
        Demand::new(Bucket::new(policy, key), self.quota, self.cost).shadow(self.shadow)
    }
}

impl RateLimitStore for Broken {
    fn acquire(&self, acquire: Acquire<'_>) -> StoreFuture<Result<Acquired, StoreError>> {
        let store = self.clone();
        let owned: Vec<_> = acquire.demands.iter().map(|one| Owned::of(one, self)).collect();
        StoreFuture::new(async move {
            let demands: Vec<_> = owned.iter().map(Owned::demand).collect();
            Ok(Self::acquire(&store, &demands).await)
        })
    }

    fn adjust(&self, adjust: Adjust<'_>) -> StoreFuture<Result<Adjusted, StoreError>> {
        let (policy, key) = self.name(adjust.bucket);
        let bucket = Bucket::new(&policy, &key);
        let mut adjust: Adjust<'_> = adjust;
        (adjust.bucket, adjust.quota) = (bucket, self.quota(adjust.quota));
        let repeated = !self.ids.lock().unwrap().insert(adjust.id);
        match self.fault {
            Fault::ForgetsIds => adjust.id = AdjustId::random(),
            Fault::KnowsIdsEverywhere if repeated => adjust.tokens = 0,
            Fault::CorrectsNothing => adjust.tokens = 0,
            _ => {}
        }
        self.store.adjust(adjust)
    }

    fn reset(&self, reset: Reset<'_>) -> StoreFuture<Result<(), StoreError>> {
        let (policy, key) = self.name(reset.bucket);
        let bucket = Bucket::new(&policy, &key);
        match self.fault {
            Fault::ResetsNothing => StoreFuture::ready(Ok(())),
            Fault::ResetsOnlyTokens => {
                // A burst back, and not what is owed beyond it.
                let quota = Quota::new(1, Duration::from_secs(3_600), 5).unwrap();
                let back = Adjust::new(bucket, quota, -5, AdjustId::random());
                let reply = self.store.adjust(back);
                StoreFuture::new(async move { reply.await.map(drop) })
            }
            _ => self.store.reset(Reset::new(bucket)),
        }
    }
}

impl LeaseStore for Broken {
    fn lease(&self, mut lease: Lease<'_>) -> StoreFuture<Result<Leased, StoreError>> {
        match self.fault {
            Fault::LeasesBelowTheLeast => lease.least = lease.least.min(1),
            Fault::LeasesWithoutCharge => {
                let ask = [Demand::new(lease.bucket, lease.quota, 0)];
                let reply = self.store.acquire(Acquire::new(&ask)).try_ready().unwrap().unwrap();
                let debt = levels_of(&reply)[0].debt;
                let tokens = lease.quota.remaining(debt).min(lease.want);
                return StoreFuture::ready(Ok(Leased::new(tokens, debt)));
            }
            _ => {}
        }
        self.store.lease(lease)
    }
}

async fn advance(by: Duration) {
    tokio::time::advance(by).await;
}

/// Whether the suite ends without a complaint.
async fn passes(suite: impl Future<Output = ()> + Send + 'static) -> bool {
    match tokio::spawn(suite).await {
        Ok(()) => true,
        Err(error) => {
            assert!(error.is_panic(), "the suite panics, and is not cancelled");
            false
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_fault_is_found() {
    let sound = Broken::new(Fault::None);
    assert!(passes(store_conformance(sound.clone(), advance)).await, "the wrapper is sound");
    assert!(passes(lease_conformance(sound, advance)).await, "the wrapper is sound");
    for fault in FAULTS {
        assert!(!passes(store_conformance(Broken::new(fault), advance)).await, "{fault:?}");
    }
    for fault in [Fault::LeasesBelowTheLeast, Fault::LeasesWithoutCharge] {
        assert!(!passes(lease_conformance(Broken::new(fault), advance)).await, "{fault:?}");
    }
}

/// A clock that stands still.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn monotonic(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn unix(&self) -> Duration {
        unreachable!("a store does not need the date")
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_never_refills_is_found() {
    let store = ReferenceStore::with_clock(Arc::new(Stopped));
    assert!(!passes(store_conformance(store.clone(), advance)).await);
    assert!(!passes(lease_conformance(store, advance)).await);
}
