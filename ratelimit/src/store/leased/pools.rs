use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smallvec::SmallVec;

use super::builder::Settings;
use super::corrections::{Correction, Corrections};
use super::name::{Name, Named};
use super::pool::Pool;
use crate::quota::Quota;
use crate::store::{Adjust, Bucket, Demand};

const SHARDS: usize = 16;

/// The pools under their locks. Who needs several takes them in the order of the shards.
#[derive(Debug)]
pub(super) struct Pools {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// The last generation that was given. Zero is that of other stores' receipts.
    generation: AtomicU64,
    pub(super) settings: Settings,
}

#[derive(Debug, Default)]
pub(super) struct Shard {
    pools: HashMap<Name, Pool>,
    pub(super) corrections: Corrections,
}

/// Tokens that are to go back to the inner store.
#[derive(Debug)]
pub(super) struct Return {
    pub(super) name: Name,
    pub(super) quota: Quota,
    pub(super) tokens: u32,
}

/// The bucket has a pool under another quota, which is being waited for.
#[derive(Debug)]
pub(super) struct Occupied;

/// The lock, also after a panic elsewhere: nothing here panics halfway through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    pub(super) fn pool(&mut self, bucket: Bucket<'_>) -> Option<&mut Pool> {
        self.pools.get_mut(&bucket as &dyn Named)
    }

    /// Drops the pools of which `which` is true, unless they are needed.
    fn shed(&mut self, which: impl Fn(&Pool) -> bool, returns: &mut Vec<Return>) {
        self.pools.retain(|name, pool| {
            if pool.is_needed() || !which(pool) {
                return true;
            }
            let tokens = pool.drain();
            returns.push(Return { name: name.clone(), quota: pool.quota, tokens });
            false
        });
    }

    fn drop_pool(&mut self, bucket: Bucket<'_>, returns: &mut Vec<Return>) {
        if let Some((name, mut pool)) = self.pools.remove_entry(&bucket as &dyn Named) {
            returns.push(Return { name, quota: pool.quota, tokens: pool.drain() });
        }
    }

    /// Makes room for a pool. An eighth goes at once, so that it is not done for each.
    fn make_room(&mut self, most: usize, returns: &mut Vec<Return>) {
        if self.pools.len() < most {
            return;
        }
        let idle = self.pools.values().filter(|pool| !pool.is_needed());
        let mut used: Vec<Duration> = idle.map(Pool::used).collect();
        let eighth = used.len() / 8;
        if used.is_empty() {
            return;
        }
        let (_, threshold, _) = used.select_nth_unstable(eighth);
        let threshold = *threshold;
        self.shed(|pool| pool.used() <= threshold, returns);
    }
}

impl Pools {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            generation: AtomicU64::new(0),
            settings,
        }
    }

    pub(super) fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn at(&self, bucket: Bucket<'_>) -> usize {
        // Below SHARDS, which fits. The maps in the shards hash with other seeds.
        (self.hasher.hash_one(bucket) % SHARDS as u64) as usize
    }

    /// The shard of this bucket.
    pub(super) fn shard(&self, bucket: Bucket<'_>) -> MutexGuard<'_, Shard> {
        lock(&self.shards[self.at(bucket)])
    }

    /// The shards of all these buckets.
    pub(super) fn hold(&self, demands: &[Demand<'_>]) -> Held<'_> {
        let at: SmallVec<[usize; 3]> =
            demands.iter().map(|demand| self.at(demand.bucket)).collect();
        let mut order = at.clone();
        order.sort_unstable();
        order.dedup();
        let shards = order.into_iter().map(|at| (at, lock(&self.shards[at]))).collect();
        Held { pools: self, at, shards }
    }

    /// What a correction is remembered by.
    pub(super) fn correction(&self, adjust: &Adjust<'_>) -> Correction {
        (self.hasher.hash_one(adjust.bucket), adjust.id)
    }

    /// Drops the pools that nobody has used since `before`. Returns whether any are left.
    pub(super) fn sweep(&self, before: Duration, returns: &mut Vec<Return>) -> bool {
        let mut left = false;
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.shed(|pool| pool.used() <= before, returns);
            left |= !shard.pools.is_empty();
        }
        left
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).pools.len()).sum()
    }
}

/// The shards of all buckets of one request, locked.
pub(super) struct Held<'a> {
    pools: &'a Pools,
    /// Of each demand.
    at: SmallVec<[usize; 3]>,
    shards: SmallVec<[(usize, MutexGuard<'a, Shard>); 3]>,
}

impl Held<'_> {
    pub(super) const fn settings(&self) -> &Settings {
        &self.pools.settings
    }

    fn shard(&mut self, which: usize) -> Option<&mut Shard> {
        let at = *self.at.get(which)?;
        self.shards.iter_mut().find(|(shard, _)| *shard == at).map(|(_, shard)| &mut **shard)
    }

    /// The pool of the demand that stands there, if it has one under its quota.
    pub(super) fn pool(&mut self, which: usize, demand: &Demand<'_>) -> Option<&mut Pool> {
        let pool = self.shard(which)?.pool(demand.bucket);
        pool.filter(|pool| pool.quota == demand.quota)
    }

    /// The pool of the demand that stands there, made if need be.
    pub(super) fn pool_for(
        &mut self,
        which: usize,
        demand: &Demand<'_>,
        now: Duration,
        returns: &mut Vec<Return>,
    ) -> Result<&mut Pool, Occupied> {
        let (pools, most) = (self.pools, self.pools.settings.most(&demand.quota));
        let per_shard = pools.settings.max_keys.div_ceil(SHARDS);
        let shard = self.shard(which).ok_or(Occupied)?;
        let quota = shard.pool(demand.bucket).map(|pool| (pool.quota, pool.is_needed()));
        match quota {
            Some((quota, _)) if quota == demand.quota => {}
            Some((_, true)) => return Err(Occupied),
            _ => {
                shard.drop_pool(demand.bucket, returns);
                shard.make_room(per_shard, returns);
                let pool = Pool::new(demand.quota, most, pools.next_generation(), now);
                shard.pools.insert(Name::of(demand.bucket), pool);
            }
        }
        shard.pool(demand.bucket).ok_or(Occupied)
    }
}
