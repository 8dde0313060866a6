//! Events for all who read along, and for those who come back.

mod channel;
mod delivery;
mod publish;
mod subscribe;
mod subscribe_error;
mod subscription;
mod waiters;
mod window;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use stonework_core::{Clock, ConfigError, ConfigErrors, Key, StoreError, StoreGuard, TokioClock};
use tokio::sync::Semaphore;

use crate::store::{Append, EventLog, Head, MemoryLog};
use crate::{Position, trace};
use channel::Channel;
use subscribe::Begins;
use subscription::Start;
use window::Limits;

pub use delivery::Delivery;
#[cfg(any(feature = "poll", feature = "ws"))]
pub(crate) use delivery::GAP;
pub use publish::{Publish, PublishError, PublishErrorKind};
pub use subscribe::{SlowClients, Subscribe};
pub use subscribe_error::SubscribeError;
pub use subscription::{End, Subscription};

/// How many reads of the store are under way at once, of all logs together: enough to keep it busy, and so few that each
/// is answered in time.
const READS: usize = 64;

/// Publishes events to logs, and gives them to all who have subscribed to one. Clones share it.
///
/// An event is written once, for however many. Those who read along have a place in a window of the newest events,
/// and no queue; those who come back are given what they missed from the log. Whatever is missing is said.
///
/// ```
/// use stonework_sse::{Delivery, Event, Hub, Publish, Subscribe};
/// use tokio_stream::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = Hub::in_memory();
/// let mut events = hub.subscribe(Subscribe::to("acct_7")).await?;
///
/// let event = Event::new("{}").event_type("transfer")?;
/// let position = hub.publish(Publish::to("acct_7", event)).await?;
///
/// assert!(matches!(events.next().await, Some(Delivery::Checkpoint(_))));
/// let Some(Delivery::Event(entry)) = events.next().await else { panic!("it was published") };
/// assert_eq!(entry.position, position);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

struct Shared {
    log: Box<dyn EventLog>,
    guard: StoreGuard,
    /// Of what listens, which may have a connection of its own: one that is away says nothing of the other.
    listening: StoreGuard,
    /// Those who read at once. When a log is lost, or a connection, everybody wants to.
    reads: Semaphore,
    clock: Arc<dyn Clock>,
    window: Limits,
    slow: Slow,
    /// How long a log is quiet before it is looked at.
    looks_every: Duration,
    channels: Mutex<HashMap<Key, Weak<Channel>>>,
}

/// Who is slow, and what becomes of it.
#[derive(Clone, Copy, Debug)]
struct Slow {
    policy: SlowClients,
    max_lag: u64,
}

impl Hub {
    /// A hub whose logs are in [memory](MemoryLog), with their usual limits.
    pub fn in_memory() -> Self {
        Self::builder(MemoryLog::new()).unchecked()
    }

    /// A builder of a hub over these logs.
    pub fn builder(log: impl EventLog) -> HubBuilder {
        HubBuilder {
            log: Box::new(log),
            clock: None,
            window: Limits { events: 1_024, bytes: 1 << 20 },
            slow: Slow { policy: SlowClients::Disconnect, max_lag: 10_000 },
            store_timeout: Duration::from_millis(500),
            looks_every: Duration::from_secs(15),
        }
    }

    /// Appends an event to its log. All who have subscribed to it get it, whichever process they are at.
    ///
    /// After an error of the store it is unknown whether it was appended. Publish the same again: an event is not
    /// appended twice.
    ///
    /// # Errors
    ///
    /// When the store does not answer, or the event is of the type `gap`, which tells clients of missing events.
    pub async fn publish(&self, publish: Publish<'_>) -> Result<Position, PublishError> {
        let Publish { log, id, topic, event } = publish;
        if event.name() == delivery::GAP {
            return Err(PublishErrorKind::Reserved.into());
        }
        // A log in memory answers at once. Whoever publishes much lets those read who share the thread: else a burst
        // could be more than the log keeps, for clients that are not slow at all.
        tokio::task::consume_budget().await;
        let topic = topic.unwrap_or_else(|| Key::from(event.name()));
        let body = event.body();
        let Shared { log: store, guard, .. } = &*self.shared;
        let append = || store.append(Append::new(&log, id, &topic, body));
        Ok(guard.run(append).await.map_err(told)?)
    }

    /// The events of a log, from a position on or from now on.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription, SubscribeError> {
        let channel = self.shared.channel(&subscribe.log);
        let start = start(&channel, &subscribe.begins).await.map_err(told)?;
        let ends = subscribe.expires_at.map(|at| at.saturating_sub(self.shared.clock.unix()));
        Ok(Subscription::new(channel, subscribe.wanted, start, self.shared.slow, ends))
    }

    /// Where a log ends. Whoever asks for this, then reads the state of things, and then subscribes
    /// [after](Subscribe::after) it, misses nothing; what came between is given, and is in that state already.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn head(&self, log: impl Into<Key>) -> Result<Position, SubscribeError> {
        let (log, Shared { log: store, guard, .. }) = (log.into(), &*self.shared);
        Ok(guard.run(|| store.head(Head::new(&log))).await.map_err(told)?)
    }
}

