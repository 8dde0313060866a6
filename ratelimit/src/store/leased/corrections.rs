use std::collections::{HashMap, VecDeque};

use crate::store::AdjustId;

/// How many corrections are remembered in each shard: 16 times as many in all.
const KEPT: usize = 1_024;

/// A correction: a hash of the bucket's name, and the id.
pub(super) type Correction = (u64, AdjustId);

/// How many tokens of each correction the pool has made. The rest is the inner store's, which knows
/// a repeat by itself, if it is sent the same rest again although the pool has changed.
#[derive(Debug, Default)]
pub(super) struct Corrections {
    here: HashMap<Correction, i64>,
    order: VecDeque<Correction>,
}

impl Corrections {
    pub(super) fn made_here(&self, correction: &Correction) -> Option<i64> {
        self.here.get(correction).copied()
    }

    /// Remembers a correction, and forgets the oldest beyond [`KEPT`].
    pub(super) fn remember(&mut self, correction: Correction, here: i64) {
        if self.here.insert(correction, here).is_none() {
            self.order.push_back(correction);
        }
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.here.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut known = Corrections::default();
        let correction =
            |at: usize| (7, AdjustId::from_bytes(u128::try_from(at).unwrap().to_be_bytes()));
        for at in 0..KEPT + 10 {
            known.remember(correction(at), 3);
            known.remember(correction(at), 3);
        }
        assert_eq!(known.made_here(&correction(9)), None);
        assert_eq!(known.made_here(&correction(10)), Some(3));
        assert_eq!((known.here.len(), known.order.len()), (KEPT, KEPT));
    }
}
