use std::collections::VecDeque;

use hashbrown::HashTable;

/// How many corrections a shard remembers. In one process only its own caller can send one twice,
/// and does so at once.
const REMEMBERED: usize = 1024;

/// A bucket, and an id that its caller made.
type Correction = (u64, [u8; 16]);

/// The last corrections, so that none counts twice. Takes no memory until there is one.
#[derive(Debug)]
pub(super) struct Seen {
    order: VecDeque<Correction>,
    known: HashTable<Correction>,
}

impl Seen {
    pub(super) const fn new() -> Self {
        Self { order: VecDeque::new(), known: HashTable::new() }
    }

    /// Is it the first time?
    pub(super) fn first(&mut self, id: Correction) -> bool {
        // A caller's ids are random. If they are not, they are in the way of nobody else.
        let place = |(bucket, id): &Correction| {
            id.chunks_exact(8).fold(*bucket, |place, half| {
                place.rotate_left(32) ^ half.try_into().map_or(0, u64::from_le_bytes)
            })
        };
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
        let id = |n: usize| (7, (n as u128).to_be_bytes());
        for n in 0..3 * REMEMBERED {
            assert!(seen.first(id(n)));
            assert!(!seen.first(id(n)));
        }
        assert!(seen.first((8, id(2 * REMEMBERED).1)), "of another bucket");
        assert!(!seen.first(id(2 * REMEMBERED + 1)));
        assert_eq!((seen.order.len(), seen.known.len()), (REMEMBERED, REMEMBERED));
    }
}
