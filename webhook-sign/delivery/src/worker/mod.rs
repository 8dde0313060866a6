//! What is done with messages that are due.

mod attempt;
mod caught;
mod run;
mod settle;
mod task;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::shared::Shared;

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Nothing more is begun.
    Draining,
    /// What was begun is broken off.
    Cut,
}

/// Workers that run until this is dropped, or [drained](Self::drain).
#[must_use = "workers stop when this is dropped"]
pub struct Workers {
    stage: watch::Sender<Stage>,
    interrupted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
    patience: Duration,
}

/// What became of the attempts that were under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Attempts that were broken off. Their messages are queued again, and whether they arrived is unknown.
    pub interrupted: usize,
}

impl Workers {
    pub(crate) fn start(shared: Arc<Shared>) -> Self {
        let (stage, stages) = watch::channel(Stage::Running);
        let interrupted = Arc::new(AtomicUsize::new(0));
        // For breaking off, and telling the outbox.
        let patience = shared.settings.store_timeout.saturating_mul(3);
        let task = tokio::spawn(run::run(shared, stages, Arc::clone(&interrupted)));
        Self { stage, interrupted, task, patience }
    }

    /// Begins nothing more, waits until the attempts that are under way have ended, for `deadline` at most, and breaks off
    /// those that have not. Their messages are queued again at once, for other processes or the next one. That counts
    /// neither against their endpoints nor in their schedules, five times for each message.
    pub async fn drain(mut self, deadline: Duration) -> Drained {
        self.stage.send_replace(Stage::Draining);
        if timeout(deadline, &mut self.task).await.is_err() {
            self.stage.send_replace(Stage::Cut);
            // Who is not done by then is stopped, and its lease runs out.
            drop(timeout(self.patience, &mut self.task).await);
        }
        Drained { interrupted: self.interrupted.load(Ordering::Acquire) }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("stage", &*self.stage.borrow()).finish_non_exhaustive()
    }
}
