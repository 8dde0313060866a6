//! Who waits for what is new. Kept under the same lock as that: whoever looks and finds nothing waits from then on.

use std::mem;
use std::task::Waker;

use slab::Slab;

#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: Slab<Waker>,
    /// Empty: room for the next round, so that an event allocates nothing.
    spare: Slab<Waker>,
    /// How often all were woken.
    round: u64,
}

/// A place among those who wait. It is nobody's when all were woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    round: u64,
    at: usize,
}

impl Place {
    /// All were woken so often before it was taken.
    pub(super) const fn round(self) -> u64 {
        self.round
    }
}

impl Waiters {
    pub(super) const fn round(&self) -> u64 {
        self.round
    }

    /// One who waits, from now on by this waker.
    pub(super) fn wait(&mut self, before: Option<Place>, waker: &Waker) -> Place {
        let Self { waiting, round, .. } = self;
        if let Some(place) = before.filter(|place| place.round == *round)
            && let Some(waiter) = waiting.get_mut(place.at)
        {
            waiter.clone_from(waker);
            return place;
        }
        Place { round: *round, at: waiting.insert(waker.clone()) }
    }

    /// One who waits no more.
    pub(super) fn leave(&mut self, place: Place) {
        if place.round == self.round {
            self.waiting.try_remove(place.at);
        }
    }

    /// All who wait, to be woken without the lock. They wait no more.
    pub(super) fn all(&mut self) -> Slab<Waker> {
        self.round += 1;
        mem::replace(&mut self.waiting, mem::take(&mut self.spare))
    }

    /// What they were in.
    pub(super) fn give_back(&mut self, spare: Slab<Waker>) {
        debug_assert!(spare.is_empty());
        self.spare = spare;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wake(waiters: &mut Waiters) {
        let mut all = waiters.all();
        all.drain().for_each(Waker::wake);
        waiters.give_back(all);
    }

    fn woken(waiter: &Arc<Woken>) -> usize {
        waiter.0.load(Ordering::Relaxed)
    }

    #[test]
    fn who_waits_is_woken_once() {
        let (mut waiters, one, other) = (Waiters::default(), Arc::default(), Arc::default());
        let first = waiters.wait(None, &Waker::from(Arc::clone(&one)));
        // Asked again, it has the same place, and is woken by whom it came with last.
        assert_eq!(waiters.wait(Some(first), &Waker::from(Arc::clone(&other))), first);
        wake(&mut waiters);
        wake(&mut waiters);
        assert_eq!((woken(&one), woken(&other)), (0, 1));
        // A place of another round is none.
        let second = waiters.wait(Some(first), &Waker::from(Arc::clone(&one)));
        assert_ne!(second, first);
        wake(&mut waiters);
        assert_eq!((woken(&one), woken(&other)), (1, 1));
    }

    #[test]
    fn who_leaves_takes_nobody_along() {
        let (mut waiters, waiter) = (Waiters::default(), Arc::<Woken>::default());
        let waker = Waker::from(Arc::clone(&waiter));
        let gone = waiters.wait(None, &waker);
        waiters.leave(gone);
        waiters.leave(gone);
        wake(&mut waiters);
        assert_eq!(woken(&waiter), 0);
        let here = waiters.wait(None, &waker);
        assert_eq!(here.at, gone.at);
        waiters.leave(gone);
        wake(&mut waiters);
        assert_eq!(woken(&waiter), 1);
    }

    #[test]
    fn there_is_room_for_as_many_as_have_waited() {
        let mut waiters = Waiters::default();
        for _ in 0..3 {
            for _ in 0..100 {
                waiters.wait(None, Waker::noop());
            }
            assert_eq!(waiters.waiting.len(), 100);
            wake(&mut waiters);
        }
        assert!(waiters.waiting.is_empty() && waiters.spare.is_empty());
        assert!(waiters.waiting.capacity() < 200 && waiters.spare.capacity() < 200);
    }
}
