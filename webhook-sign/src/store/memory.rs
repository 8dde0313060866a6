use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stonework_core::{Clock, ConfigError, ConfigErrors, TokioClock};

use super::{
    Claim, Claimed, Commit, Committed, EventKey, Fence, Release, ReplayStore, StoreError,
    StoreFuture,
};

/// Records that have run out and are removed by one operation, at most, unless there is no room.
const SWEEP: usize = 8;

/// Keeps records in the memory of this process. Clones share them.
///
/// It holds so many events and forgets none before its time: when it is full, new events are refused with
/// [`Claimed::Full`], which the layer answers with 503, until old ones run out. Another process, and this one after a
/// restart, knows nothing of them.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    max_events: usize,
    clock: Arc<dyn Clock>,
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    events: HashMap<EventKey, Record>,
    /// When each record runs out, the next one first. One that was changed since is here twice, and the older entry no
    /// longer says what the record says.
    ends: BinaryHeap<Reverse<(Duration, EventKey)>>,
}

#[derive(Clone, Copy)]
struct Record {
    fence: Fence,
    is_done: bool,
    ends: Duration,
}

impl MemoryStore {
    /// A store for 100,000 events.
    pub fn new() -> Self {
        let builder = Self::builder();
        Self::of(builder.max_events, builder.clock)
    }

    /// A builder with the defaults that its methods name.
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder { max_events: 100_000, clock: Arc::new(TokioClock::new()) }
    }

    fn of(max_events: usize, clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { max_events, clock, records: Mutex::default() }) }
    }

    /// How many events it holds, in flight or done. Some of them may have run out.
    pub fn len(&self) -> usize {
        self.records().events.len()
    }

    /// Does it hold none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        // Nothing between lock and unlock can panic halfway through a change.
        self.shared.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("max_events", &self.shared.max_events).finish()
    }
}

impl Records {
    /// Removes up to `at_most` entries that have run out.
    fn sweep(&mut self, now: Duration, at_most: usize) {
        for _ in 0..at_most {
            match self.ends.peek() {
                Some(Reverse((ends, _))) if *ends <= now => {}
                _ => return,
            }
            let Some(Reverse((ends, event))) = self.ends.pop() else { return };
            if let Entry::Occupied(record) = self.events.entry(event)
                && record.get().ends == ends
            {
                record.remove();
            }
        }
    }

    /// The record of an event, unless it has run out.
    fn living(&self, event: &EventKey, now: Duration) -> Option<Record> {
        self.events.get(event).copied().filter(|record| record.ends > now)
    }

    fn put(&mut self, event: EventKey, record: Record) {
        self.events.insert(event, record);
        self.ends.push(Reverse((record.ends, event)));
    }

    fn claim(&mut self, claim: Claim, now: Duration, max_events: usize) -> Claimed {
        match self.living(&claim.event, now) {
            Some(record) if record.is_done => return Claimed::Done,
            Some(record) if record.fence == claim.fence => return Claimed::Won,
            Some(record) => return Claimed::InFlight { lease_left: record.ends - now },
            // One that has run out takes no room that others need.
            None => drop(self.events.remove(&claim.event)),
        }
        if self.events.len() >= max_events {
            self.sweep(now, usize::MAX);
            if self.events.len() >= max_events {
                return Claimed::Full;
            }
        }
        let ends = now.saturating_add(claim.lease);
        self.put(claim.event, Record { fence: claim.fence, is_done: false, ends });
        Claimed::Won
    }

    /// What was claimed had its room, so a commit is never refused, even when its lease ran out and its room went to
    /// another event. The store then holds more than it was told, by what ran late.
    fn commit(&mut self, commit: Commit, now: Duration) -> Committed {
        match self.living(&commit.event, now) {
            Some(record) if record.fence != commit.fence => return Committed::Lost,
            Some(record) if record.is_done => return Committed::Stored,
            _ => {}
        }
        let ends = now.saturating_add(commit.keep);
        self.put(commit.event, Record { fence: commit.fence, is_done: true, ends });
        Committed::Stored
    }

