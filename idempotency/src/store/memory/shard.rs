use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use slab::Slab;

use super::entry::Entry;

/// Where a record stands. Given to another once the record is gone.
pub(super) type Index = usize;

/// The name of a record.
pub(super) type Id = [u8; 32];

/// A part of the records, and the order in which they expire.
///
/// The order holds exactly one element per record, so that claims which come and go leave nothing.
// Apart from its neighbours, so that two cores at work on two shards share no cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Shard {
    index: HashMap<Id, Index>,
    // Apart from the index, which stays small, is quick to search and cheap to grow.
    records: Slab<Kept>,
    expiry: BTreeSet<(Duration, Index)>,
}

#[derive(Debug)]
struct Kept {
    id: Id,
    until: Duration,
    entry: Entry,
}

/// A record in its place.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    pub(super) at: Index,
    pub(super) entry: &'a mut Entry,
    until: &'a mut Duration,
    expiry: &'a mut BTreeSet<(Duration, Index)>,
}

impl Shard {
    /// The record, unless its retention has passed.
    pub(super) fn live(&mut self, id: &Id, now: Duration) -> Option<Slot<'_>> {
        let at = *self.index.get(id)?;
        let Kept { until, entry, .. } = self.records.get_mut(at)?;
        if *until <= now {
            return None;
        }
        Some(Slot { at, entry, until, expiry: &mut self.expiry })
    }

    /// Adds a record, of which there must be none. Returns its place.
    pub(super) fn insert(&mut self, id: Id, entry: Entry, until: Duration) -> Index {
        let at = self.records.insert(Kept { id, until, entry });
        self.index.insert(id, at);
        self.expiry.insert((until, at));
        at
    }

    /// Removes the record, expired or not.
    pub(super) fn remove(&mut self, id: &Id) -> Option<Entry> {
        let at = self.index.remove(id)?;
        let Kept { until, entry, .. } = self.records.try_remove(at)?;
        self.expiry.remove(&(until, at));
        Some(entry)
    }

    /// Removes the record that has been expired for longest.
    pub(super) fn pop_expired(&mut self, now: Duration) -> Option<Entry> {
        self.expiry.first().filter(|(until, _)| *until <= now)?;
        let (_, at) = self.expiry.pop_first()?;
        let Kept { id, entry, .. } = self.records.try_remove(at)?;
        self.index.remove(&id);
        Some(entry)
    }

    /// What stands there now.
    pub(super) fn at(&mut self, at: Index) -> Option<&mut Entry> {
        self.records.get_mut(at).map(|kept| &mut kept.entry)
    }
}

impl Slot<'_> {
    /// Replaces the end of the record's retention.
    pub(super) fn keep_until(&mut self, until: Duration) {
        self.expiry.remove(&(*self.until, self.at));
        self.expiry.insert((until, self.at));
        *self.until = until;
    }
}

#[cfg(test)]
impl Shard {
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.records.iter().map(|(_, kept)| &kept.entry)
    }

    /// Elements of the index and of the order, and places that were ever made for records.
    pub(super) fn sizes(&self) -> [usize; 3] {
        [self.index.len(), self.expiry.len(), self.records.capacity()]
    }
}
