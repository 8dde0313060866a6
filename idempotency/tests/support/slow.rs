//! A store in memory whose operations can be slow, fail, or be counted, each kind by itself.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use stonework_core::{StoreError, StoreErrorKind, StoreFuture};
use stonework_idempotency::store::{
    Claim, Claimed, Complete, Completed, Held, IdempotencyStore, MemoryStore, Release, Renew, Watch,
};

/// The kinds of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Op {
    Claim = 0,
    Renew = 1,
    Complete = 2,
    Release = 3,
}

#[derive(Default)]
struct State {
    delays: [AtomicU64; 4],
    fails: [Mutex<Option<StoreErrorKind>>; 4],
    counts: [AtomicUsize; 4],
    newer: AtomicBool,
    watches_are_idle: AtomicBool,
    takeovers_are_ignored: AtomicBool,
    takeovers_fail: AtomicBool,
    renewals_are_lost: AtomicBool,
}

/// Every operation takes effect at once; its reply takes its time.
#[derive(Clone, Default)]
pub struct Slow {
    pub store: MemoryStore,
    state: Arc<State>,
}

impl Slow {
    /// Replies to `op` come this much later.
    pub fn delay(&self, op: Op, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.state.delays[op as usize].store(millis, Ordering::SeqCst);
    }

    /// From now on `op` has no effect and fails at once, or works again.
    pub fn fail(&self, op: Op, fails: bool) {
        *self.state.fails[op as usize].lock().unwrap() =
            fails.then_some(StoreErrorKind::Unavailable);
    }

    /// From now on `op` has no effect and is answered with this error.
    pub fn refuse(&self, op: Op, kind: StoreErrorKind) {
        *self.state.fails[op as usize].lock().unwrap() = Some(kind);
    }

    /// A claim that would take over is taken as one that would not.
    pub fn ignore_takeovers(&self) {
        self.state.takeovers_are_ignored.store(true, Ordering::SeqCst);
    }

    /// A claim that would take over has no effect and fails.
    pub fn fail_takeovers(&self) {
        self.state.takeovers_fail.store(true, Ordering::SeqCst);
    }

    /// Whoever renews is told that the record is another's.
    pub fn lose_renewals(&self) {
        self.state.renewals_are_lost.store(true, Ordering::SeqCst);
    }

    /// Answers are kept as if a later version had encoded them.
    pub fn write_as_a_later_version(&self) {
        self.state.newer.store(true, Ordering::SeqCst);
    }

    /// Watches resolve at once, as the contract allows.
    pub fn resolve_watches_at_once(&self) {
        self.state.watches_are_idle.store(true, Ordering::SeqCst);
    }

    pub fn count(&self, op: Op) -> usize {
        self.state.counts[op as usize].load(Ordering::SeqCst)
    }

    fn through<T: Send + 'static>(
        &self,
        op: Op,
        operation: impl FnOnce(&MemoryStore) -> StoreFuture<Result<T, StoreError>>,
    ) -> StoreFuture<Result<T, StoreError>> {
        self.state.counts[op as usize].fetch_add(1, Ordering::SeqCst);
        if let Some(kind) = *self.state.fails[op as usize].lock().unwrap() {
            return StoreFuture::ready(Err(StoreError::new(kind)));
        }
        let reply = operation(&self.store);
        match self.state.delays[op as usize].load(Ordering::SeqCst) {
            0 => reply,
            millis => StoreFuture::new(async move {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                reply.await
            }),
        }
    }
}

impl IdempotencyStore for Slow {
    fn claim(&self, mut claim: Claim<'_>) -> StoreFuture<Result<Claimed, StoreError>> {
        if claim.take_over.is_some() && self.state.takeovers_fail.load(Ordering::SeqCst) {
            return StoreFuture::ready(Err(StoreError::new(StoreErrorKind::Unavailable)));
        }
        if self.state.takeovers_are_ignored.load(Ordering::SeqCst) {
            claim.take_over = None;
        }
        self.through(Op::Claim, |store| store.claim(claim))
    }

    fn renew(&self, renew: Renew<'_>) -> StoreFuture<Result<Held, StoreError>> {
        if self.state.renewals_are_lost.load(Ordering::SeqCst) {
            return StoreFuture::ready(Ok(Held::Lost));
        }
        self.through(Op::Renew, |store| store.renew(renew))
    }

    fn complete(&self, mut complete: Complete<'_>) -> StoreFuture<Result<Completed, StoreError>> {
        if self.state.newer.load(Ordering::SeqCst) {
            let mut head = complete.answer.head.to_vec();
            head[0] += 1;
            complete.answer.head = Bytes::from(head);
        }
        self.through(Op::Complete, |store| store.complete(complete))
    }

    fn release(&self, release: Release<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.through(Op::Release, |store| store.release(release))
    }

    fn watch(&self, watch: Watch<'_>) -> StoreFuture<()> {
        if self.state.watches_are_idle.load(Ordering::SeqCst) {
            return StoreFuture::ready(());
        }
        self.store.watch(watch)
    }
}
