//! A store in memory whose operations can be slow, or fail, each kind by itself.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use stonework_webhook_sign::store::{
    Claim, Claimed, Commit, Committed, MemoryStore, Release, ReplayStore, StoreError,
    StoreErrorKind, StoreFuture,
};
use tokio::sync::watch;

/// The kinds of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Claim = 0,
    Commit = 1,
    Release = 2,
}

#[derive(Clone, Copy, Default)]
struct Kind {
    delay: Duration,
    fails: Option<StoreErrorKind>,
}

/// How often each operation was asked for, and how often it was done.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    asked: [usize; 3],
    done: [usize; 3],
}

/// Every operation takes effect at once; its reply takes its time.
#[derive(Clone)]
pub struct Slow {
    pub store: MemoryStore,
    kinds: Arc<Mutex<[Kind; 3]>>,
    seen: watch::Sender<Seen>,
}

impl Default for Slow {
    fn default() -> Self {
        let (seen, _) = watch::channel(Seen::default());
        Self { store: MemoryStore::new(), kinds: Arc::default(), seen }
    }
}

impl Slow {
    /// Replies to `op` come this much later.
    pub fn delay(&self, op: Op, by: Duration) {
        self.kinds.lock().unwrap()[op as usize].delay = by;
    }

    /// From now on `op` has no effect and fails, or works again.
    pub fn fail(&self, op: Op, kind: Option<StoreErrorKind>) {
        self.kinds.lock().unwrap()[op as usize].fails = kind;
    }

    /// Until `op` was asked for so often.
    pub async fn until(&self, op: Op, times: usize) {
        self.wait(|seen| seen.asked[op as usize] >= times).await;
    }

    /// Until `op` was done once, its reply included.
    pub async fn until_done(&self, op: Op) {
        self.wait(|seen| seen.done[op as usize] >= 1).await;
    }

    /// In paused time, which passes at once when nobody has anything to do.
    async fn wait(&self, condition: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let waiting = seen.wait_for(condition);
        let hour = Duration::from_secs(3_600);
        tokio::time::timeout(hour, waiting).await.expect("it happens some time").unwrap();
    }

    fn through<T: Send + 'static>(
        &self,
        op: Op,
        operation: impl FnOnce(&MemoryStore) -> StoreFuture<Result<T, StoreError>>,
    ) -> StoreFuture<Result<T, StoreError>> {
        self.seen.send_modify(|seen| seen.asked[op as usize] += 1);
        let kind = self.kinds.lock().unwrap()[op as usize];
        if let Some(kind) = kind.fails {
            return StoreFuture::ready(Err(StoreError::new(kind)));
        }
        let (reply, seen) = (operation(&self.store), self.seen.clone());
        let done = move || seen.send_modify(|seen| seen.done[op as usize] += 1);
        if kind.delay.is_zero() {
            done();
            return reply;
        }
        StoreFuture::new(async move {
            tokio::time::sleep(kind.delay).await;
            done();
            reply.await
        })
    }
}

impl ReplayStore for Slow {
    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        self.through(Op::Claim, |store| store.claim(claim))
    }

    fn commit(&self, commit: Commit) -> StoreFuture<Result<Committed, StoreError>> {
        self.through(Op::Commit, |store| store.commit(commit))
    }

    fn release(&self, release: Release) -> StoreFuture<Result<(), StoreError>> {
        self.through(Op::Release, |store| store.release(release))
    }
}
