//! Those who do the work, beside the requests. Each has one job at a time.

mod lease;
mod run;

use std::sync::Arc;
use std::time::Duration;

use stonework_sse::Hub;
use stonework_webhook_delivery::Delivery;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::store::JobStore;

/// How often a worker without a job looks for what other processes have let go of.
const LOOKS_EVERY: Duration = Duration::from_millis(500);

/// How far the end of the process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Working,
    /// Nothing more is begun.
    Leaving,
    /// What was begun is put back.
    Left,
}

/// What a worker works with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) jobs: Arc<dyn JobStore>,
    pub(crate) hub: Hub,
    pub(crate) delivery: Delivery,
    /// Woken when there is something in line.
    pub(crate) wake: Arc<Notify>,
    /// A part of the time that a lease lasts.
    pub(crate) renew_every: Duration,
}

/// Workers that run until they are [drained](Self::drain).
pub(crate) struct Workers {
    stage: watch::Sender<Stage>,
    workers: JoinSet<()>,
}

impl Workers {
    /// So many, and so many images are in memory and on processors at once.
    pub(crate) fn start(count: usize, tools: &Tools) -> Self {
        let (stage, _) = watch::channel(Stage::Working);
        let worker = |_| Worker { tools: tools.clone(), stage: stage.subscribe() }.work();
        let workers = (0..count).map(worker).collect();
        Self { stage, workers }
    }

    /// From now on no job is begun.
    pub(crate) fn leave(&self) {
        self.stage.send_replace(Stage::Leaving);
    }

    /// Waits for the jobs that are under way, for `deadline` at most; those that have not ended by then are put back,
    /// for another process or the next one.
    pub(crate) async fn drain(mut self, deadline: Duration) {
        self.leave();
        if timeout(deadline, self.ended()).await.is_err() {
            self.stage.send_replace(Stage::Left);
            self.ended().await;
        }
    }

    async fn ended(&mut self) {
        while self.workers.join_next().await.is_some() {}
    }
}

struct Worker {
    tools: Tools,
    stage: watch::Receiver<Stage>,
}

impl Worker {
    async fn work(mut self) {
        // A token that has got no job is used again: should a claim have taken one, and its reply be lost, it gets that.
        let mut token = Uuid::new_v4();
        while *self.stage.borrow_and_update() == Stage::Working {
            match self.tools.jobs.claim(token).await {
                Ok(Some(claimed)) => {
                    self.run(claimed, token).await;
                    token = Uuid::new_v4();
                }
                Ok(None) => self.rest().await,
                Err(error) => {
                    eprintln!("jobs: no job can be claimed: {error}");
                    self.rest().await;
                }
            }
        }
    }

    async fn rest(&mut self) {
        tokio::select! {
            () = self.tools.wake.notified() => {}
            () = sleep(LOOKS_EVERY) => {}
            _ = self.stage.changed() => {}
        }
    }
}
