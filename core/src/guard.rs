use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::{Admission, Breaker, Clock, StoreError, StoreErrorKind, StoreFuture};

/// The pause between probes of a store that is away. Short, so that a store which is back is
/// noticed within half a second.
const COOL_DOWN: Duration = Duration::from_millis(200);

/// A timeout and a [`Breaker`] around the operations of a store.
#[derive(Debug)]
pub struct StoreGuard {
    breaker: Breaker,
    probes: AtomicUsize,
    probed: Notify,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl StoreGuard {
    /// Operations that take longer than `timeout` fail with [`StoreErrorKind::TimedOut`].
    pub fn new(timeout: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            breaker: Breaker::new(COOL_DOWN, timeout.saturating_mul(2)),
            probes: AtomicUsize::new(0),
            probed: Notify::new(),
            clock,
            timeout,
        }
    }

    /// Runs one operation. `operation` is called only if the breaker admits it, so a refusal has
    /// no effect on the store. Who comes while another is probing waits for how that ends, for
    /// `timeout` at most: the first ones after an outage shall all be served.
    ///
    /// # Errors
    ///
    /// What the store says; [`StoreErrorKind::TimedOut`] when it says nothing in time;
    /// [`StoreErrorKind::NotAsked`] when the breaker is open.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the operation's effect unknown. A probe that is dropped counts as
    /// failed: the next one may go after the cool-down.
    pub async fn run<T>(
        &self,
        operation: impl FnOnce() -> StoreFuture<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        // The clock is read only when it matters.
        if self.breaker.is_closed() {
            return self.ask(operation).await;
        }
        match Box::pin(self.admit()).await {
            Admission::Call => self.ask(operation).await,
            Admission::Probe => {
                let mut probe = Probe::begin(self);
                let result = self.ask(operation).await;
                probe.is_answered = true;
                result
            }
            Admission::Refused => Err(StoreError::new(StoreErrorKind::NotAsked)),
        }
    }

    async fn admit(&self) -> Admission {
        let admission = self.breaker.admit(self.clock.monotonic());
        if admission != Admission::Refused {
            return admission;
        }
        let probed = self.probed.notified();
        if self.probes.load(Ordering::Acquire) == 0 {
            return Admission::Refused;
        }
        // Too late or not, the breaker knows.
        drop(tokio::time::timeout(self.timeout, probed).await);
        self.breaker.admit(self.clock.monotonic())
    }

    /// Starts one operation without waiting, unless the breaker is open: for a caller that would
    /// have to set a task up in order to wait.
    #[inline]
    pub fn start<T>(
        &self,
        operation: impl FnOnce() -> StoreFuture<Result<T, StoreError>>,
    ) -> Started<T> {
        if !self.is_closed() {
            return Started::NotAsked;
        }
        match operation().try_ready() {
            Ok(result) => Started::Done(self.heard(result)),
            Err(waiting) => Started::Waiting(waiting),
        }
    }

    /// Is the breaker closed? Then [`start`](Self::start) asks the store.
    ///
    /// With [`hear`](Self::hear) this is `start`, taken apart, so that an answer can be looked at
    /// where it is: one that was just written piece by piece is slow to copy as a whole.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.breaker.is_closed()
    }

    /// Takes note of an answer that was there at once.
    #[inline]
    pub fn hear<T>(&self, answer: &Result<T, StoreError>) {
        match answer {
            Err(error) if error.is_outage() => self.breaker.failed(self.clock.monotonic()),
            _ => self.breaker.succeeded(),
        }
    }

    /// Waits for an operation that was [started](Self::start).
    ///
    /// # Errors
    ///
    /// What the store says; [`StoreErrorKind::TimedOut`] when it says nothing in time.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the operation's effect unknown.
    pub async fn wait<T>(
        &self,
        waiting: StoreFuture<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        // Apart, since a timer is large, and a store that answers at once never needs it.
        let result = Box::pin(tokio::time::timeout(self.timeout, waiting)).await;
        self.heard(result.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::TimedOut))))
    }

    async fn ask<T>(
        &self,
        operation: impl FnOnce() -> StoreFuture<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match operation().try_ready() {
            Ok(result) => self.heard(result),
            Err(waiting) => self.wait(waiting).await,
        }
    }

    fn heard<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.hear(&result);
        result
    }
}

