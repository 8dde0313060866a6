use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, mpsc};
use std::time::Duration;

use bytes::Bytes;
use stonework_core::{Key, StoreErrorKind};

use super::ledger::RESERVED;
use super::*;
use crate::lookup::{Fingerprint, Lookup, Token};
use crate::store::{Answer, Record, State};

/// Time in milliseconds, turned by hand.
#[derive(Debug, Default)]
pub(super) struct HandClock(AtomicU64);

impl HandClock {
    pub(super) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn unix(&self) -> Duration {
        unreachable!("a store does not need the date")
    }
}

const PRINT: Fingerprint = Fingerprint::from_bytes([7; 32]);
const LEASE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(86_400);

struct Bench {
    store: MemoryStore,
    clock: Arc<HandClock>,
}

fn bench(set: impl FnOnce(MemoryStoreBuilder) -> MemoryStoreBuilder) -> Bench {
    let clock = Arc::new(HandClock::default());
    let builder = set(MemoryStore::builder()).clock(Arc::clone(&clock) as _);
    Bench { store: builder.build().unwrap(), clock }
}

fn lookup(scope: Option<&str>, key: u32) -> Lookup {
    Lookup::new(scope.map(Key::from).as_ref(), None, &key.to_be_bytes())
}

fn token(n: u8) -> Token {
    Token::from_bytes([n; 16])
}

fn now<T>(future: StoreFuture<T>) -> T {
    future.try_ready().expect("a store in memory answers at once")
}

fn owned(attempt: u32) -> Claimed {
    Claimed::Owned { attempt, checkpoint: None }
}

impl Bench {
    fn claim_for(&self, lookup: &Lookup, retention: Duration) -> Claimed {
        now(self.store.claim(Claim::new(lookup, token(1), PRINT, LEASE, retention))).unwrap()
    }

    fn claim(&self, lookup: &Lookup) -> Claimed {
        self.claim_for(lookup, DAY)
    }

    fn try_complete(&self, lookup: &Lookup, body: usize) -> Result<Completed, StoreError> {
        let answer = Answer::new(Bytes::new(), Some(Bytes::from(vec![1; body])));
        now(self.store.complete(Complete::new(lookup, token(1), 1, PRINT, answer, DAY)))
    }

    fn complete(&self, lookup: &Lookup, body: usize) {
        assert_eq!(self.try_complete(lookup, body).unwrap(), Completed::Stored);
    }

    fn run(&self, lookup: &Lookup, body: usize) {
        assert_eq!(self.claim(lookup), owned(1));
        self.complete(lookup, body);
    }

    fn release(&self, lookup: &Lookup) {
        now(self.store.release(Release::new(lookup, token(1)))).unwrap();
    }

    fn checkpoint(&self, lookup: &Lookup, len: usize) -> Result<Held, StoreError> {
        let checkpoint = Bytes::from(vec![2; len]);
        now(self.store.renew(Renew::new(lookup, token(1), LEASE).with_checkpoint(checkpoint)))
    }

    /// The length of the kept body; `None` if there is none.
    fn kept(&self, lookup: &Lookup) -> Option<usize> {
        let claim = Claim::new(lookup, token(9), PRINT, LEASE, DAY);
        match now(self.store.claim(claim)).unwrap() {
            Claimed::Taken(Record { state: State::Completed(answer), .. }) => {
                answer.body.map(|body| body.len())
            }
            other => panic!("{other:?} is not completed"),
        }
    }

    fn stats(&self) -> MemoryStats {
        self.store.0.audit();
        self.store.stats()
    }
}

#[test]
fn oldest_bodies_shrink_to_tombstones_first() {
    let bench = bench(|it| it.max_bytes(4 * RESERVED + 300));
    let keys: Vec<_> = (0..4).map(|key| lookup(None, key)).collect();
    assert_eq!(bench.claim(&keys[1]), owned(1));
    bench.run(&keys[0], 100);
    bench.complete(&keys[1], 100);
    bench.run(&keys[2], 100);
    assert_eq!(bench.stats().bodies_dropped, 0);
    bench.run(&keys[3], 150);
    let kept: Vec<_> = keys.iter().map(|key| bench.kept(key)).collect();
    assert_eq!(kept, [None, None, Some(100), Some(150)], "in the order of completion");
    assert_eq!((bench.stats().bodies_dropped, bench.stats().refused), (2, 0));
}

