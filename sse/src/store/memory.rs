mod ring;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashlink::LruCache;
use stonework_core::{Clock, ConfigError, ConfigErrors, Key, StoreError, StoreFuture, TokioClock};

use super::{Announcements, Append, EventLog, Head, Listen, Read, ReadAfter};
use crate::Position;
use ring::Ring;

/// How far a listener may fall behind before it is told to read.
const ROOM: usize = 64;

/// How often all logs are looked through, at the most.
const SWEEPS: Duration = Duration::from_secs(1);

/// How many logs are looked at for one that nobody listens to.
const CANDIDATES: usize = 8;

/// Logs in the memory of one process. Clones share them.
///
/// Each log keeps its newest events, up to a number, a size and an age. There are so many logs at most; when there is
/// one more, the one that was used longest ago is lost, of those that nobody listens to if there are such. Whoever
/// comes back to it is told of a gap.
///
/// An event that is appended again is known as long as it is kept.
///
/// ```
/// use std::time::Duration;
///
/// use stonework_sse::store::MemoryLog;
///
/// let log = MemoryLog::builder()
///     .max_events(10_000)
///     .max_bytes(4 << 20)
///     .max_age(Duration::from_secs(600))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryLog(Arc<Inner>);

struct Inner {
    logs: Mutex<Logs>,
    limits: Limits,
    max_logs: usize,
    clock: Arc<dyn Clock>,
}

struct Logs {
    by_name: LruCache<Key, Arc<Mutex<Ring>>>,
    /// When all of them were looked through for events that are too old.
    swept: Duration,
}

/// What is kept of a log.
#[derive(Clone, Copy, Debug)]
struct Limits {
    events: usize,
    bytes: usize,
    age: Duration,
}

impl MemoryLog {
    /// With the limits of the [builder](Self::builder).
    pub fn new() -> Self {
        MemoryLogBuilder::default().unchecked()
    }

    /// A builder with 1,000 events, 1 MiB and one hour for each of 10,000 logs.
    pub fn builder() -> MemoryLogBuilder {
        MemoryLogBuilder::default()
    }

    /// Does this with a log, which is made if it is not there.
    fn with<T>(&self, log: &Key, act: impl FnOnce(&mut Ring, Duration) -> T) -> T {
        let now = self.0.clock.monotonic();
        let ring = self.ring(log, now);
        let mut ring = locked(&ring);
        ring.trim(&self.0.limits, now);
        act(&mut ring, now)
    }

    fn ring(&self, log: &Key, now: Duration) -> Arc<Mutex<Ring>> {
        let mut logs = locked(&self.0.logs);
        if now.saturating_sub(logs.swept) >= self.0.limits.age.max(SWEEPS) {
            logs.swept = now;
            let all = logs.by_name.iter().map(|(_, ring)| Arc::clone(ring)).collect();
            drop(logs);
            self.sweep(all, now);
            logs = locked(&self.0.logs);
        }
        let logs = &mut logs.by_name;
        if let Some(ring) = logs.get(log) {
            return Arc::clone(ring);
        }
        if logs.len() >= self.0.max_logs {
            make_room(logs);
        }
        let ring = Arc::new(Mutex::new(Ring::new(fastrand::u32(..))));
        logs.insert(log.clone(), Arc::clone(&ring));
        ring
    }

    /// Logs that nobody uses any more do not trim themselves.
    fn sweep(&self, all: Vec<Arc<Mutex<Ring>>>, now: Duration) {
        for ring in all {
            let mut ring = locked(&ring);
            ring.trim(&self.0.limits, now);
            ring.give_back();
        }
    }
}

fn make_room(logs: &mut LruCache<Key, Arc<Mutex<Ring>>>) {
    for _ in 0..CANDIDATES {
        let Some((log, ring)) = logs.remove_lru() else { return };
        if !locked(&ring).is_heard() {
            return;
        }
        logs.insert(log, ring);
    }
    logs.remove_lru();
}

