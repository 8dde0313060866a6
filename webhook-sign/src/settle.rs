//! What a run owes the replay store, and how it gets there when its client leaves or the store is away.

use std::sync::Arc;
use std::time::Duration;

use stonework_core::{Started, StoreError, StoreErrorKind, StoreFuture};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::replay::Known;
use crate::shared::{Replay, Shared};
use crate::store::{Claim, Claimed, Commit, Committed, Fence, Release};

/// The pause between two tries while the store is away.
const PAUSE: Duration = Duration::from_millis(200);

/// A claim, from the moment it is sent until the store knows how it ended.
///
/// Dropping it pays what is owed in a task of its own: a handler whose client leaves is dropped halfway, and the event has
/// to be free for the next delivery.
pub(crate) struct Run {
    shared: Arc<Shared>,
    known: Known,
    fence: Fence,
    debt: Debt,
    /// Did the store say that the event is ours? Not if it was away, under `Outage::Open`.
    is_won: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Debt {
    Nothing,
    Release,
    Commit,
}

/// How a claim came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claiming {
    /// The event is ours.
    Won,
    InFlight,
    Done,
    Full,
    /// The store did not say.
    Unknown,
}

impl Run {
    pub(crate) fn new(shared: Arc<Shared>, known: Known) -> Self {
        Self { shared, known, fence: Fence::random(), debt: Debt::Nothing, is_won: false }
    }

    pub(crate) const fn fence(&self) -> Fence {
        self.fence
    }

    fn replay(&self) -> Option<&Replay> {
        self.shared.replay.as_ref()
    }

    /// Claims the event.
    pub(crate) fn claim(&mut self) -> StoreFuture<Result<Claimed, StoreError>> {
        // From now on it may have taken effect.
        self.debt = Debt::Release;
        let claim = Claim::new(self.known.event, self.fence, self.shared.policy.lease);
        let shared = Arc::clone(&self.shared);
        start(&shared, move |replay| replay.store.claim(claim))
    }

    /// Takes note of how the claim came out.
    pub(crate) fn claimed(&mut self, claimed: Result<Claimed, StoreError>) -> Claiming {
        let claiming = match claimed {
            Ok(Claimed::Won) => Claiming::Won,
            Ok(Claimed::InFlight { .. }) => Claiming::InFlight,
            Ok(Claimed::Done) => Claiming::Done,
            Ok(Claimed::Full) => Claiming::Full,
            Err(error) => {
                crate::trace::event!(WARN, %error, "an event could not be claimed");
                if error.kind() == StoreErrorKind::NotAsked {
                    self.debt = Debt::Nothing;
                }
                return Claiming::Unknown;
            }
        };
        self.is_won = claiming == Claiming::Won;
        if !self.is_won {
            self.debt = Debt::Nothing;
        }
        claiming
    }

    /// Tells the store how the handler ended. The debt stays until the store has said that it knows.
    pub(crate) fn settle(&mut self, is_success: bool) -> StoreFuture<Result<(), StoreError>> {
        self.debt = if is_success { Debt::Commit } else { Debt::Release };
        pay(&self.shared, self.known, self.fence, self.debt)
    }

    /// Takes note of what the store said to that.
    pub(crate) fn settled(&mut self, result: &Result<(), StoreError>) {
        match result {
            Err(error) if error.is_outage() => {
                crate::trace::event!(WARN, %error, "a store could not be told how an event ended");
                // Whoever handles events without a store must not have a task for each of them until it is back.
                if !self.is_won {
                    self.debt = Debt::Nothing;
                }
            }
            Err(error) => {
                crate::trace::event!(ERROR, %error, "a store refused to be told how an event ended");
                self.debt = Debt::Nothing;
            }
            Ok(()) => self.debt = Debt::Nothing,
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.debt == Debt::Nothing || self.replay().is_none() {
            return;
        }
        let (known, fence, debt) = (self.known, self.fence, self.debt);
        let paying = match pay(&self.shared, known, fence, debt).try_ready() {
            Ok(Ok(())) => return,
            Ok(Err(_)) => None,
            Err(paying) => Some(paying),
        };
        // Outside of a runtime the lease ends it.
        if let Ok(runtime) = Handle::try_current() {
            let shared = Arc::clone(&self.shared);
            runtime.spawn(persist(shared, known, fence, debt, paying));
        }
    }
}

/// Tries until the store has said something, for as long as the lease may last.
async fn persist(
    shared: Arc<Shared>,
    known: Known,
    fence: Fence,
    debt: Debt,
    mut paying: Option<StoreFuture<Result<(), StoreError>>>,
) {
    let lease = shared.policy.lease;
    let tries = lease.as_millis() / PAUSE.as_millis() + 1;
    for _ in 0..tries {
        let paid = match paying.take() {
            Some(paying) => paying,
            None => {
                sleep(PAUSE).await;
                pay(&shared, known, fence, debt)
            }
        };
        match paid.await {
            Err(error) if error.is_outage() => {}
            _ => return,
        }
    }
    crate::trace::event!(ERROR, "an event was left in flight: the store stayed away");
}

fn pay(
    shared: &Arc<Shared>,
    known: Known,
    fence: Fence,
    debt: Debt,
) -> StoreFuture<Result<(), StoreError>> {
    match debt {
        Debt::Nothing => StoreFuture::ready(Ok(())),
        Debt::Release => {
            let release = Release::new(known.event, fence);
            start(shared, move |replay| replay.store.release(release))
        }
        Debt::Commit => {
            let commit = Commit::new(known.event, fence, known.keep);
            match start(shared, move |replay| replay.store.commit(commit)).try_ready() {
                Ok(committed) => StoreFuture::ready(committed.map(told)),
                Err(waiting) => StoreFuture::new(async move { waiting.await.map(told) }),
            }
        }
    }
}

fn told(committed: Committed) {
    if committed == Committed::Lost {
        crate::trace::event!(WARN, "an event outlived its lease, and was handled by another too");
    }
}

/// Asks the store through its guard, and without a box if it answers at once.
fn start<T: Send + 'static>(
    shared: &Arc<Shared>,
    operation: impl Fn(&Replay) -> StoreFuture<Result<T, StoreError>> + Send + Sync + 'static,
) -> StoreFuture<Result<T, StoreError>> {
    let Some(replay) = &shared.replay else {
        return StoreFuture::ready(Err(StoreError::new(StoreErrorKind::NotAsked)));
    };
    let waiting = match replay.guard.start(|| operation(replay)) {
        Started::Done(result) => return StoreFuture::ready(result),
        Started::Waiting(waiting) => Some(waiting),
        _ => None,
    };
    let shared = Arc::clone(shared);
    StoreFuture::new(async move {
        let Some(replay) = &shared.replay else {
            return Err(StoreError::new(StoreErrorKind::NotAsked));
        };
        match waiting {
            Some(waiting) => replay.guard.wait(waiting).await,
            None => replay.guard.run(|| operation(replay)).await,
        }
    })
}
