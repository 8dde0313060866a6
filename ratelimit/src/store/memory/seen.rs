use std::collections::VecDeque;

use hashbrown::HashTable;

/// How many corrections a shard remembers. In one process only its own caller can send one twice,
/// and does so at once.
const REMEMBERED: usize = 1024;

/// The last corrections, so that none counts twice. Takes no memory until there is one.
#[derive(Debug)]
pub(super) struct Seen {
    order: VecDeque<u128>,
    known: HashTable<u128>,
}

impl Seen {
    pub(super) const fn new() -> Self {
        Self { order: VecDeque::new(), known: HashTable::new() }
    }

    /// Is it the first time?
    pub(super) fn first(&mut self, id: u128) -> bool {
        // Part of it is a keyed hash: it is as good as random.
        let place = |id: &u128| *id as u64;
        if self.known.find(place(&id), |known| *known == id).is_some() {
            return false;
        }
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
            && let Ok(entry) = self.known.find_entry(place(&oldest), |known| *known == oldest)
        {
            entry.remove();
        }
        self.order.push_back(id);
        self.known.insert_unique(place(&id), id, place);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_known_and_no_more_are_kept() {
        let mut seen = Seen::new();
        for id in 0..3 * REMEMBERED as u128 {
            assert!(seen.first(id));
            assert!(!seen.first(id));
        }
        assert!(!seen.first(2 * REMEMBERED as u128));
        assert_eq!((seen.order.len(), seen.known.len()), (REMEMBERED, REMEMBERED));
    }
}