#[test]
fn a_claim_shrinks_bodies_and_is_refused_only_when_there_are_none() {
    let bench = bench(|it| it.max_bytes(3 * RESERVED - 1));
    bench.run(&lookup(None, 0), RESERVED);
    assert_eq!(bench.claim(&lookup(None, 1)), owned(1));
    assert_eq!(bench.kept(&lookup(None, 0)), None);
    assert_eq!(bench.claim(&lookup(None, 2)), Claimed::Full);
    assert_eq!((bench.stats().keys, bench.stats().refused), (2, 1));
    bench.release(&lookup(None, 1));
    assert_eq!(bench.claim(&lookup(None, 2)), owned(1));
}

#[test]
fn claims_and_tombstones_are_never_forgotten() {
    let bench = bench(|it| it.max_keys(10));
    (0..5).for_each(|key| assert_eq!(bench.claim(&lookup(None, key)), owned(1)));
    (5..10).for_each(|key| bench.run(&lookup(None, key), 0));
    for key in 10..1_000 {
        assert_eq!(bench.claim(&lookup(None, key)), Claimed::Full);
    }
    (0..5).for_each(|key| assert_eq!(bench.claim(&lookup(None, key)), owned(1)));
    (5..10).for_each(|key| assert_eq!(bench.kept(&lookup(None, key)), Some(0)));
    assert_eq!((bench.stats().keys, bench.stats().refused), (10, 990));
}

#[test]
fn a_body_above_the_budget_costs_no_other_its_body() {
    let bench = bench(|it| it.max_bytes(2 * RESERVED + 100));
    bench.run(&lookup(None, 0), 50);
    bench.run(&lookup(None, 1), 101);
    assert_eq!(bench.kept(&lookup(None, 0)), Some(50));
    assert_eq!(bench.kept(&lookup(None, 1)), None);
    assert_eq!(bench.stats().bodies_dropped, 1);
}

#[test]
fn a_head_is_kept_whatever_the_room() {
    let bench = bench(|it| it.max_bytes(2 * RESERVED));
    bench.run(&lookup(None, 0), 0);
    assert_eq!(bench.claim(&lookup(None, 1)), owned(1));
    let answer = Answer::new(Bytes::from(vec![3; 16_384]), Some(Bytes::from_static(b"body")));
    let key = lookup(None, 1);
    let complete = Complete::new(&key, token(1), 1, PRINT, answer, DAY);
    assert_eq!(now(bench.store.complete(complete)).unwrap(), Completed::Stored);
    assert_eq!(bench.stats().bytes, 2 * RESERVED + 16_384);
    assert_eq!(bench.kept(&lookup(None, 1)), None);
    assert_eq!(bench.claim(&lookup(None, 2)), Claimed::Full);
}

#[test]
fn a_checkpoint_needs_room_and_its_bytes_come_back() {
    let bench = bench(|it| it.max_bytes(3 * RESERVED));
    bench.run(&lookup(None, 0), 100);
    let key = lookup(None, 1);
    assert_eq!(bench.claim(&key), owned(1));
    assert_eq!(bench.checkpoint(&key, RESERVED).unwrap(), Held::Held);
    assert_eq!(bench.kept(&lookup(None, 0)), None, "a body makes way");
    let error = bench.checkpoint(&key, RESERVED + 1).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused);
    let kept = Some(Bytes::from(vec![2; RESERVED]));
    assert_eq!(bench.claim(&key), Claimed::Owned { attempt: 1, checkpoint: kept });
    assert_eq!(bench.checkpoint(&key, 10).unwrap(), Held::Held);
    assert_eq!(bench.stats().bytes, 2 * RESERVED + 10);
    bench.complete(&key, 0);
    assert_eq!(bench.stats().bytes, 2 * RESERVED);
}

#[test]
fn a_completion_without_a_record_is_stored_or_refused() {
    let bench = bench(|it| it.max_keys(1));
    bench.complete(&lookup(None, 0), 10);
    bench.complete(&lookup(None, 0), 20);
    assert_eq!(bench.kept(&lookup(None, 0)), Some(10));
    let error = bench.try_complete(&lookup(None, 1), 10).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused);
    assert!(!error.is_outage());
    assert_eq!((bench.stats().keys, bench.stats().refused), (1, 1));
}

#[test]
fn a_flood_of_one_scope_refuses_only_itself() {
    let bench = bench(|it| it.max_keys(100).scope_share_percent(10));
    for key in 0..10 {
        assert_eq!(bench.claim(&lookup(Some("flood"), key)), owned(1));
    }
    for key in 10..20 {
        assert_eq!(bench.claim(&lookup(Some("flood"), key)), Claimed::Full);
    }
    (0..10).for_each(|key| assert_eq!(bench.claim(&lookup(Some("calm"), key)), owned(1)));
    (0..80).for_each(|key| assert_eq!(bench.claim(&lookup(None, key)), owned(1)));
    assert_eq!(bench.claim(&lookup(Some("late"), 0)), Claimed::Full);
    assert_eq!(bench.stats().keys, 100);
}

