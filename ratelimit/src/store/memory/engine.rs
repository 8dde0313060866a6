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

/// What was found of a bucket, and what is to become of it.
struct Looked {
    id: u64,
    found: Span,
    after: Option<Span>,
}

impl Looked {
    fn as_found(&self) -> Level {
        Level::new(self.found, self.after.is_some())
    }

    fn as_taken(&self) -> Level {
        Level::new(self.after.unwrap_or(self.found), self.after.is_some())
    }
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
        let room = max_keys / count;
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
        // What only watches has no say, here neither.
        let Some((debt, fits)) = updated.or(demand.shadow.then_some((Span::ZERO, false))) else {
            return Acquired::Full;
        };
        let levels = Levels::one(Level::new(debt, fits));
        if fits || demand.shadow { Acquired::Granted(levels) } else { Acquired::Denied(levels) }
    }

    fn acquire_all(&self, demands: &[Demand<'_>], now: u64) -> Acquired {
        let ids: SmallVec<[u64; 4]> =
            demands.iter().map(|demand| self.ids.of(demand.bucket)).collect();
        let mut guards = self.lock_all(&ids);
        let look = |(demand, id): (&Demand<'_>, &u64)| {
            let shard = guarded(&mut guards, self.shard(*id));
            let found = shard.debt(*id, now, &demand.quota);
            Looked { id: *id, found, after: gcra::take(&demand.quota, found, demand.cost) }
        };
        let mut looked: SmallVec<[Looked; 4]> = demands.iter().zip(&ids).map(look).collect();
        if demands.iter().zip(&looked).any(|(demand, it)| !demand.shadow && it.after.is_none()) {
            return Acquired::Denied(looked.iter().map(Looked::as_found).collect());
        }
        if !self.has_room(&mut guards, demands, &ids, now) {
            return Acquired::Full;
        }
        // What only watches comes last, and gets the room that is left.
        for watches in [false, true] {
            for (demand, it) in demands.iter().zip(&mut looked) {
                if demand.shadow == watches
                    && let Some(after) = it.after
                {
                    let shard = guarded(&mut guards, self.shard(it.id));
                    it.after = shard.set(it.id, now, after, &demand.quota).then_some(after);
                }
            }
        }
        Acquired::Granted(looked.iter().map(Looked::as_taken).collect())
    }

    fn lock_all(&self, ids: &[u64]) -> Guards<'_> {
        let mut numbers: SmallVec<[usize; 4]> = ids.iter().map(|id| self.shard(*id)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|number| (number, self.lock(number))).collect()
    }

    /// Each new bucket is taken for one that comes beside all others of its request: at the very
    /// cap a request may be refused for which there was just enough room.
    fn has_room(
        &self,
        guards: &mut Guards<'_>,
        demands: &[Demand<'_>],
        ids: &[u64],
        now: u64,
    ) -> bool {
        let coming = ids.len().saturating_sub(1);
        let mut counting =
            demands.iter().zip(ids).filter(|(demand, _)| !demand.shadow && demand.cost > 0);
        counting.all(|(_, id)| guarded(guards, self.shard(*id)).has_room(*id, now, coming))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Quota;
    use std::time::Duration;

    fn demand(key: &[u8]) -> Demand<'_> {
        let quota = Quota::new(1, Duration::from_secs(3600), 5).unwrap();
        Demand::new(Bucket::new("p", key), quota, 1)
    }

    /// With room for one bucket, which is taken.
    fn full() -> Engine {
        let engine = Engine::new(1, Overflow::DenyNew, Time::counter());
        assert!(matches!(engine.acquire(&[demand(b"old")]), Acquired::Granted(_)));
        engine
    }

    fn fits(acquired: &Acquired) -> Vec<bool> {
        match acquired {
            Acquired::Granted(levels) => levels.iter().map(|level| level.fits).collect(),
            other => panic!("not granted: {other:?}"),
        }
    }

    #[test]
    fn what_only_watches_needs_no_room() {
        let engine = full();
        let (old, new) = (demand(b"old"), demand(b"new"));
        assert_eq!(engine.acquire(&[new]), Acquired::Full);
        assert_eq!(fits(&engine.acquire(&[new.shadow(true)])), [false]);
        assert_eq!(fits(&engine.acquire(&[new.shadow(true), old])), [false, true]);
        assert_eq!(engine.acquire(&[new, old]), Acquired::Full);
        assert_eq!(engine.acquire(&[new, old.shadow(true)]), Acquired::Full);
        let asks = Demand { cost: 0, ..new };
        assert_eq!(fits(&engine.acquire(&[asks, old])), [true, true]);
    }
}
