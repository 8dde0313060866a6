use hashbrown::HashTable;

use super::seen::Seen;
use crate::quota::Quota;
use crate::span::Span;

/// Places that are looked at for full buckets whenever a new bucket is made in a table that is
/// nearly full. All places are looked at before it grows.
///
/// Not earlier: where clients ask less often than they may, every bucket is full when it is asked
/// for again, and to remove it in the meantime costs more than to find it.
const SWEPT: usize = 10;

/// Places that are looked at now and then, so that a table which was large becomes small again.
const TRICKLE: usize = 64;

/// How often that is, in nanoseconds.
const PAUSE: u64 = 1_000_000_000;

/// Places that are looked at for a victim when there is no room.
const SAMPLE: usize = 16;

/// A bucket that is not full: 24 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    id: u64,
    /// When it will be full, in nanoseconds of the store's clock, and the part of one.
    full_at: u64,
    part: u32,
    /// What the part is counted in.
    rate: u32,
}

impl Entry {
    /// Counted by another rate, a part is rounded up: a quota that changes costs a nanosecond.
    #[inline]
    fn debt(&self, now: u64, quota: &Quota) -> Span {
        let mut full_at = Span { whole: self.full_at, part: self.part };
        if self.rate != quota.rate() && self.part > 0 {
            full_at = Span { whole: self.full_at.saturating_add(1), part: 0 };
        }
        full_at.after(now)
    }

    #[inline]
    fn owe(&mut self, now: u64, debt: Span, quota: &Quota) {
        self.full_at = now.saturating_add(debt.whole);
        self.part = debt.part;
        self.rate = quota.rate();
    }

    /// Full, so that nothing is lost with it.
    fn is_full(&self, now: u64) -> bool {
        self.full_at < now || (self.full_at == now && self.part == 0)
    }
}

/// What to do with a new bucket when there is no room for one more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// Give up the bucket that would be full soonest, of 16 that are looked at.
    ///
    /// Nobody is denied for want of room. A flood of new keys makes the store forget: who was
    /// denied may be admitted anew. With buckets that refill within seconds the loss is small;
    /// where a bucket takes hours, a flood of as many keys as there is room for makes a limit
    /// worthless.
    #[default]
    EvictNearestFull,
    /// Deny the request for which there is no room.
    ///
    /// No limit is ever exceeded. A flood of new keys makes the store deny everybody whose bucket
    /// is not there yet.
    DenyNew,
}

/// A part of the buckets, under one lock. What a check touches is, with the lock, one cache line.
#[derive(Debug)]
pub(super) struct Shard {
    table: HashTable<Entry>,
    pub(super) rare: Box<Rare>,
}

/// What a check of a bucket that is there has no business with.
#[derive(Debug)]
pub(super) struct Rare {
    /// Where the sweep goes on.
    cursor: usize,
    next_trickle: u64,
    room: usize,
    overflow: Overflow,
    pub(super) seen: Seen,
    pub(super) evicted: u64,
    pub(super) refused: u64,
}

