//! An outbox that fails when it is told to.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use stonework_webhook_delivery::store::{
    Ack, Change, Claim, Claimed, Dead, EndpointState, Enqueue, Enqueued, Extend, Held, LeaseToken,
    List, Outbox, Page, Purge, Purged, Requeue, Requeued, Retry, Settled, StoreError,
    StoreErrorKind, StoreFuture,
};
use stonework_webhook_delivery::{DeadReason, EndpointId};
use tokio::sync::watch;

const KEEP: Duration = Duration::from_secs(3_600);

#[derive(Clone)]
pub struct Spoiled {
    outbox: Arc<dyn Outbox>,
    shared: Arc<Shared>,
}

struct Shared {
    extends_nothing: AtomicBool,
    settling: AtomicUsize,
    claiming: AtomicUsize,
    panicking: AtomicUsize,
    killing: AtomicUsize,
    claimed: watch::Sender<usize>,
    lost: watch::Sender<usize>,
}

impl Spoiled {
    pub fn new(outbox: impl Outbox) -> Self {
        let shared = Shared {
            extends_nothing: AtomicBool::new(false),
            settling: AtomicUsize::new(0),
            claiming: AtomicUsize::new(0),
            panicking: AtomicUsize::new(0),
            killing: AtomicUsize::new(0),
            claimed: watch::Sender::new(0),
            lost: watch::Sender::new(0),
        };
        Self { outbox: Arc::new(outbox), shared: Arc::new(shared) }
    }

    /// Leases are not renewed, and nobody is told.
    pub fn extend_nothing(&self) {
        self.shared.extends_nothing.store(true, Ordering::SeqCst);
    }

    /// So many settlements are not answered, and have no effect.
    pub fn fail_settling(&self, times: usize) {
        self.shared.settling.store(times, Ordering::SeqCst);
    }

    /// So many claims are not answered, and have their effect.
    pub fn fail_claiming(&self, times: usize) {
        self.shared.claiming.store(times, Ordering::SeqCst);
    }

    /// So many claims panic, and have no effect.
    pub fn panic_claiming(&self, times: usize) {
        self.shared.panicking.store(times, Ordering::SeqCst);
    }

    /// So many messages that are queued again are given up at once, as if by a worker.
    pub fn kill_what_is_requeued(&self, times: usize) {
        self.shared.killing.store(times, Ordering::SeqCst);
    }

    /// Until something was claimed.
    pub async fn claimed(&self) {
        self.shared.claimed.subscribe().wait_for(|claimed| *claimed > 0).await.unwrap();
    }

    /// Until somebody was told that a lease is lost.
    pub async fn lost(&self) -> usize {
        *self.shared.lost.subscribe().wait_for(|lost| *lost > 0).await.unwrap()
    }

    fn settle(
        &self,
        settle: impl FnOnce() -> StoreFuture<Result<Settled, StoreError>>,
    ) -> StoreFuture<Result<Settled, StoreError>> {
        if take(&self.shared.settling) {
            return StoreFuture::ready(Err(StoreError::new(StoreErrorKind::Unavailable)));
        }
        let (settling, shared) = (settle(), Arc::clone(&self.shared));
        StoreFuture::new(async move {
            let settled = settling.await;
            if matches!(settled, Ok(Settled::Lost)) {
                shared.lost.send_modify(|lost| *lost += 1);
            }
            settled
        })
    }
}

fn take(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Outbox for Spoiled {
    fn enqueue(&self, enqueue: Enqueue) -> StoreFuture<Result<Enqueued, StoreError>> {
        self.outbox.enqueue(enqueue)
    }

    fn claim(&self, claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        assert!(!take(&self.shared.panicking), "as it was told to");
        let (claiming, shared) = (self.outbox.claim(claim), Arc::clone(&self.shared));
        StoreFuture::new(async move {
            let claimed = claiming.await?;
            shared.claimed.send_modify(|count| *count += claimed.leased.len());
            if take(&shared.claiming) {
                return Err(StoreError::new(StoreErrorKind::Unavailable));
            }
            Ok(claimed)
        })
    }

    fn ack(&self, ack: Ack) -> StoreFuture<Result<Settled, StoreError>> {
        self.settle(|| self.outbox.ack(ack))
    }

    fn retry(&self, retry: Retry) -> StoreFuture<Result<Settled, StoreError>> {
        self.settle(|| self.outbox.retry(retry))
    }

    fn dead(&self, dead: Dead) -> StoreFuture<Result<Settled, StoreError>> {
        self.settle(|| self.outbox.dead(dead))
    }

    fn extend(&self, extend: Extend) -> StoreFuture<Result<Held, StoreError>> {
        if self.shared.extends_nothing.load(Ordering::SeqCst) {
            return StoreFuture::ready(Ok(Held::Held));
        }
        self.outbox.extend(extend)
    }

    fn requeue(&self, requeue: Requeue) -> StoreFuture<Result<Requeued, StoreError>> {
        let Self { outbox, shared } = self.clone();
        StoreFuture::new(async move {
            let requeued = outbox.requeue(requeue).await;
            if take(&shared.killing) {
                let claim = Claim::new(LeaseToken::random(), 1, KEEP, 1);
                for leased in outbox.claim(claim).await?.leased {
                    outbox.dead(Dead::new(leased.lease, DeadReason::NoEndpoint, KEEP)).await?;
                }
            }
            requeued
        })
    }

    fn list(&self, list: List) -> StoreFuture<Result<Page, StoreError>> {
        self.outbox.list(list)
    }

    fn endpoint(&self, endpoint: EndpointId) -> StoreFuture<Result<EndpointState, StoreError>> {
        self.outbox.endpoint(endpoint)
    }

    fn change(&self, change: Change) -> StoreFuture<Result<(), StoreError>> {
        self.outbox.change(change)
    }

    fn purge(&self, purge: Purge) -> StoreFuture<Result<Purged, StoreError>> {
        self.outbox.purge(purge)
    }
}