/// Nothing that is done under a lock leaves it half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EventLog for MemoryLog {
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>> {
        let limits = &self.0.limits;
        StoreFuture::ready(Ok(self.with(append.log, |ring, now| {
            let position = ring.append(&append, now);
            ring.trim(limits, now);
            position
        })))
    }

    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>> {
        StoreFuture::ready(Ok(self.with(read.log, |ring, _| ring.read_after(&read))))
    }

    fn head(&self, head: Head<'_>) -> StoreFuture<Result<Position, StoreError>> {
        StoreFuture::ready(Ok(self.with(head.log, |ring, _| ring.head())))
    }

    fn announcements(&self, listen: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>> {
        let (announcer, announcements) = Announcements::channel(ROOM);
        self.with(listen.log, |ring, _| ring.listen(announcer));
        StoreFuture::ready(Ok(announcements))
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logs = locked(&self.0.logs).by_name.len();
        f.debug_struct("MemoryLog").field("logs", &logs).finish_non_exhaustive()
    }
}

/// Builds a [`MemoryLog`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryLogBuilder {
    limits: Limits,
    max_logs: usize,
    clock: Option<Arc<dyn Clock>>,
}

impl Default for MemoryLogBuilder {
    fn default() -> Self {
        let limits = Limits { events: 1_000, bytes: 1 << 20, age: Duration::from_secs(3_600) };
        Self { limits, max_logs: 10_000, clock: None }
    }
}

impl MemoryLogBuilder {
    /// How many events are kept of a log. Default 1,000.
    pub fn max_events(mut self, events: usize) -> Self {
        self.limits.events = events;
        self
    }

    /// How many bytes of events are kept of a log. Default 1 MiB. An event that is larger by itself is kept until the
    /// next one comes. Beside its bytes an event takes some 250 more.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// How long an event is kept. Default one hour. What a log that nobody uses any more holds is freed within as long
    /// again, as long as other logs are used.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.limits.age = age;
        self
    }

    /// How many logs there are. Default 10,000. Together they hold up to so many times [`max_bytes`](Self::max_bytes),
    /// which by default is 10 GiB: keep the product below what you have.
    pub fn max_logs(mut self, logs: usize) -> Self {
        self.max_logs = logs;
        self
    }

    /// The clock that ages are taken from. Default tokio's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The logs.
    ///
    /// # Errors
    ///
    /// When there would be no room for an event.
    pub fn build(self) -> Result<MemoryLog, ConfigErrors<ConfigError>> {
        let limits = [
            ("max_events", self.limits.events == 0),
            ("max_bytes", self.limits.bytes == 0),
            ("max_age", self.limits.age.is_zero()),
            ("max_logs", self.max_logs == 0),
        ];
        let wrong = limits.iter().filter(|(_, is_zero)| *is_zero);
        let reason = "keeps nothing, so that nobody could come back; use more";
        let errors = wrong.map(|(setting, _)| ConfigError::new(setting, 0, reason)).collect();
        ConfigErrors::check(errors, Ok(())).map(|()| self.unchecked())
    }

    fn unchecked(self) -> MemoryLog {
        let Self { limits, max_logs, clock } = self;
        let clock = clock.unwrap_or_else(|| Arc::new(TokioClock::new()));
        let logs = Logs { by_name: LruCache::new(usize::MAX), swept: clock.monotonic() };
        MemoryLog(Arc::new(Inner { logs: Mutex::new(logs), limits, max_logs, clock }))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn logs_that_nobody_uses_any_more_hold_nothing_that_is_too_old() {
        let log = MemoryLog::builder().max_age(Duration::from_secs(60)).build().unwrap();
        let append = async |name: &str| {
            let (name, topic) = (Key::from(name), Key::from("t"));
            let body = Bytes::from_static(b"data: x\n\n");
            log.append(Append::new(&name, [7; 16], &topic, body)).await.unwrap()
        };
        let held = |name: &str| {
            let ring = locked(&log.0.logs).by_name.peek(&Key::from(name)).map(Arc::clone).unwrap();
            locked(&ring).len()
        };
        let last = append("a").await;
        tokio::time::sleep(Duration::from_secs(59)).await;
        append("b").await;
        assert_eq!((held("a"), held("b")), (1, 1));
        tokio::time::sleep(Duration::from_secs(1)).await;
        append("c").await;
        assert_eq!((held("a"), held("b")), (0, 1));
        // Where it ended is still known.
        assert_eq!(log.head(Head::new(&Key::from("a"))).await.unwrap(), last);
    }
}
