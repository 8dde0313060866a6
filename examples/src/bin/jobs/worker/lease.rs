//! Keeping a job for as long as it takes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::job::Job;
use crate::store::{self, JobStore};

/// A job of this worker.
#[derive(Clone)]
pub(super) struct Lease {
    pub(super) jobs: Arc<dyn JobStore>,
    pub(super) of: store::Lease,
    pub(super) renew_every: Duration,
}

/// Somebody else has it, or it was cancelled: nothing that is done for it counts any more.
#[derive(Debug)]
pub(super) struct Lost;

impl Lease {
    /// Does something to its end, and renews the lease meanwhile.
    ///
    /// To its end even if the lease is lost: what a thread has begun cannot be taken from it.
    pub(super) async fn keep_while<T>(&self, work: impl Future<Output = T>) -> Result<T, Lost> {
        let mut work = pin!(work);
        let mut held = Ok(());
        loop {
            tokio::select! {
                biased;
                done = &mut work => return held.map(|()| done),
                () = sleep(self.renew_every) => {
                    if held.is_ok() {
                        held = self.report(None).await.map(drop);
                    }
                }
            }
        }
    }

    /// Says how far it is, if that is news. Nothing if nobody can be told now: then it goes on, and the end of it will
    /// count if nobody else has begun by then.
    pub(super) async fn report(&self, progress: Option<u8>) -> Result<Option<Job>, Lost> {
        match self.jobs.report(self.of, progress).await {
            Ok(Some(job)) => Ok(Some(job)),
            Ok(None) => Err(Lost),
            Err(_) => Ok(None),
        }
    }
}