    fn release(&mut self, release: Release) {
        if let Entry::Occupied(record) = self.events.entry(release.event)
            && record.get().fence == release.fence
            && !record.get().is_done
        {
            record.remove();
        }
    }

    /// Entries of records that were released or changed are dropped when their time comes; a store that sees many of them
    /// must not grow meanwhile.
    fn tidy(&mut self) {
        if self.ends.len() > 64 + 2 * self.events.len() {
            let events = &self.events;
            self.ends.retain(|Reverse((ends, event))| {
                events.get(event).is_some_and(|record| record.ends == *ends)
            });
        }
    }
}

impl ReplayStore for MemoryStore {
    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        let now = self.shared.clock.monotonic();
        let mut records = self.records();
        records.sweep(now, SWEEP);
        let claimed = records.claim(claim, now, self.shared.max_events);
        StoreFuture::ready(Ok(claimed))
    }

    fn commit(&self, commit: Commit) -> StoreFuture<Result<Committed, StoreError>> {
        let now = self.shared.clock.monotonic();
        let mut records = self.records();
        let committed = records.commit(commit, now);
        records.tidy();
        StoreFuture::ready(Ok(committed))
    }

    fn release(&self, release: Release) -> StoreFuture<Result<(), StoreError>> {
        let mut records = self.records();
        records.release(release);
        records.tidy();
        StoreFuture::ready(Ok(()))
    }
}

/// Builds a [`MemoryStore`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryStoreBuilder {
    max_events: usize,
    clock: Arc<dyn Clock>,
}

impl MemoryStoreBuilder {
    /// How many events are held at once. Each takes about 200 bytes. Default 100,000: four days of one event every three
    /// seconds.
    pub fn max_events(mut self, events: usize) -> Self {
        self.max_events = events;
        self
    }

    /// Where time comes from. Default tokio's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The store.
    ///
    /// # Errors
    ///
    /// When it has room for nothing.
    pub fn build(self) -> Result<MemoryStore, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        if self.max_events == 0 {
            errors.push(ConfigError::new("max_events", 0, "holds nothing; use at least 1"));
        }
        ConfigErrors::check(errors, Ok(()))?;
        Ok(MemoryStore::of(self.max_events, self.clock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn event(n: u32) -> EventKey {
        EventKey::of(&[&n.to_be_bytes()])
    }

    fn ask<T>(reply: StoreFuture<Result<T, StoreError>>) -> T {
        reply.try_ready().unwrap().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_store_refuses_and_forgets_nothing() {
        let store = MemoryStore::builder().max_events(2).build().unwrap();
        let (first, fence) = (event(1), Fence::random());
        assert_eq!(ask(store.claim(Claim::new(first, fence, MINUTE))), Claimed::Won);
        assert_eq!(ask(store.commit(Commit::new(first, fence, 3 * MINUTE))), Committed::Stored);
        assert_eq!(ask(store.claim(Claim::new(event(2), fence, MINUTE))), Claimed::Won);
        let third = Claim::new(event(3), fence, MINUTE);
        assert_eq!(ask(store.claim(third)), Claimed::Full);
        assert_eq!(ask(store.claim(Claim::new(first, Fence::random(), MINUTE))), Claimed::Done);
        tokio::time::advance(MINUTE).await;
        assert_eq!(ask(store.claim(third)), Claimed::Won, "a lease that ran out makes room");
        assert_eq!(ask(store.claim(Claim::new(first, Fence::random(), MINUTE))), Claimed::Done);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_and_goes_leaves_nothing() {
        let store = MemoryStore::new();
        for n in 0..10_000 {
            let fence = Fence::random();
            ask(store.claim(Claim::new(event(n % 10), fence, MINUTE)));
            ask(store.release(Release::new(event(n % 10), fence)));
        }
        assert!(store.is_empty());
        assert!(store.records().ends.len() <= 64);
        for n in 0..1_000 {
            ask(store.claim(Claim::new(event(n), Fence::random(), MINUTE)));
        }
        tokio::time::advance(MINUTE).await;
        for n in 0..200 {
            ask(store.claim(Claim::new(event(2_000 + n), Fence::random(), MINUTE)));
        }
        assert_eq!(store.len(), 200, "what has run out goes by and by");
    }
}