#[test]
fn a_scope_loses_its_own_bodies_first() {
    let bench = bench(|it| it.max_bytes(10 * RESERVED).scope_share_percent(50));
    bench.run(&lookup(Some("calm"), 0), 100);
    bench.run(&lookup(Some("big"), 0), RESERVED);
    bench.run(&lookup(Some("big"), 1), 2 * RESERVED);
    bench.run(&lookup(Some("big"), 2), 1);
    let kept = |scope, key| bench.kept(&lookup(Some(scope), key));
    assert_eq!((kept("big", 0), kept("big", 1)), (None, None));
    assert_eq!((kept("big", 2), kept("calm", 0)), (Some(1), Some(100)));
    bench.run(&lookup(Some("big"), 3), 5 * RESERVED);
    assert_eq!(kept("big", 3), None, "bigger than the share");
    assert_eq!(bench.claim(&lookup(Some("big"), 4)), owned(1));
    assert_eq!(bench.claim(&lookup(Some("big"), 5)), Claimed::Full);
    bench.stats();
}

#[test]
fn an_expired_record_is_absent_at_the_very_moment() {
    let bench = bench(|it| it);
    let key = lookup(None, 0);
    assert_eq!(bench.claim_for(&key, Duration::from_millis(10)), owned(1));
    bench.clock.advance(Duration::from_millis(9));
    let taken = now(bench.store.claim(Claim::new(&key, token(2), PRINT, LEASE, DAY))).unwrap();
    assert!(matches!(taken, Claimed::Taken(_)));
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(now(bench.store.renew(Renew::new(&key, token(1), LEASE))).unwrap(), Held::Lost);
    let taken = now(bench.store.claim(Claim::new(&key, token(2), PRINT, LEASE, DAY))).unwrap();
    assert_eq!(taken, owned(1));
    assert_eq!(bench.stats().keys, 1);
}

#[test]
fn expired_records_make_way_before_anything_is_refused_or_shrunk() {
    let bench = bench(|it| it.max_keys(2_000).max_bytes(1_001 * RESERVED));
    bench.run(&lookup(None, 10_000), RESERVED / 2);
    for key in 0..1_000 {
        assert_eq!(bench.claim_for(&lookup(None, key), LEASE), owned(1));
    }
    assert_eq!(bench.kept(&lookup(None, 10_000)), None);
    bench.clock.advance(LEASE);
    bench.run(&lookup(None, 10_001), 900 * RESERVED);
    assert_eq!(bench.kept(&lookup(None, 10_001)), Some(900 * RESERVED));
    bench.clock.advance(LEASE);
    bench.run(&lookup(None, 10_002), 90 * RESERVED);
    assert_eq!(bench.kept(&lookup(None, 10_001)), Some(900 * RESERVED), "not shrunk for nothing");
    assert_eq!((bench.stats().refused, bench.stats().bodies_dropped), (0, 1));
}

#[test]
fn each_operation_removes_a_few_that_have_expired() {
    let bench = bench(|it| it);
    for key in 0..1_000 {
        assert_eq!(bench.claim_for(&lookup(None, key), LEASE), owned(1));
    }
    bench.clock.advance(LEASE);
    for key in 1_000..1_600 {
        assert_eq!(bench.claim_for(&lookup(None, key), LEASE), owned(1));
    }
    assert_eq!(bench.stats().keys, 600, "600 claims removed 1,000 records");
}

#[test]
fn a_key_is_fresh_though_many_expired_before_it_and_are_still_there() {
    let bench = bench(|it| it);
    for key in 0..1_000 {
        let retention = Duration::from_millis(u64::from(key) + 1);
        assert_eq!(bench.claim_for(&lookup(None, key), retention), owned(1));
    }
    bench.clock.advance(LEASE);
    assert_eq!(bench.claim(&lookup(None, 999)), owned(1));
    bench.complete(&lookup(None, 998), 1);
    assert!(bench.stats().keys > 900);
    assert_eq!(bench.kept(&lookup(None, 998)), Some(1));
}

#[test]
fn claims_that_come_and_go_leave_nothing() {
    let bench = bench(|it| it);
    for key in 0..10_000 {
        let key = lookup(Some(&format!("scope {key}")), key);
        assert_eq!(bench.claim(&key), owned(1));
        assert_eq!(bench.checkpoint(&key, 10).unwrap(), Held::Held);
        bench.release(&key);
    }
    assert_eq!((bench.stats().keys, bench.stats().bytes), (0, 0));
    assert!(bench.store.0.places() < 100, "a few places were used again and again");
}

