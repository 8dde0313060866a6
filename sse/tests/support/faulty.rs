//! Logs in memory that fail, take their time, or keep silent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stonework_core::{StoreError, StoreErrorKind, StoreFuture};
use stonework_sse::Position;
use stonework_sse::store::{
    Announcements, Announcer, Append, EventLog, Head, Listen, MemoryLog, Read, ReadAfter,
};

/// What is wrong with it now.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Nothing is answered but that it cannot be.
    pub(crate) fails: bool,
    /// The same, of reading only.
    pub(crate) reads_fail: bool,
    /// And of listening.
    pub(crate) listens_fail: bool,
    /// How long an answer takes.
    pub(crate) takes: Duration,
    /// Whoever reads is told that there is nothing more, as by a replica that lags.
    pub(crate) lags: bool,
    /// Whoever listens from now on is told nothing.
    pub(crate) is_mute: bool,
}

/// Clones are the same logs.
#[derive(Clone, Default)]
pub(crate) struct Faulty {
    pub(crate) log: MemoryLog,
    faults: Arc<Mutex<Faults>>,
    mute: Arc<Mutex<Vec<Announcer>>>,
}

impl Faulty {
    pub(crate) fn set(&self, faults: Faults) {
        *self.faults.lock().unwrap() = faults;
    }

    fn faults(&self) -> Faults {
        *self.faults.lock().unwrap()
    }

    fn answer<T: Send + 'static>(
        &self,
        fails: bool,
        done: StoreFuture<Result<T, StoreError>>,
    ) -> StoreFuture<Result<T, StoreError>> {
        let Faults { takes, .. } = self.faults();
        if fails {
            let error = StoreError::new(StoreErrorKind::Unavailable).with_source("a secret");
            return StoreFuture::ready(Err(error));
        }
        if takes.is_zero() {
            return done;
        }
        StoreFuture::new(async move {
            tokio::time::sleep(takes).await;
            done.await
        })
    }
}

impl EventLog for Faulty {
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>> {
        self.answer(self.faults().fails, self.log.append(append))
    }

    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>> {
        let Faults { fails, reads_fail, lags, .. } = self.faults();
        if lags {
            return StoreFuture::ready(Ok(Read::Events(Vec::new())));
        }
        self.answer(fails || reads_fail, self.log.read_after(read))
    }

    fn head(&self, head: Head<'_>) -> StoreFuture<Result<Position, StoreError>> {
        self.answer(self.faults().fails, self.log.head(head))
    }

    fn announcements(&self, listen: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>> {
        let Faults { fails, listens_fail, is_mute, .. } = self.faults();
        if is_mute {
            let (announcer, announcements) = Announcements::channel(1);
            self.mute.lock().unwrap().push(announcer);
            return StoreFuture::ready(Ok(announcements));
        }
        self.answer(fails || listens_fail, self.log.announcements(listen))
    }
}
