use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::lookup::ScopeId;

/// Counts the runs, over all and per scope, and refuses beyond a limit.
#[derive(Debug)]
pub(crate) struct Runs {
    max: usize,
    max_per_scope: usize,
    counts: Mutex<Counts>,
    drained: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    scopes: HashMap<ScopeId, usize>,
}

impl Runs {
    pub(crate) fn new(max: usize, max_per_scope: usize) -> Self {
        Self { max, max_per_scope, counts: Mutex::default(), drained: Notify::new() }
    }

    /// Room for one run, given back when the permit is dropped.
    pub(crate) fn enter(self: &Arc<Self>, scope: Option<ScopeId>) -> Option<Permit> {
        let mut counts = self.counts();
        if counts.all >= self.max {
            return None;
        }
        if let Some(scope) = scope {
            let count = counts.scopes.entry(scope).or_default();
            if *count >= self.max_per_scope {
                return None;
            }
            *count += 1;
        }
        counts.all += 1;
        drop(counts);
        Some(Permit { runs: Arc::clone(self), scope })
    }

    fn leave(&self, scope: Option<ScopeId>) {
        let mut counts = self.counts();
        counts.all -= 1;
        if let Some(Entry::Occupied(mut count)) = scope.map(|scope| counts.scopes.entry(scope)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        if counts.all == 0 {
            self.drained.notify_waiters();
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing between lock and unlock can panic halfway through a change.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for one run.
#[derive(Debug)]
pub(crate) struct Permit {
    runs: Arc<Runs>,
    scope: Option<ScopeId>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.runs.leave(self.scope);
    }
}

/// Knows the runs of a layer, so that a shutdown can wait for them.
///
/// A run goes on when its client has gone, and its server's graceful shutdown does not know of
/// it. Stop accepting first, then wait here, with a limit of your own.
#[derive(Clone, Debug)]
pub struct Tracker(pub(crate) Arc<Runs>);

impl Tracker {
    /// How many runs there are now, those that only settle with the store included.
    pub fn in_flight(&self) -> usize {
        self.0.counts().all
    }

    /// Resolves when there are no runs. New requests may begin others.
    ///
    /// # Cancellation
    ///
    /// Dropping the future changes nothing.
    pub async fn drained(&self) {
        loop {
            // Made before the look, so that the end of the last run is not missed in between.
            let drained = self.0.drained.notified();
            if self.in_flight() == 0 {
                return;
            }
            drained.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::Lookup;
    use stonework_core::Key;

    fn scope(name: &str) -> Option<ScopeId> {
        Lookup::new(Some(&Key::from(name)), None, b"").scope()
    }

    #[test]
    fn limits_hold_over_all_and_per_scope_and_room_comes_back() {
        let runs = Arc::new(Runs::new(3, 2));
        let first = runs.enter(scope("a")).unwrap();
        let _second = runs.enter(scope("a")).unwrap();
        assert!(runs.enter(scope("a")).is_none(), "the scope is full");
        let _other = runs.enter(scope("b")).unwrap();
        assert!(runs.enter(scope("c")).is_none(), "all is full");
        assert!(runs.enter(None).is_none());
        drop(first);
        assert!(runs.enter(scope("a")).is_some());
    }

    #[test]
    fn scopes_without_runs_are_forgotten() {
        let runs = Arc::new(Runs::new(100, 100));
        for n in 0..50 {
            drop(runs.enter(scope(&n.to_string())));
        }
        assert!(runs.counts().scopes.is_empty());
    }

    #[tokio::test]
    async fn drained_waits_for_the_last_run() {
        let runs = Arc::new(Runs::new(9, 9));
        let tracker = Tracker(Arc::clone(&runs));
        tracker.drained().await;
        let permit = runs.enter(None).unwrap();
        let waiting = tokio::spawn({
            let tracker = tracker.clone();
            async move { tracker.drained().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(permit);
        waiting.await.unwrap();
    }
}
