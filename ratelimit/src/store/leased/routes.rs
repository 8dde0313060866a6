use std::collections::{HashMap, VecDeque};

use crate::store::AdjustId;

/// How many corrections are remembered in each shard: 16 times as many in all.
const KEPT: usize = 1_024;

/// Who made a correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// This process, out of its pool.
    Local,
    /// The inner store, which knows a repeat by itself.
    Inner,
}

/// A correction: a hash of the bucket's name, and the id.
pub(super) type Correction = (u64, AdjustId);

/// Which way corrections went, so that a repeat goes the same way although the pool has changed.
#[derive(Debug, Default)]
pub(super) struct Routes {
    routes: HashMap<Correction, Route>,
    order: VecDeque<Correction>,
}

impl Routes {
    pub(super) fn of(&self, correction: &Correction) -> Option<Route> {
        self.routes.get(correction).copied()
    }

    /// Remembers a correction, and forgets the oldest beyond [`KEPT`].
    pub(super) fn remember(&mut self, correction: Correction, route: Route) {
        if self.routes.insert(correction, route).is_none() {
            self.order.push_back(correction);
        }
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.routes.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut routes = Routes::default();
        let correction =
            |at: usize| (7, AdjustId::from_bytes(u128::try_from(at).unwrap().to_be_bytes()));
        for at in 0..KEPT + 10 {
            routes.remember(correction(at), Route::Local);
            routes.remember(correction(at), Route::Local);
        }
        assert_eq!(routes.of(&correction(9)), None);
        assert_eq!(routes.of(&correction(10)), Some(Route::Local));
        assert_eq!((routes.routes.len(), routes.order.len()), (KEPT, KEPT));
    }
}
