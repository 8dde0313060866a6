//! Stores that break one clause of the contract each.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::time::Duration;

use stonework_webhook_sign::store::{
    Claim, Claimed, Commit, Committed, Fence, MemoryStore, Release, ReplayStore, StoreError,
    StoreFuture,
};

#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Looks and writes in two steps.
    LooksThenWrites,
    /// Everybody wins.
    KeepsNothing,
    /// Who asks again is told that it is in flight.
    ForgetsTheWinner,
    /// Leases never run out.
    LeasesLastForever,
    /// Anybody may commit.
    CommitsForStrangers,
    /// A commit without a record is dropped.
    DropsLateCommits,
    /// A release removes what is done.
    ReleasesWhatIsDone,
    /// Anybody may release.
    ReleasesForStrangers,
    /// A release does nothing.
    ReleasesNothing,
    /// What is done is done for ever.
    RemembersForever,
}

impl Fault {
    pub const ALL: [Self; 10] = [
        Self::LooksThenWrites,
        Self::KeepsNothing,
        Self::ForgetsTheWinner,
        Self::LeasesLastForever,
        Self::CommitsForStrangers,
        Self::DropsLateCommits,
        Self::ReleasesWhatIsDone,
        Self::ReleasesForStrangers,
        Self::ReleasesNothing,
        Self::RemembersForever,
    ];
}

/// A store in memory with one fault.
pub struct Broken {
    store: MemoryStore,
    naive: std::sync::Mutex<std::collections::HashMap<[u8; 32], (Fence, bool)>>,
    forgotten: std::sync::Mutex<std::collections::HashSet<[u8; 32]>>,
    fault: Fault,
}

const FOREVER: Duration = Duration::from_secs(1 << 40);

impl Broken {
    pub fn new(fault: Fault) -> Self {
        let (naive, forgotten) = Default::default();
        Self { store: MemoryStore::new(), naive, forgotten, fault }
    }
}

impl ReplayStore for Broken {
    fn claim(&self, mut claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        match self.fault {
            Fault::KeepsNothing => return StoreFuture::ready(Ok(Claimed::Won)),
            Fault::LooksThenWrites => {
                // Another may look before this one writes.
                let (store, looks) = (self.store.clone(), self.store.claim(claim));
                return StoreFuture::new(async move {
                    let seen = looks.await?;
                    if seen == Claimed::Won {
                        store.release(Release::new(claim.event, claim.fence)).await?;
                        tokio::task::yield_now().await;
                        store.claim(claim).await?;
                    }
                    Ok(seen)
                });
            }
            _ if self.forgotten.lock().unwrap().remove(claim.event.as_bytes()) => {
                return StoreFuture::ready(Ok(Claimed::Won));
            }
            Fault::ForgetsTheWinner => claim.fence = Fence::random(),
            Fault::LeasesLastForever => claim.lease = FOREVER,
            _ => {}
        }
        let claimed = self.store.claim(claim).try_ready().unwrap();
        if matches!(claimed, Ok(Claimed::Won)) {
            let mut naive = self.naive.lock().unwrap();
            naive.insert(*claim.event.as_bytes(), (claim.fence, false));
        }
        StoreFuture::ready(claimed)
    }

    fn commit(&self, mut commit: Commit) -> StoreFuture<Result<Committed, StoreError>> {
        let mut naive = self.naive.lock().unwrap();
        let owner = naive.get(commit.event.as_bytes()).copied();
        match (self.fault, owner) {
            (Fault::CommitsForStrangers, Some((owner, false))) => commit.fence = owner,
            (Fault::DropsLateCommits, None) => {
                return StoreFuture::ready(Ok(Committed::Stored));
            }
            (Fault::RemembersForever, _) => commit.keep = FOREVER,
            _ => {}
        }
        if let Some((_, is_done)) = naive.get_mut(commit.event.as_bytes()) {
            *is_done = true;
        }
        self.store.commit(commit)
    }

    fn release(&self, mut release: Release) -> StoreFuture<Result<(), StoreError>> {
        let owner = self.naive.lock().unwrap().get(release.event.as_bytes()).copied();
        match (self.fault, owner) {
            (Fault::ReleasesNothing, _) => return StoreFuture::ready(Ok(())),
            (Fault::ReleasesForStrangers, Some((owner, false))) => release.fence = owner,
            (Fault::ReleasesWhatIsDone, Some((_, true))) => {
                // As if it had never been: a store that compares the key and nothing else.
                self.forgotten.lock().unwrap().insert(*release.event.as_bytes());
            }
            _ => {}
        }
        self.store.release(release)
    }
}
