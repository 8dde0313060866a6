use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

pin_project! {
    /// Resolves a while after it was first polled. Feature `tokio`.
    ///
    /// Its timer is set up then, so that what never has to wait never needs one: a body that is there is
    /// read by [`collect_capped`](crate::collect_capped) without it.
    #[must_use = "futures do nothing unless polled"]
    pub struct Deadline {
        after: Duration,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Deadline {
    /// So long after it is first polled. Within a tokio runtime.
    pub const fn after(after: Duration) -> Self {
        Self { after, sleep: None }
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.sleep.is_none() {
            this.sleep.set(Some(sleep(*this.after)));
        }
        this.sleep.as_pin_mut().map_or(Poll::Ready(()), |sleep| sleep.poll(cx))
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline").field("after", &self.after).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_resolves_a_while_after_it_was_first_polled() {
        let mut deadline = std::pin::pin!(Deadline::after(Duration::from_secs(2)));
        tokio::time::advance(Duration::from_secs(5)).await;
        let clock = crate::TokioClock::new();
        let started = crate::Clock::monotonic(&clock);
        deadline.as_mut().await;
        assert_eq!(crate::Clock::monotonic(&clock) - started, Duration::from_secs(2));
    }
}
