use std::num::NonZero;
use std::thread::available_parallelism;

use smallvec::SmallVec;

use super::MemoryStats;
use super::id::Ids;
use super::shard::{Overflow, Shard};
use super::time::Time;
use crate::gcra;
use crate::span::Span;
use crate::store::{Acquired, Adjust, Adjusted, Bucket, Demand, Lease, Leased, Level, Levels};
use crate::sync::{Mutex, MutexGuard, lock};

/// Shards per processor: threads seldom meet. More would have to come from a farther cache.
const SHARDS: usize = 8;

/// Buckets below which another shard is not worth while.
const SMALL: usize = 1024;

/// A lock on a cache line of its own, so that neighbours are not in each other's way.
#[derive(Debug)]
#[repr(align(128))]
struct Locked(Mutex<Shard>);

/// The buckets, in shards.
#[derive(Debug)]
pub(super) struct Engine {
    shards: Box<[Locked]>,
    ids: Ids,
    time: Time,
}

/// The shards that a request concerns, each locked once, in the order of their numbers, so that
/// two requests never wait for each other.
type Guards<'a> = SmallVec<[(usize, MutexGuard<'a, Shard>); 4]>;

impl Engine {
    pub(super) fn new(max_keys: usize, overflow: Overflow, time: Time) -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        // Shards are told apart by bits.
        let count = (processors * SHARDS).next_power_of_two();
        let count = count.min(1 << (max_keys / SMALL).max(1).ilog2());
        let room = max_keys.div_ceil(count);
        let shards = (0..count).map(|_| Locked(Mutex::new(Shard::new(room, overflow)))).collect();
        Self { shards, ids: Ids::random(), time }
    }

    fn shard(&self, id: u64) -> usize {
        // The table within takes its bits from both ends.
        (id >> 32) as usize & (self.shards.len() - 1)
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Shard> {
        lock(&self.shards[shard].0)
    }

    pub(super) fn acquire(&self, demands: &[Demand<'_>]) -> Acquired {
        let now = self.time.now();
        match demands {
            [demand] => self.acquire_one(demand, now),
            demands => self.acquire_all(demands, now),
        }
    }

    #[inline]
    fn acquire_one(&self, demand: &Demand<'_>, now: u64) -> Acquired {
        let id = self.ids.of(demand.bucket);
        let take = |debt| gcra::take(&demand.quota, debt, demand.cost);
        let updated = self.lock(self.shard(id)).update(id, now, &demand.quota, take);
        let Some((debt, fits)) = updated else { return Acquired::Full };
        let levels = Levels::one(Level::new(debt, fits));
        if fits || demand.shadow { Acquired::Granted(levels) } else { Acquired::Denied(levels) }
    }

    fn acquire_all(&self, demands: &[Demand<'_>], now: u64) -> Acquired {
        let ids: SmallVec<[u64; 4]> =
            demands.iter().map(|demand| self.ids.of(demand.bucket)).collect();
        let mut guards = self.lock_all(&ids);
        let asked: SmallVec<[_; 4]> = demands
            .iter()
            .zip(&ids)
            .map(|(demand, id)| {
                let shard = guarded(&mut guards, self.shard(*id));
                let debt = shard.debt(*id, now, &demand.quota);
                (debt, gcra::take(&demand.quota, debt, demand.cost))
            })
            .collect();
        let granted =
            demands.iter().zip(&asked).all(|(demand, (_, after))| demand.shadow || after.is_some());
        if !granted {
            let levels = asked.iter().map(|(debt, after)| Level::new(*debt, after.is_some()));
            return Acquired::Denied(levels.collect());
        }
        if !self.has_room(&mut guards, &ids, now) {
            return Acquired::Full;
        }
        for ((demand, id), (_, after)) in demands.iter().zip(&ids).zip(&asked) {
            if let Some(after) = after {
                guarded(&mut guards, self.shard(*id)).set(*id, now, *after, &demand.quota);
            }
        }
        let levels =
            asked.iter().map(|(debt, after)| Level::new(after.unwrap_or(*debt), after.is_some()));
        Acquired::Granted(levels.collect())
    }

    fn lock_all(&self, ids: &[u64]) -> Guards<'_> {
        let mut numbers: SmallVec<[usize; 4]> = ids.iter().map(|id| self.shard(*id)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|number| (number, self.lock(number))).collect()
    }

    /// Each new bucket is taken for one that comes beside all others of its request: at the very
    /// cap a request may be refused for which there was just enough room.
    fn has_room(&self, guards: &mut Guards<'_>, ids: &[u64], now: u64) -> bool {
        let coming = ids.len().saturating_sub(1);
        ids.iter().all(|id| guarded(guards, self.shard(*id)).has_room(*id, now, coming))
    }

    /// At the cap, and with [`Overflow::DenyNew`], a charge to a bucket that is not there is lost.
    pub(super) fn adjust(&self, adjust: &Adjust<'_>) -> Adjusted {
        let (id, now) = (self.ids.of(adjust.bucket), self.time.now());
        let mut shard = self.lock(self.shard(id));
        if !shard.rare.seen.first((id, *adjust.id.as_bytes())) {
            return Adjusted::new(shard.debt(id, now, &adjust.quota));
        }
        let change = |debt| Some(gcra::adjust(&adjust.quota, debt, adjust.tokens));
        let changed = shard.update(id, now, &adjust.quota, change);
        Adjusted::new(changed.map(|(debt, _)| debt).unwrap_or_default())
    }

    pub(super) fn lease(&self, lease: &Lease<'_>) -> Leased {
        let (id, now) = (self.ids.of(lease.bucket), self.time.now());
        let mut tokens = 0;
        let take = |debt| {
            tokens = gcra::available(&lease.quota, debt, lease.want, lease.least);
            gcra::take(&lease.quota, debt, tokens)
        };
        match self.lock(self.shard(id)).update(id, now, &lease.quota, take) {
            Some((debt, _)) => Leased::new(tokens, debt),
            // No room for the bucket, which is full.
            None => Leased::new(0, Span::ZERO),
        }
    }

    pub(super) fn reset(&self, bucket: Bucket<'_>) {
        let id = self.ids.of(bucket);
        self.lock(self.shard(id)).remove(id);
    }

    pub(super) fn stats(&self) -> MemoryStats {
        let nothing = MemoryStats { keys: 0, bytes: 0, evicted: 0, refused: 0 };
        self.shards.iter().fold(nothing, |sum, shard| {
            let shard = lock(&shard.0);
            MemoryStats {
                keys: sum.keys + shard.len(),
                bytes: sum.bytes + shard.bytes(),
                evicted: sum.evicted + shard.rare.evicted,
                refused: sum.refused + shard.rare.refused,
            }
        })
    }
}

/// Of the few that are locked.
fn guarded<'a>(guards: &'a mut Guards<'_>, number: usize) -> &'a mut Shard {
    let place = guards.iter().position(|(locked, _)| *locked == number);
    // `lock_all` locked the shard of every id.
    &mut guards[place.unwrap_or_default()].1
}