/// What became of an operation that was [started](StoreGuard::start).
#[derive(Debug)]
#[non_exhaustive]
pub enum Started<T> {
    /// The store has answered.
    Done(Result<T, StoreError>),
    /// The store has still to answer: pass this to [`StoreGuard::wait`].
    Waiting(StoreFuture<Result<T, StoreError>>),
    /// The breaker is open, and the store was not asked. [`StoreGuard::run`] may still probe it.
    NotAsked,
}

/// Counts as a probe until it is dropped, with an outcome or without.
struct Probe<'a> {
    guard: &'a StoreGuard,
    is_answered: bool,
}

impl<'a> Probe<'a> {
    fn begin(guard: &'a StoreGuard) -> Self {
        guard.probes.fetch_add(1, Ordering::AcqRel);
        Self { guard, is_answered: false }
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        let guard = self.guard;
        // Else a client that goes away would keep all others waiting for the next probe.
        if !self.is_answered {
            guard.breaker.failed(guard.clock.monotonic());
        }
        guard.probes.fetch_sub(1, Ordering::AcqRel);
        guard.probed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokioClock;
    use std::future::pending;

    fn guard() -> StoreGuard {
        StoreGuard::new(Duration::from_millis(500), Arc::new(TokioClock::new()))
    }

    fn silent() -> StoreFuture<Result<(), StoreError>> {
        StoreFuture::new(pending())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_times_out_and_then_nobody_asks() {
        let guard = guard();
        for _ in 0..Breaker::THRESHOLD {
            let error = guard.run(silent).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::TimedOut);
        }
        let never =
            || -> StoreFuture<Result<(), StoreError>> { unreachable!("the breaker is open") };
        assert_eq!(guard.run(never).await.unwrap_err().kind(), StoreErrorKind::NotAsked);
        tokio::time::advance(COOL_DOWN).await;
        assert_eq!(guard.run(|| StoreFuture::ready(Ok(7))).await.unwrap(), 7);
        assert_eq!(guard.run(|| StoreFuture::ready(Ok(8))).await.unwrap(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_says_no_is_no_outage() {
        let guard = guard();
        for _ in 0..=Breaker::THRESHOLD {
            let no = || StoreFuture::ready(Err::<(), _>(StoreError::new(StoreErrorKind::Refused)));
            assert_eq!(guard.run(no).await.unwrap_err().kind(), StoreErrorKind::Refused);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_beside_a_probe_is_served_if_the_store_is_back() {
        let guard = Arc::new(guard());
        for _ in 0..Breaker::THRESHOLD {
            drop(guard.run(silent).await);
        }
        tokio::time::advance(COOL_DOWN).await;
        let slow = || {
            StoreFuture::new(async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok(())
            })
        };
        let probing = tokio::spawn({
            let guard = Arc::clone(&guard);
            async move { guard.run(slow).await }
        });
        tokio::task::yield_now().await;
        assert!(guard.run(slow).await.is_ok());
        assert!(probing.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_dropped_leaves_nobody_waiting() {
        let guard = guard();
        for _ in 0..Breaker::THRESHOLD {
            drop(guard.run(silent).await);
        }
        tokio::time::advance(COOL_DOWN).await;
        drop(tokio::time::timeout(Duration::from_millis(1), guard.run(silent)).await);
        let error = guard.run(silent).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::NotAsked);
        tokio::time::advance(COOL_DOWN).await;
        assert_eq!(guard.run(|| StoreFuture::ready(Ok(7))).await.unwrap(), 7, "others may probe");
    }
}