#[test]
fn takeovers_and_completions_leave_one_element_each() {
    let bench = bench(|it| it);
    let key = lookup(None, 0);
    assert_eq!(bench.claim(&key), owned(1));
    for attempt in 2..200 {
        bench.clock.advance(LEASE);
        let (old, new) = ((attempt - 1) as u8, attempt as u8);
        let claim = Claim::new(&key, token(new), PRINT, LEASE, DAY).taking_over(token(old));
        assert_eq!(now(bench.store.claim(claim)).unwrap(), owned(attempt));
    }
    assert_eq!(bench.stats().keys, 1);
}

#[test]
fn endless_times_are_endless() {
    let bench = bench(|it| it);
    let key = lookup(None, 0);
    bench.clock.advance(DAY);
    let claim = Claim::new(&key, token(1), PRINT, Duration::MAX, Duration::MAX);
    assert_eq!(now(bench.store.claim(claim)).unwrap(), owned(1));
    bench.clock.advance(DAY * 10_000);
    let claim = Claim::new(&key, token(2), PRINT, LEASE, DAY).taking_over(token(1));
    assert!(matches!(now(bench.store.claim(claim)).unwrap(), Claimed::Taken(_)));
    let complete = Complete::new(&key, token(1), u32::MAX, PRINT, Answer::default(), Duration::MAX);
    assert_eq!(now(bench.store.complete(complete)).unwrap(), Completed::Stored);
    bench.clock.advance(DAY * 10_000);
    assert_eq!(bench.kept(&key), None);
}

#[test]
fn no_time_at_all_is_harmless() {
    let bench = bench(|it| it);
    let key = lookup(Some("a"), 0);
    let claim = Claim::new(&key, token(1), PRINT, Duration::ZERO, Duration::ZERO);
    assert_eq!(now(bench.store.claim(claim)).unwrap(), owned(1));
    assert_eq!(now(bench.store.claim(claim)).unwrap(), owned(1));
    let answer = Answer::new(Bytes::new(), Some(Bytes::from_static(b"body")));
    let complete = Complete::new(&key, token(1), 1, PRINT, answer, Duration::ZERO);
    assert_eq!(now(bench.store.complete(complete)).unwrap(), Completed::Stored);
    bench.stats();
    bench.store.0.sweep_all();
    assert_eq!((bench.stats().keys, bench.stats().bytes), (0, 0));
}

#[test]
fn a_large_body_is_shared_and_not_copied() {
    let bench = bench(|it| it);
    let key = lookup(None, 0);
    let body = Bytes::from(vec![5; 64 * 1024]);
    let answer = Answer::new(Bytes::new(), Some(body.clone()));
    let complete = Complete::new(&key, token(1), 1, PRINT, answer, DAY);
    assert_eq!(now(bench.store.complete(complete)).unwrap(), Completed::Stored);
    match bench.claim(&key) {
        Claimed::Taken(Record { state: State::Completed(answer), .. }) => {
            assert_eq!(answer.body.unwrap().as_ptr(), body.as_ptr());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_replay_does_not_touch_the_books() {
    let bench = bench(|it| it);
    let key = lookup(Some("a"), 0);
    bench.run(&key, 3);
    let books = bench.store.0.close_books();
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| send.send(bench.kept(&key)));
        let kept = receive.recv_timeout(Duration::from_secs(30));
        drop(books);
        assert_eq!(kept, Ok(Some(3)));
    });
}

#[test]
fn clones_share_one_store_and_debug_tells_no_secret() {
    let bench = bench(|it| it);
    let _ = bench.claim(&lookup(None, 0));
    assert_eq!(bench.store.clone().stats().keys, 1);
    assert!(format!("{:?}", bench.store).starts_with("MemoryStore(MemoryStats { keys: 1,"));
}

