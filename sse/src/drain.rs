use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pin_project_lite::pin_project;
use stonework_core::{Clock, TokioClock};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Sleep, sleep};

use crate::jitter::within;

/// Ends streams when the process is to end: without it, a server that shuts down gracefully waits for streams that have
/// no end. Clones are the same one.
///
/// Whoever is told to go is told after which time to come back, each another. Whoever comes meanwhile is turned away
/// in the same way. [`SseLayer::drained`](crate::SseLayer::drained) waits until all have gone.
///
/// ```
/// use std::time::Duration;
///
/// use stonework_sse::{Drain, SseLayer};
///
/// let drain = Drain::new();
/// let layer = SseLayer::builder().drain(&drain).build()?;
/// // When the process is told to end, and before the server is:
/// drain.now(Duration::from_secs(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Drain(Arc<Inner>);

#[derive(Default)]
struct Inner {
    how: OnceLock<Begun>,
    begun: Arc<Notify>,
}

/// How, and since when: some are looked at later.
#[derive(Clone, Copy)]
struct Begun {
    how: How,
    clock: TokioClock,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Now { spread: Duration },
    At { deadline: Duration },
}

impl Drain {
    /// One that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all streams, each at its own time within `spread` from now. Only the first call counts.
    pub fn now(&self, spread: Duration) {
        self.begin(How::Now { spread });
    }

    /// Lets streams come to an end by themselves, and ends those that have not after this time: for streams that cannot
    /// be gone on with, such as an answer that is written word by word. Only the first call counts.
    pub fn finish_streams(&self, deadline: Duration) {
        self.begin(How::At { deadline });
    }

    /// Has it begun?
    pub fn has_begun(&self) -> bool {
        self.0.how.get().is_some()
    }

    fn begin(&self, how: How) {
        if self.0.how.set(Begun { how, clock: TokioClock::new() }).is_ok() {
            self.0.begun.notify_waiters();
        }
    }

    /// Ready when this stream is to end.
    pub(crate) fn watch(&self) -> Draining {
        let begun = Arc::clone(&self.0.begun).notified_owned();
        Draining { drain: self.clone(), begun, woken: None, timer: None }
    }
}

impl Begun {
    /// How long one may go on from now.
    fn left(self) -> Duration {
        let time = match self.how {
            How::Now { spread } => within(spread),
            How::At { deadline } => deadline,
        };
        time.saturating_sub(self.clock.monotonic())
    }
}

pin_project! {
    pub(crate) struct Draining {
        drain: Drain,
        #[pin]
        begun: OwnedNotified,
        // Who is woken when it begins.
        woken: Option<Waker>,
        // In a box: it is there for as long as it takes to end, and its room would be there for each stream.
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl Future for Draining {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.timer.is_none() {
            // It listens before it looks. That takes a lock, and a stream does so for each event.
            if !this.woken.as_ref().is_some_and(|woken| woken.will_wake(cx.waker())) {
                let _ = this.begun.poll(cx);
                *this.woken = Some(cx.waker().clone());
            }
            let Some(begun) = this.drain.0.how.get() else { return Poll::Pending };
            *this.timer = Some(Box::pin(sleep(begun.left())));
        }
        this.timer.as_mut().map_or(Poll::Ready(()), |timer| timer.as_mut().poll(cx))
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = self.0.how.get().map(|begun| begun.how);
        f.debug_struct("Drain").field("how", &how).finish()
    }
}
