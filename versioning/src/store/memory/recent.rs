use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::Moment;

/// Those that were seen last, so many at most. Each step takes O(log n).
pub(super) struct Recent<K, V> {
    most: usize,
    known: HashMap<K, Known<V>>,
    order: BTreeMap<Place, K>,
    /// The turn of the next to get a place.
    turn: u64,
}

struct Known<V> {
    place: Place,
    value: V,
}

/// When it was last seen. Of the same moment, each has a place of its own.
type Place = (Moment, u64);

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, known: HashMap::new(), order: BTreeMap::new(), turn: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn find<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.known.get(key).map(|known| &known.value)
    }

    /// Remembers that it was seen, unless a later moment is known. What belongs to it is `new` if it
    /// was not known; `None` if there is no room because all others were seen later.
    pub(super) fn see<Q>(&mut self, key: &Q, at: Moment, new: impl FnOnce() -> V) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        match self.known.get_mut(key) {
            Some(known) if known.place.0 >= at => {}
            Some(known) => {
                let place = (at, self.turn);
                if let Some(key) = self.order.remove(&known.place) {
                    self.order.insert(place, key);
                }
                known.place = place;
                self.turn += 1;
            }
            None => self.add(key.to_owned(), at, new()),
        }
        self.known.get_mut(key).map(|known| &mut known.value)
    }

    fn add(&mut self, key: K, at: Moment, value: V) {
        let place = (at, self.turn);
        self.turn += 1;
        self.order.insert(place, key.clone());
        self.known.insert(key, Known { place, value });
        if self.known.len() > self.most
            && let Some((_, forgotten)) = self.order.pop_first()
        {
            self.known.remove(&forgotten);
        }
    }

    pub(super) fn last_seen_first(&self) -> impl Iterator<Item = (&K, Moment)> {
        self.order.iter().rev().map(|((at, _), key)| (key, *at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, without a thought of time.
    #[derive(Default)]
    struct Naive(Vec<(u8, Moment)>);

    impl Naive {
        fn see(&mut self, key: u8, at: Moment, most: usize) {
            match self.0.iter().position(|(known, _)| *known == key) {
                Some(known) if self.0[known].1 >= at => return,
                Some(known) => drop(self.0.remove(known)),
                None => {}
            }
            self.0.push((key, at));
            // Keeps those of the same moment in the order in which they came.
            self.0.sort_by_key(|(_, at)| *at);
            if self.0.len() > most {
                self.0.remove(0);
            }
        }
    }

    proptest! {
        #[test]
        fn it_keeps_those_that_were_seen_last(
            most in 0_usize..5,
            seen in prop::collection::vec((0_u8..8, 0_u64..8), 0..64),
        ) {
            let (mut recent, mut naive) = (Recent::new(most), Naive::default());
            for (key, at) in seen {
                let at = Moment::unix(at);
                let value = recent.see(&key, at, || key).copied();
                naive.see(key, at, most);
                let found: Vec<_> = recent.last_seen_first().map(|(key, at)| (*key, at)).collect();
                naive.0.reverse();
                prop_assert_eq!(&found, &naive.0);
                naive.0.reverse();
                let is_kept = naive.0.iter().any(|(known, _)| *known == key);
                prop_assert_eq!(value, is_kept.then_some(key));
                prop_assert_eq!(recent.find(&key).copied(), value);
                prop_assert_eq!(recent.len(), naive.0.len());
            }
        }
    }
}
