use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use super::Stage;
use super::caught::caught;
use super::task::Task;
use crate::shared::Shared;
use crate::store::{Claim, Claimed, LeaseToken};

/// Between two claims, when the outbox does not answer, or says that something is due and gives nothing out.
const SHORTEST: Duration = Duration::from_millis(5);
const AFTER_OUTAGE: Duration = Duration::from_millis(200);

/// Leases at once. More would be work for others that waits here.
const BATCH: usize = 64;

/// Claims what is due, as much of it as there is room for, until the end.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut stages: watch::Receiver<Stage>,
    interrupted: Arc<AtomicUsize>,
) {
    // Dropped with this future, and its attempts with it.
    let mut attempts = JoinSet::new();
    let mut token = LeaseToken::random();
    while *stages.borrow() == Stage::Running {
        while let Some(ended) = attempts.try_join_next() {
            look_at(&ended);
        }
        let room = shared.settings.concurrency.saturating_sub(attempts.len()).min(BATCH);
        let mut pause = shared.settings.poll_every;
        if room > 0 {
            let claimed = claim(&shared, room, token).await;
            if claimed.is_some() {
                token = LeaseToken::random();
            }
            pause = pause_after(&claimed, pause);
            for leased in claimed.map(|claimed| claimed.leased).unwrap_or_default() {
                let task = Task::new(&shared, leased, stages.clone(), &interrupted);
                attempts.spawn(task.run());
            }
        }
        tokio::select! {
            _ = stages.changed() => {}
            Some(ended) = attempts.join_next(), if !attempts.is_empty() => look_at(&ended),
            () = shared.wake.notified() => {}
            () = sleep(pause) => {}
        }
    }
    while let Some(ended) = attempts.join_next().await {
        look_at(&ended);
    }
}

/// Of one that panicked nothing else is heard until its lease runs out.
fn look_at(ended: &Result<(), JoinError>) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        crate::trace::event!(ERROR, "an attempt panicked");
    }
}

/// `None` if nothing was answered. The next claim is then the same one again, so that what it may have leased is not left
/// to lie until the lease runs out.
async fn claim(shared: &Shared, max: usize, token: LeaseToken) -> Option<Claimed> {
    let settings = &shared.settings;
    let claim = Claim::new(token, max, settings.lease, settings.per_endpoint);
    match caught(shared.guard.run(|| shared.outbox.claim(claim))).await {
        Some(Ok(claimed)) => Some(claimed),
        None => {
            // It may be one message, or one moment, that it cannot bear.
            crate::trace::event!(ERROR, "the outbox panicked");
            None
        }
        Some(Err(error)) => {
            crate::trace::event!(WARN, "could not claim", error = error.to_string());
            None
        }
    }
}

fn pause_after(claimed: &Option<Claimed>, poll_every: Duration) -> Duration {
    match claimed {
        None => AFTER_OUTAGE.min(poll_every),
        Some(claimed) => {
            claimed.next.unwrap_or(poll_every).clamp(SHORTEST, poll_every.max(SHORTEST))
        }
    }
}
