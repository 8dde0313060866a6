//! The store in memory beside one that is so simple that it can be seen to be right.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use stonework_core::Clock;

use super::{
    Claim, Claimed, Commit, Committed, EventKey, Fence, MemoryStore, Release, ReplayStore,
};

const MAX_EVENTS: usize = 3;

#[derive(Clone, Debug, Default)]
struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn unix(&self) -> Duration {
        unreachable!("a store does not need the date")
    }
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Claim { event: u8, fence: usize, lease: u64 },
    Commit { event: u8, fence: usize, keep: u64 },
    Release { event: u8, fence: usize },
    Wait { millis: u64 },
}

fn op() -> impl Strategy<Value = Op> {
    let (event, fence, time) = (0..5_u8, 0..3_usize, 0..20_u64);
    prop_oneof![
        4 => (event.clone(), fence.clone(), time.clone())
            .prop_map(|(event, fence, lease)| Op::Claim { event, fence, lease }),
        3 => (event.clone(), fence.clone(), time.clone())
            .prop_map(|(event, fence, keep)| Op::Commit { event, fence, keep }),
        2 => (event, fence).prop_map(|(event, fence)| Op::Release { event, fence }),
        2 => time.prop_map(|millis| Op::Wait { millis }),
    ]
}

/// Fence, whether it is done, and when it ends.
#[derive(Default)]
struct Naive(HashMap<u8, (usize, bool, u64)>);

impl Naive {
    fn claim(&mut self, now: u64, event: u8, fence: usize, lease: u64) -> Claimed {
        self.0.retain(|_, (_, _, ends)| *ends > now);
        match self.0.get(&event) {
            Some((_, true, _)) => Claimed::Done,
            Some((owner, false, _)) if *owner == fence => Claimed::Won,
            Some((_, false, ends)) => {
                Claimed::InFlight { lease_left: Duration::from_millis(ends - now) }
            }
            None if self.0.len() >= MAX_EVENTS => Claimed::Full,
            None => {
                self.0.insert(event, (fence, false, now + lease));
                Claimed::Won
            }
        }
    }

    fn commit(&mut self, now: u64, event: u8, fence: usize, keep: u64) -> Committed {
        self.0.retain(|_, (_, _, ends)| *ends > now);
        match self.0.get(&event) {
            Some((owner, _, _)) if *owner != fence => Committed::Lost,
            Some((_, true, _)) => Committed::Stored,
            _ => {
                self.0.insert(event, (fence, true, now + keep));
                Committed::Stored
            }
        }
    }

    fn release(&mut self, event: u8, fence: usize) {
        if self.0.get(&event).is_some_and(|(owner, is_done, _)| *owner == fence && !is_done) {
            self.0.remove(&event);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_says_what_a_naive_one_says(ops in prop::collection::vec(op(), 0..200)) {
        let hand = Hand::default();
        let store = MemoryStore::builder().max_events(MAX_EVENTS).clock(Arc::new(hand.clone()));
        let (store, mut naive) = (store.build().unwrap(), Naive::default());
        let fences: [Fence; 3] = std::array::from_fn(|_| Fence::random());
        let key = |event: u8| EventKey::of(&[&[event]]);
        for op in ops {
            let now = hand.0.load(Ordering::SeqCst);
            match op {
                Op::Claim { event, fence, lease } => {
                    let claim = Claim::new(key(event), fences[fence], Duration::from_millis(lease));
                    let claimed = store.claim(claim).try_ready().unwrap().unwrap();
                    prop_assert_eq!(claimed, naive.claim(now, event, fence, lease));
                }
                Op::Commit { event, fence, keep } => {
                    let commit = Commit::new(key(event), fences[fence], Duration::from_millis(keep));
                    let committed = store.commit(commit).try_ready().unwrap().unwrap();
                    prop_assert_eq!(committed, naive.commit(now, event, fence, keep));
                }
                Op::Release { event, fence } => {
                    let release = Release::new(key(event), fences[fence]);
                    store.release(release).try_ready().unwrap().unwrap();
                    naive.release(event, fence);
                }
                Op::Wait { millis } => {
                    hand.0.fetch_add(millis, Ordering::SeqCst);
                }
            }
        }
    }
}
