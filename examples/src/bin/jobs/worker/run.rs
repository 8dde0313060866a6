//! One job, from its claim to its last word.

use std::error::Error;
use std::time::Duration;

use axum::body::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use uuid::Uuid;

use super::lease::{Lease, Lost};
use super::{Stage, Worker};
use crate::job::{Fault, Job, Outcome};
use crate::picture::{Step, Work};
use crate::store::{self, Claimed};
use crate::{events, webhooks};

/// Progress is told in such steps: each is a write, and an event for everybody who reads along.
const PERCENT: u8 = 5;

/// When the outbox or the log is away, and when the store is.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How often the end of a job is written, at most: for longer than most outages last. Then another begins again.
const ATTEMPTS: u32 = 60;

/// Why a worker lets go of a job.
enum Left {
    Lost,
    /// The process ends.
    Leaving,
}

impl From<Lost> for Left {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

impl Worker {
    pub(super) async fn run(&self, claimed: Claimed, token: Uuid) {
        let Claimed { job, image } = claimed;
        let lease = Lease {
            jobs: self.tools.jobs.clone(),
            of: store::Lease { job: job.id, token },
            renew_every: self.tools.renew_every,
        };
        let left = match self.carry_out(&lease, job, image).await {
            Ok(()) => return,
            Err(left) => left,
        };
        if let Left::Leaving = left {
            self.put_back(&lease, Duration::ZERO).await;
        }
    }

    async fn carry_out(&self, lease: &Lease, job: Job, image: Bytes) -> Result<(), Left> {
        let ended = if job.state.is_final() {
            // Whoever ended it did not get to tell of it.
            job
        } else {
            self.tell(&job).await;
            let outcome = self.resize(lease, job, image).await?;
            self.finish(lease, outcome).await?
        };
        match lease.keep_while(self.tell_of_the_end(lease, &ended)).await? {
            Ok(()) => Ok(()),
            Err(error) => {
                eprintln!("jobs: nobody may have been told of {}: {error}", ended.id);
                self.put_back(lease, TRY_AGAIN).await;
                Ok(())
            }
        }
    }

    /// The work itself, on a thread for what blocks: step by step, so that between two of them it can be stopped.
    async fn resize(&self, lease: &Lease, job: Job, image: Bytes) -> Result<Outcome, Left> {
        let pause = Duration::from_millis(job.order.pause_ms.into());
        let mut work = Work::new(image, job.order);
        let mut told = 0;
        loop {
            let step = spawn_blocking(move || work.step());
            work = match lease.keep_while(step).await? {
                Ok(Ok(Step::More(work))) => work,
                Ok(Ok(Step::Done(result))) => return Ok(Outcome::Succeeded(result.into())),
                Ok(Err(fault)) => return Ok(Outcome::Failed(fault)),
                // It panicked: it would again.
                Err(_) => return Ok(Outcome::Failed(Fault::Internal)),
            };
            if work.progress() >= told + PERCENT {
                told = work.progress();
                if let Some(job) = lease.report(Some(told)).await? {
                    self.tell(&job).await;
                }
            }
            sleep(pause).await;
            if *self.stage.borrow() == Stage::Left {
                return Err(Left::Leaving);
            }
        }
    }

    async fn finish(&self, lease: &Lease, outcome: Outcome) -> Result<Job, Left> {
        for _ in 0..ATTEMPTS {
            match lease.jobs.finish(lease.of, outcome.clone()).await {
                Ok(Some(job)) => return Ok(job),
                Ok(None) => return Err(Left::Lost),
                Err(error) => eprintln!("jobs: the end of {} is not kept: {error}", lease.of.job),
            }
            if *self.stage.borrow() == Stage::Left {
                break;
            }
            sleep(TRY_AGAIN).await;
        }
        Err(Left::Leaving)
    }

    /// A hint for those who read along. What is lost of it, the next one says too.
    async fn tell(&self, job: &Job) {
        let _ = events::tell(&self.tools.hub, job).await;
    }

    /// A job has left the line only when everybody was told who is to be. If that is interrupted, whoever comes next
    /// does all of it again: the event and the messages have ids that follow from the job, so nobody is told twice.
    async fn tell_of_the_end(&self, lease: &Lease, job: &Job) -> Result<(), Box<dyn Error + Send>> {
        let tools = &self.tools;
        let event = events::tell(&tools.hub, job).await.map_err(boxed)?;
        webhooks::enqueue(&tools.delivery, &*tools.jobs, job).await.map_err(boxed)?;
        tools.jobs.told(lease.of, event.to_string()).await.map_err(boxed)
    }

    async fn put_back(&self, lease: &Lease, after: Duration) {
        if let Err(error) = lease.jobs.put_back(lease.of, after).await {
            eprintln!("jobs: {} waits until its lease ends: {error}", lease.of.job);
        }
        self.tools.wake.notify_one();
    }
}

fn boxed(error: impl Error + Send + 'static) -> Box<dyn Error + Send> {
    Box::new(error)
}