/// Where whoever was there begins, or is not known to have been.
async fn start(channel: &Arc<Channel>, begins: &Begins) -> Result<Start, StoreError> {
    channel.open().await?;
    Ok(match begins {
        Begins::Now => Start::Now(channel.head().await?),
        Begins::First => Start::After(Position::start(channel.head().await?.epoch)),
        Begins::After(after) => match after.position() {
            Some(position) => Start::After(position),
            None => Start::Unknown(channel.head().await?),
        },
    })
}

/// The same error, which logs know of.
fn told(error: StoreError) -> StoreError {
    trace::failed!(error);
    error
}

impl Shared {
    /// The one of this log, if anybody is there and listens.
    fn channel(self: &Arc<Self>, log: &Key) -> Arc<Channel> {
        let mut channels = self.channels();
        let known = channels.get(log).and_then(Weak::upgrade);
        if let Some(channel) = known.as_ref().filter(|channel| !channel.lock().is_over()) {
            return Arc::clone(channel);
        }
        let channel = Arc::new(Channel::new(log, self));
        channels.insert(log.clone(), Arc::downgrade(&channel));
        // Whoever lets go of one last asks for the lock.
        drop(channels);
        drop(known);
        channel
    }

    /// Unless somebody has come meanwhile.
    fn forget(&self, log: &Key) {
        let mut channels = self.channels();
        if channels.get(log).is_some_and(|channel| channel.strong_count() == 0) {
            channels.remove(log);
        }
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<Key, Weak<Channel>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logs = self.shared.channels().len();
        f.debug_struct("Hub").field("logs", &logs).finish_non_exhaustive()
    }
}

/// Builds a [`Hub`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct HubBuilder {
    log: Box<dyn EventLog>,
    clock: Option<Arc<dyn Clock>>,
    window: Limits,
    slow: Slow,
    store_timeout: Duration,
    looks_every: Duration,
}

impl HubBuilder {
    /// How many events of a log are kept here for those who read along. Default 1,024. Who is further behind reads from
    /// the log.
    pub fn window_events(mut self, events: usize) -> Self {
        self.window.events = events;
        self
    }

    /// How many bytes of events are kept for them. Default 1 MiB.
    pub fn window_bytes(mut self, bytes: usize) -> Self {
        self.window.bytes = bytes;
        self
    }

    /// How many events a client may fall behind, once it has come to the end of the log. Default 10,000. Whoever falls
    /// further, and behind what is kept here, is [slow](Self::slow_clients); nobody is who comes back after a long time.
    pub fn max_lag(mut self, events: u64) -> Self {
        self.slow.max_lag = events;
        self
    }

    /// What becomes of a client that does not read as fast as others write. Default
    /// [`SlowClients::Disconnect`].
    pub fn slow_clients(mut self, slow: SlowClients) -> Self {
        self.slow.policy = slow;
        self
    }

    /// How long the store has to answer. Default 500 ms.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// After which time without an event a log is looked at, in case that its announcements were lost. Default 15 s,
    /// shortened at random by up to a half. It is one read of the store for each log that somebody has subscribed to
    /// here.
    pub fn looks_every(mut self, time: Duration) -> Self {
        self.looks_every = time;
        self
    }

    /// The clock that tokens expire by. Default tokio's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The hub.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub fn build(self) -> Result<Hub, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        for (setting, value) in
            [("window_events", self.window.events), ("window_bytes", self.window.bytes)]
        {
            if value == 0 {
                let reason = "leaves no room for an event; use more";
                errors.push(ConfigError::new(setting, value, reason));
            }
        }
        for (setting, time) in
            [("store_timeout", self.store_timeout), ("looks_every", self.looks_every)]
        {
            if time.is_zero() {
                errors.push(ConfigError::new(setting, time, "is no time; use more"));
            }
        }
        ConfigErrors::check(errors, Ok(())).map(|()| self.unchecked())
    }

    fn unchecked(self) -> Hub {
        let Self { log, clock, window, slow, store_timeout, looks_every } = self;
        let clock = clock.unwrap_or_else(|| Arc::new(TokioClock::new()));
        let guard = || StoreGuard::new(store_timeout, Arc::clone(&clock));
        let (guard, listening) = (guard(), guard());
        let channels = Mutex::new(HashMap::new());
        let reads = Semaphore::new(READS);
        let shared =
            Shared { log, guard, listening, reads, clock, window, slow, looks_every, channels };
        Hub { shared: Arc::new(shared) }
    }
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubBuilder").field("slow", &self.slow).finish_non_exhaustive()
    }
}
