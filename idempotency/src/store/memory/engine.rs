use std::array;
#[cfg(test)]
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stonework_core::{Clock, StoreError, StoreErrorKind, StoreFuture};
use tokio::sync::Notify;

use super::MemoryStats;
use super::entry::Entry;
#[cfg(test)]
use super::ledger::Account;
use super::ledger::{Ledger, Limits, NoRoom, Place, RESERVED, Room, Size, Victim};
use super::shard::{Id, Shard};
use crate::store::{Claim, Claimed, Complete, Completed, Held, Release, Renew, Watch};

const SHARDS: usize = 16;

/// How many expired records an operation removes on its way. More than the one that it may add,
/// so that they cannot pile up.
const PURGE: usize = 4;

/// How many expired records are removed under one lock when there is no room.
const SWEEP: usize = 64;

/// The records under their locks.
///
/// Lock order: one shard, then the ledger; nobody who holds either locks a shard.
#[derive(Debug)]
pub(super) struct Engine {
    shards: [Mutex<Shard>; SHARDS],
    ledger: Mutex<Ledger>,
    clock: Arc<dyn Clock>,
}

/// What an operation leaves to be done when it holds no lock.
#[derive(Debug, Default)]
struct Aftermath {
    victims: Vec<Victim>,
    wake: Vec<Arc<Notify>>,
}

/// The lock, also after a panic elsewhere: nothing here panics halfway through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shard_of(id: &Id) -> usize {
    usize::from(id[31]) % SHARDS
}

fn refused(_: NoRoom) -> StoreError {
    StoreError::new(StoreErrorKind::Refused).with_source("the memory store is full")
}

impl Engine {
    pub(super) fn new(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        Self {
            shards: array::from_fn(|_| Mutex::new(Shard::default())),
            ledger: Mutex::new(Ledger::new(limits)),
            clock,
        }
    }

    pub(super) fn claim(&self, claim: &Claim<'_>) -> Claimed {
        let now = self.clock.monotonic();
        if let Some(told) = self.told(claim, now) {
            return told;
        }
        self.with_room(now, |room, after| self.claim_in(room, claim, now, after))
            .unwrap_or(Claimed::Full)
    }

    /// The answer to a claim that changes nothing: the way of every replay.
    fn told(&self, claim: &Claim<'_>, now: Duration) -> Option<Claimed> {
        let id = claim.lookup.id();
        let mut shard = self.shard(id);
        let slot = shard.live(id, now)?;
        (!slot.entry.goes_over_to(claim, now)).then(|| slot.entry.told_to(claim.token, now))
    }

    fn claim_in(
        &self,
        room: Room,
        claim: &Claim<'_>,
        now: Duration,
        after: &mut Aftermath,
    ) -> Result<Claimed, NoRoom> {
        let (id, until) = (claim.lookup.id(), now.saturating_add(claim.retention));
        let mut shard = self.shard(id);
        if let Some(mut slot) = shard.live(id, now) {
            if slot.entry.goes_over_to(claim, now) {
                after.wake.extend(slot.entry.take_over(claim, now));
                slot.keep_until(until);
            }
            return Ok(slot.entry.told_to(claim.token, now));
        }
        self.clear(&mut shard, id, now, after);
        lock(&self.ledger).reserve(claim.lookup.scope(), 1, RESERVED, room, &mut after.victims)?;
        shard.insert(*id, Entry::claimed(claim, now), until);
        Ok(Claimed::Owned { attempt: 1, checkpoint: None })
    }

    pub(super) fn renew(&self, renew: &Renew<'_>) -> Result<Held, StoreError> {
        let now = self.clock.monotonic();
        self.with_room(now, |room, after| self.renew_in(room, renew, now, after)).map_err(refused)
    }

    fn renew_in(
        &self,
        room: Room,
        renew: &Renew<'_>,
        now: Duration,
        after: &mut Aftermath,
    ) -> Result<Held, NoRoom> {
        let mut shard = self.shard(renew.lookup.id());
        let live = shard.live(renew.lookup.id(), now);
        let Some(slot) = live.filter(|slot| slot.entry.is_pending_of(renew.token)) else {
            return Ok(Held::Lost);
        };
        if let Some(checkpoint) = &renew.checkpoint {
            let (scope, before) = (slot.entry.scope(), slot.entry.checkpoint_len());
            let victims = &mut after.victims;
            lock(&self.ledger).resize(scope, before, checkpoint.len(), room, victims)?;
        }
        after.wake.extend(slot.entry.renew(renew, now));
        Ok(Held::Held)
    }

