use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;
use tokio::time::sleep;

use super::Stage;
use super::attempt::{Outcome, attempt};
use super::settle::{settle, settle_not_found, settle_untried};
use crate::shared::Shared;
use crate::store::{Extend, Held, Leased};
use crate::{Attempt, Fault};

/// One message that is leased.
pub(super) struct Task {
    shared: Arc<Shared>,
    leased: Leased,
    stages: watch::Receiver<Stage>,
    interrupted: Arc<AtomicUsize>,
}

impl Task {
    pub(super) fn new(
        shared: &Arc<Shared>,
        leased: Leased,
        stages: watch::Receiver<Stage>,
        interrupted: &Arc<AtomicUsize>,
    ) -> Self {
        let (shared, interrupted) = (Arc::clone(shared), Arc::clone(interrupted));
        Self { shared, leased, stages, interrupted }
    }

    pub(super) async fn run(mut self) {
        if *self.stages.borrow() != Stage::Running {
            return settle_untried(&self.shared, &self.leased).await;
        }
        let began = self.shared.clock.unix();
        let outcome = tokio::select! {
            biased;
            outcome = attempt(&self.shared, &self.leased) => outcome,
            // Somebody else has it now; what this one would say counts no more.
            () = lost(&self.shared, &self.leased) => return,
            () = cut(&mut self.stages) => {
                self.interrupted.fetch_add(1, Ordering::AcqRel);
                Outcome::Interrupted(Attempt::new(began).failed(Fault::Interrupted))
            }
        };
        match outcome {
            Outcome::NotFound => settle_not_found(&self.shared, &self.leased).await,
            outcome => settle(&self.shared, &self.leased, outcome).await,
        }
    }
}

/// Renews the lease at each third of it; ready when it is lost.
fn lost<'a>(shared: &'a Shared, leased: &'a Leased) -> impl Future<Output = ()> + 'a {
    let lease = shared.settings.lease;
    async move {
        loop {
            sleep(lease / 3).await;
            let extend = Extend::new(leased.lease.clone(), lease);
            match shared.guard.run(|| shared.outbox.extend(extend)).await {
                Ok(Held::Held) => {}
                Ok(Held::Lost) => {
                    let id = leased.lease.id.to_string();
                    crate::trace::event!(WARN, "a lease was lost", id = id);
                    return;
                }
                Err(error) => {
                    crate::trace::event!(WARN, "could not extend", error = error.to_string());
                }
            }
        }
    }
}

/// Ready when what is under way is to be broken off.
async fn cut(stages: &mut watch::Receiver<Stage>) {
    if stages.wait_for(|stage| *stage == Stage::Cut).await.is_err() {
        // The workers were dropped, and this task is about to be.
        std::future::pending::<()>().await;
    }
}
