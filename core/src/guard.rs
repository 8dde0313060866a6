use std::sync::Arc;
use std::time::Duration;

use crate::{Admission, Breaker, Clock, StoreError, StoreErrorKind, StoreFuture};

/// The pause between probes of a store that is away. Short, so that a store which is back is
/// noticed within half a second.
const COOL_DOWN: Duration = Duration::from_millis(200);

/// A timeout and a [`Breaker`] around the operations of a store.
#[derive(Debug)]
pub struct StoreGuard {
    breaker: Breaker,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl StoreGuard {
    /// Operations that take longer than `timeout` fail with [`StoreErrorKind::TimedOut`].
    pub fn new(timeout: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            breaker: Breaker::new(COOL_DOWN, timeout.saturating_mul(2)),
            clock,
            timeout,
        }
    }

    /// Runs one operation. `operation` is called only if the breaker admits it, so a refusal has
    /// no effect on the store.
    ///
    /// # Errors
    ///
    /// What the store says; [`StoreErrorKind::TimedOut`] when it says nothing in time;
    /// [`StoreErrorKind::NotAsked`] when the breaker is open.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the operation's effect unknown.
    pub async fn run<T>(
        &self,
        operation: impl FnOnce() -> StoreFuture<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if !self.admits() {
            return Err(StoreError::new(StoreErrorKind::NotAsked));
        }
        let result = match operation().try_ready() {
            Ok(result) => result,
            Err(waiting) => self.within_timeout(waiting).await,
        };
        match &result {
            Err(error) if error.is_outage() => self.breaker.failed(self.clock.monotonic()),
            _ => self.breaker.succeeded(),
        }
        result
    }

    fn admits(&self) -> bool {
        // The clock is read only when it matters.
        self.breaker.is_closed() || self.breaker.admit(self.clock.monotonic()) != Admission::Refused
    }

    async fn within_timeout<T>(
        &self,
        waiting: StoreFuture<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        tokio::time::timeout(self.timeout, waiting)
            .await
            .unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::TimedOut)))
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
        assert_eq!(
            guard.run(never).await.unwrap_err().kind(),
            StoreErrorKind::NotAsked
        );
        tokio::time::advance(COOL_DOWN).await;
        assert_eq!(guard.run(|| StoreFuture::ready(Ok(7))).await.unwrap(), 7);
        assert_eq!(guard.run(|| StoreFuture::ready(Ok(8))).await.unwrap(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_says_no_is_no_outage() {
        let guard = guard();
        for _ in 0..=Breaker::THRESHOLD {
            let no = || StoreFuture::ready(Err::<(), _>(StoreError::new(StoreErrorKind::Refused)));
            assert_eq!(
                guard.run(no).await.unwrap_err().kind(),
                StoreErrorKind::Refused
            );
        }
    }
}