    pub(super) fn complete(&self, complete: &Complete<'_>) -> Result<Completed, StoreError> {
        let now = self.clock.monotonic();
        self.with_room(now, |room, after| self.complete_in(room, complete, now, after))
            .map_err(refused)
    }

    fn complete_in(
        &self,
        room: Room,
        complete: &Complete<'_>,
        now: Duration,
        after: &mut Aftermath,
    ) -> Result<Completed, NoRoom> {
        let (id, size) = (complete.lookup.id(), Size::of(&complete.answer));
        let until = now.saturating_add(complete.retention);
        let mut shard = self.shard(id);
        let Some(mut slot) = shard.live(id, now) else {
            return self.complete_lost(&mut shard, room, complete, now, after);
        };
        if !slot.entry.is_pending_of(complete.token) {
            return Ok(slot.entry.completed_before(complete.token, now));
        }
        let place = (slot.entry.scope(), Place { shard: shard_of(id), at: slot.at });
        let before = slot.entry.checkpoint_len();
        let fate = lock(&self.ledger).settle(place, before, size, room, &mut after.victims)?;
        after.wake.extend(slot.entry.complete(&complete.answer, fate));
        slot.keep_until(until);
        self.purge(&mut shard, now, PURGE, after);
        Ok(Completed::Stored)
    }

    /// Completes a key that has no record.
    fn complete_lost(
        &self,
        shard: &mut Shard,
        room: Room,
        complete: &Complete<'_>,
        now: Duration,
        after: &mut Aftermath,
    ) -> Result<Completed, NoRoom> {
        let (id, scope) = (complete.lookup.id(), complete.lookup.scope());
        let size = Size::of(&complete.answer);
        self.clear(shard, id, now, after);
        let mut ledger = lock(&self.ledger);
        let fixed = RESERVED.saturating_add(size.head);
        ledger.reserve(scope, 1, fixed, room, &mut after.victims)?;
        let until = now.saturating_add(complete.retention);
        let at = shard.insert(*id, Entry::lost(complete, now), until);
        let place = (scope, Place { shard: shard_of(id), at });
        // The head has its room already, so this cannot fail.
        let fate = ledger.settle(place, size.head, size, Room::Bodies, &mut after.victims)?;
        shard.at(at).and_then(|entry| entry.complete(&complete.answer, fate));
        Ok(Completed::Stored)
    }

    pub(super) fn release(&self, release: &Release<'_>) {
        let (id, now) = (release.lookup.id(), self.clock.monotonic());
        let mut after = Aftermath::default();
        let mut shard = self.shard(id);
        if shard.live(id, now).is_some_and(|slot| slot.entry.is_pending_of(release.token)) {
            self.bury(shard.remove(id), &mut after);
        }
        self.purge(&mut shard, now, PURGE, &mut after);
        drop(shard);
        self.finish(after);
    }

    pub(super) fn watch(&self, watch: &Watch<'_>) -> StoreFuture<()> {
        let now = self.clock.monotonic();
        // Made under the lock, so that no change falls between the look and the wait.
        let notified = self
            .shard(watch.lookup.id())
            .live(watch.lookup.id(), now)
            .and_then(|slot| slot.entry.watch(watch.token, now));
        notified.map_or_else(|| StoreFuture::ready(()), StoreFuture::new)
    }

    pub(super) fn stats(&self) -> MemoryStats {
        let ledger = lock(&self.ledger);
        MemoryStats {
            keys: ledger.total().keys,
            bytes: ledger.total().bytes,
            bodies_dropped: ledger.dropped(),
            refused: ledger.refused(),
        }
    }