impl Shard {
    pub(super) fn new(room: usize, overflow: Overflow) -> Self {
        let seen = Seen::new();
        let rare =
            Rare { cursor: 0, next_trickle: 0, room, overflow, seen, evicted: 0, refused: 0 };
        Self { table: HashTable::new(), rare: Box::new(rare) }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn debt(&self, id: u64, now: u64, quota: &Quota) -> Span {
        let entry = self.table.find(id, |entry| entry.id == id);
        entry.map_or(Span::ZERO, |entry| entry.debt(now, quota))
    }

    /// Decides and writes with one look at the table. `None` if there is no room.
    #[inline]
    pub(super) fn update(
        &mut self,
        id: u64,
        now: u64,
        quota: &Quota,
        decide: impl FnOnce(Span) -> Option<Span>,
    ) -> Option<(Span, bool)> {
        if let Some(entry) = self.table.find_mut(id, |entry| entry.id == id) {
            let debt = entry.debt(now, quota);
            let after = decide(debt);
            if let Some(after) = after {
                entry.owe(now, after, quota);
            }
            return Some((after.unwrap_or(debt), after.is_some()));
        }
        match decide(Span::ZERO) {
            None => Some((Span::ZERO, false)),
            Some(after) => self.insert(id, now, after, quota).then_some((after, true)),
        }
    }

    /// Makes a bucket owe this much. `false` if there is no room for it.
    pub(super) fn set(&mut self, id: u64, now: u64, debt: Span, quota: &Quota) -> bool {
        match self.table.find_mut(id, |entry| entry.id == id) {
            Some(entry) => {
                entry.owe(now, debt, quota);
                true
            }
            None => self.insert(id, now, debt, quota),
        }
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Ok(entry) = self.table.find_entry(id, |entry| entry.id == id) {
            entry.remove();
        }
    }

    /// Is there room for this bucket beside `coming` other new ones?
    pub(super) fn has_room(&mut self, id: u64, now: u64, coming: usize) -> bool {
        if self.rare.overflow == Overflow::EvictNearestFull
            || self.table.len() + coming < self.rare.room
            || self.table.find(id, |entry| entry.id == id).is_some()
        {
            return true;
        }
        self.sweep(SAMPLE, now);
        let there_is = self.table.len() + coming < self.rare.room;
        self.rare.refused += u64::from(!there_is);
        there_is
    }

    fn insert(&mut self, id: u64, now: u64, debt: Span, quota: &Quota) -> bool {
        if debt == Span::ZERO {
            return true;
        }
        self.clean(now);
        if self.table.len() >= self.rare.room && !self.make_room(now) {
            self.rare.refused += 1;
            return false;
        }
        let mut entry = Entry { id, full_at: 0, part: 0, rate: 0 };
        entry.owe(now, debt, quota);
        self.table.insert_unique(id, entry, |entry| entry.id);
        true
    }

    fn make_room(&mut self, now: u64) -> bool {
        let nearest = self.sweep(SAMPLE, now);
        if self.table.len() < self.rare.room {
            return true;
        }
        if self.rare.overflow == Overflow::DenyNew {
            return false;
        }
        // A sample of a table that is seven eighths full at most may have been empty.
        let victim = nearest.or_else(|| self.table.iter_buckets().next());
        if let Some(Ok(entry)) = victim.map(|place| self.table.get_bucket_entry(place)) {
            entry.remove();
            self.rare.evicted += 1;
        }
        true
    }

    fn clean(&mut self, now: u64) {
        let (len, capacity) = (self.table.len(), self.table.capacity());
        if len >= capacity - capacity / 8 {
            self.sweep(SWEPT, now);
        } else if now >= self.rare.next_trickle {
            self.rare.next_trickle = now.saturating_add(PAUSE);
            self.sweep(TRICKLE, now);
        }
    }

    /// Looks at some places, drops what is full there, and tells which bucket of the others would
    /// be full soonest.
    fn sweep(&mut self, places: usize, now: u64) -> Option<usize> {
        let mut nearest: Option<(u64, usize)> = None;
        for _ in 0..places.min(self.table.num_buckets()) {
            let place = self.step(now);
            let Ok(entry) = self.table.get_bucket_entry(place) else { continue };
            if entry.get().is_full(now) {
                entry.remove();
                continue;
            }
            let full_at = entry.get().full_at;
            if nearest.is_none_or(|(soonest, _)| full_at < soonest) {
                nearest = Some((full_at, place));
            }
        }
        nearest.map(|(_, place)| place)
    }

    /// The next place to look at. The table is made smaller, where it ends, if it is mostly empty.
    fn step(&mut self, now: u64) -> usize {
        if self.rare.cursor >= self.table.num_buckets() {
            self.rare.cursor = 0;
            // Behind the sweep, an eighth of the places gathers dead buckets meanwhile.
            if self.table.len() < self.table.num_buckets() / 4 {
                self.shrink(now);
            }
        }
        self.rare.cursor += 1;
        self.rare.cursor - 1
    }

    /// Gives the memory of a flood back, once its buckets are full.
    fn shrink(&mut self, now: u64) {
        self.table.retain(|entry| !entry.is_full(now));
        if self.table.len() < self.table.num_buckets() / 8 {
            self.table.shrink_to(self.table.len() * 2, |entry| entry.id);
        }
    }

    /// Bytes of the table.
    pub(super) fn bytes(&self) -> usize {
        self.table.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gcra;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000_000;

    /// Spread, as the hash spreads it.
    fn id(n: u64) -> u64 {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn quota() -> Quota {
        Quota::new(1, Duration::from_secs(1), 5).unwrap()
    }

    fn take(shard: &mut Shard, n: u64, now: u64) -> Option<bool> {
        let quota = quota();
        let taken = shard.update(id(n), now, &quota, |debt| gcra::take(&quota, debt, 1));
        taken.map(|(_, granted)| granted)
    }

    #[test]
    fn a_bucket_has_24_bytes() {
        assert_eq!(size_of::<Entry>(), 24);
    }

    /// A thousand new keys a second, each of which is full again after a second.
    #[test]
    fn a_table_has_no_more_places_than_its_live_buckets_need() {
        let mut shard = Shard::new(1_000_000, Overflow::DenyNew);
        for n in 0..200_000 {
            take(&mut shard, n, n * SECOND / 1000);
        }
        assert!(shard.table.num_buckets() <= 4096, "{} places", shard.table.num_buckets());
    }

    #[test]
    fn the_memory_of_a_flood_is_given_back() {
        let mut shard = Shard::new(1_000_000, Overflow::DenyNew);
        for n in 0..50_000 {
            take(&mut shard, n, 0);
        }
        let flooded = shard.bytes();
        for second in 10..3_000 {
            take(&mut shard, 100_000 + second, second * SECOND);
        }
        assert!(shard.bytes() < flooded / 16, "{} of {flooded} bytes", shard.bytes());
        assert!(shard.rare.evicted == 0 && shard.rare.refused == 0);
    }

    #[test]
    fn without_room_new_buckets_are_denied_and_old_ones_are_not() {
        let mut shard = Shard::new(100, Overflow::DenyNew);
        for n in 0..100 {
            assert_eq!(take(&mut shard, n, 0), Some(true));
        }
        assert_eq!(take(&mut shard, 100, 0), None);
        assert_eq!(take(&mut shard, 7, 0), Some(true));
        assert_eq!((shard.len(), shard.rare.refused), (100, 1));
        assert_eq!(take(&mut shard, 100, 2 * SECOND), Some(true), "room is made of full ones");
    }

    #[test]
    fn without_room_the_bucket_nearest_to_full_is_given_up() {
        let mut shard = Shard::new(10, Overflow::EvictNearestFull);
        for n in 0..10 {
            for _ in 0..if n == 3 { 1 } else { 5 } {
                take(&mut shard, n, 0);
            }
        }
        assert_eq!(take(&mut shard, 10, 0), Some(true));
        assert_eq!((shard.len(), shard.rare.evicted), (10, 1));
        assert_eq!(shard.debt(id(3), 0, &quota()), Span::ZERO, "it was the one");
        for n in (0..10).filter(|n| *n != 3) {
            assert_eq!(take(&mut shard, n, 0), Some(false), "{n} was kept");
        }
    }
}