#[tokio::test(start_paused = true)]
async fn every_change_wakes_who_watches() {
    let bench = bench(|it| it);
    let watch = |key| {
        let watch = bench.store.watch(Watch::new(key, token(1), 0)).try_ready();
        watch.expect_err("a watch of a pending record waits")
    };
    let keys: Vec<_> = (0..5).map(|key| lookup(None, key)).collect();
    let retention = LEASE * 2;
    keys.iter().for_each(|key| assert_eq!(bench.claim_for(key, retention), owned(1)));
    let watches = || keys.iter().map(watch).collect::<Vec<_>>();
    let mut watches = [watches(), watches()].map(Vec::into_iter);
    let mut next = async || {
        for watch in watches.each_mut().map(|it| it.next().unwrap()) {
            tokio::time::timeout(LEASE, watch).await.expect("the watch wakes");
        }
    };
    bench.complete(&keys[0], 1);
    next().await;
    bench.release(&keys[1]);
    next().await;
    let give_up = Renew::new(&keys[2], token(1), Duration::ZERO);
    assert_eq!(now(bench.store.renew(give_up)).unwrap(), Held::Held);
    next().await;
    bench.clock.advance(LEASE);
    let claim = Claim::new(&keys[3], token(2), PRINT, LEASE, retention).taking_over(token(1));
    assert_eq!(now(bench.store.claim(claim)).unwrap(), owned(2));
    next().await;
    bench.clock.advance(LEASE);
    bench.store.0.sweep_all();
    next().await;
}

#[test]
fn there_is_nothing_to_wait_for_unless_the_owner_lives() {
    let bench = bench(|it| it);
    let (pending, completed) = (lookup(None, 0), lookup(None, 1));
    let _ = bench.claim(&pending);
    bench.complete(&completed, 1);
    now(bench.store.watch(Watch::new(&lookup(None, 2), token(1), 0)));
    now(bench.store.watch(Watch::new(&completed, token(1), 0)));
    now(bench.store.watch(Watch::new(&pending, token(2), 0)));
    assert!(bench.store.watch(Watch::new(&pending, token(1), 0)).try_ready().is_err());
    bench.clock.advance(LEASE);
    now(bench.store.watch(Watch::new(&pending, token(1), 0)));
}

/// Many times: one completes while another looks and begins to wait.
#[test]
fn no_change_falls_between_the_look_and_the_wait() {
    const ROUNDS: u32 = 2_000;
    let bench = bench(|it| it);
    let (begin, begun) = mpsc::channel();
    let waiter = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| begun.into_iter().for_each(|key| bench.complete(&key, 1)));
        // Moved, so that the other thread ends with this one, whatever happens.
        let begin = begin;
        for key in 0..ROUNDS {
            let key = lookup(None, key);
            assert_eq!(bench.claim(&key), owned(1));
            begin.send(key).unwrap();
            waiter.block_on(async {
                let watch = bench.store.watch(Watch::new(&key, token(1), 0));
                tokio::time::timeout(LEASE, watch).await.expect("the watch wakes");
            });
        }
    });
}

/// One thread's share of the stress: every operation, few keys, tight room.
fn work(bench: &Bench, seed: u32) {
    let mut random = seed;
    for _ in 0..20_000 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let bits = random >> 8;
        let scope = ["a", "b", "c"].get((bits % 4) as usize).copied();
        let (key, me) = (lookup(scope, bits >> 3 & 63), token((bits >> 9 & 3) as u8));
        let retention = Duration::from_millis(u64::from(bits >> 11 & 31));
        let bytes = Bytes::from(vec![0; (bits >> 4 & 1023) as usize]);
        match bits >> 16 & 7 {
            0 => drop(now(bench.store.release(Release::new(&key, me)))),
            1 => drop(now(bench.store.renew(Renew::new(&key, me, LEASE).with_checkpoint(bytes)))),
            2 | 3 => {
                let answer = Answer::new(bytes.slice(..bytes.len() / 8), Some(bytes));
                let complete = Complete::new(&key, me, 1, PRINT, answer, retention);
                drop(now(bench.store.complete(complete)));
            }
            4 => bench.clock.advance(Duration::from_millis(1)),
            5 => drop(bench.store.watch(Watch::new(&key, me, 0))),
            _ => {
                let claim = Claim::new(&key, me, PRINT, retention / 2, retention);
                drop(now(bench.store.claim(claim.taking_over(token(bits as u8 & 3)))));
            }
        }
    }
}

#[test]
fn the_books_balance_after_many_threads() {
    let bench = bench(|it| it.max_keys(40).max_bytes(50 * RESERVED).scope_share_percent(30));
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for seed in 0..8 {
            let (bench, start) = (&bench, &start);
            scope.spawn(move || {
                start.wait();
                work(bench, seed);
            });
        }
    });
    let stats = bench.stats();
    assert!(stats.refused > 0 && stats.bodies_dropped > 0, "the room was tight: {stats:?}");
    assert!(stats.keys <= bench.store.0.limits().total.keys);
    bench.clock.advance(DAY);
    bench.store.0.sweep_all();
    assert_eq!((bench.stats().keys, bench.stats().bytes), (0, 0));
}