    /// Tries with the room that is free, then with that of expired records, then with that of
    /// bodies.
    fn with_room<T>(
        &self,
        now: Duration,
        attempt: impl Fn(Room, &mut Aftermath) -> Result<T, NoRoom>,
    ) -> Result<T, NoRoom> {
        let attempt = |room| {
            let mut after = Aftermath::default();
            let result = attempt(room, &mut after);
            self.finish(after);
            result
        };
        attempt(Room::Free).or_else(|NoRoom| {
            while self.sweep(now) > 0 {
                if let Ok(done) = attempt(Room::Free) {
                    return Ok(done);
                }
            }
            attempt(Room::Bodies).inspect_err(|_| lock(&self.ledger).count_refusal())
        })
    }

    /// Removes expired records of all shards, a bounded number under each lock. Returns how many.
    fn sweep(&self, now: Duration) -> usize {
        let sweep = |shard| {
            let mut after = Aftermath::default();
            let purged = self.purge(&mut lock(shard), now, SWEEP, &mut after);
            self.finish(after);
            purged
        };
        self.shards.iter().map(sweep).sum()
    }

    /// Removes a record that has expired, and some others.
    fn clear(&self, shard: &mut Shard, expired: &Id, now: Duration, after: &mut Aftermath) {
        self.bury(shard.remove(expired), after);
        self.purge(shard, now, PURGE, after);
    }

    fn purge(&self, shard: &mut Shard, now: Duration, most: usize, after: &mut Aftermath) -> usize {
        (0..most)
            .map_while(|_| shard.pop_expired(now))
            .map(|expired| self.bury(Some(expired), after))
            .count()
    }

    /// Gives back what a removed record held.
    fn bury(&self, removed: Option<Entry>, after: &mut Aftermath) {
        if let Some(mut entry) = removed {
            lock(&self.ledger).close(entry.holding());
            after.wake.extend(entry.take_watchers());
        }
    }

    fn finish(&self, after: Aftermath) {
        for Victim { place, order } in after.victims {
            let mut shard = lock(&self.shards[place.shard]);
            let body = shard.at(place.at).and_then(|entry| entry.shrink(order));
            // The memory goes back when the lock is open again.
            drop(shard);
            drop(body);
        }
        // Without a lock, since a waker may run anything.
        for watchers in after.wake {
            watchers.notify_waiters();
        }
    }

    fn shard(&self, id: &Id) -> MutexGuard<'_, Shard> {
        lock(&self.shards[shard_of(id)])
    }
}

#[cfg(test)]
impl Engine {
    /// Counts everything anew and compares it with the books. Only while nobody works.
    pub(super) fn audit(&self) {
        let (mut total, mut scopes) = (Account::default(), HashMap::<_, Account>::new());
        let (mut ordered, mut of_scopes) = (0, 0);
        for shard in &self.shards {
            let shard = lock(shard);
            let [index, expiry, places] = shard.sizes();
            assert_eq!((index, expiry), (shard.entries().count(), index), "one element a record");
            assert!(index <= places);
            for entry in shard.entries() {
                let (holding, body) = (entry.holding(), entry.body_len());
                assert_eq!(holding.order.is_some(), body > 0, "a body is known by its order");
                ordered += usize::from(body > 0);
                of_scopes += usize::from(body > 0 && holding.scope.is_some());
                let share = holding.scope.map(|scope| scopes.entry(scope).or_default());
                for account in [Some(&mut total), share].into_iter().flatten() {
                    account.keys += 1;
                    account.bytes += RESERVED + holding.bytes + body;
                    account.body_bytes += body;
                }
            }
        }
        let ledger = lock(&self.ledger);
        assert_eq!(ledger.total(), total);
        assert_eq!(ledger.scopes(), scopes);
        assert_eq!(ledger.bodies(), [ordered, of_scopes]);
    }

    /// Keeps everybody from the books.
    pub(super) fn close_books(&self) -> impl Drop + use<'_> {
        lock(&self.ledger)
    }

    /// The most places that any shard ever used at once, summed.
    pub(super) fn places(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).sizes()[2]).sum()
    }

    /// Removes all that has expired.
    pub(super) fn sweep_all(&self) {
        while self.sweep(self.clock.monotonic()) > 0 {}
    }

    pub(super) fn limits(&self) -> Limits {
        lock(&self.ledger).limits()
    }
}
