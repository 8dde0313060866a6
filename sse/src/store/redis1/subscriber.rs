//! The connection that listens, for all who listen to any log.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_core::Stream;
use redis::aio::{PubSub, PubSubSink, PubSubStream};
use redis::{Client, Msg, RedisResult};
use stonework_core::redis1::store_error;
use stonework_core::{StoreError, StoreErrorKind};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{listeners::Listeners, wire};
use crate::jitter::jittered;
use crate::store::{Announced, Announcements, Announcer};
use crate::trace;

/// How far a listener may fall behind before it is told to read, which costs a round trip.
const ROOM: usize = 256;

/// For how long a server is waited for that is connected to. Shorter than the second after which a lost SYN is sent
/// again.
const CONNECTS_WITHIN: Duration = Duration::from_millis(900);

/// For how long an answer is waited for. A server may stand still for a while, as when it forks.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// How often the connection is tried, and looked through for those who have gone.
const PINGS_EVERY: Duration = Duration::from_secs(3);

/// Between tries to connect: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// How many channels are subscribed to by one command.
const AT_ONCE: usize = 1_000;

/// Finds the task that listens, or starts it.
pub(super) struct Subscriber {
    client: Client,
    wanted: Mutex<Option<mpsc::UnboundedSender<Wanted>>>,
}

/// Somebody wants to listen.
struct Wanted {
    channel: String,
    announcer: Announcer,
    /// When it does.
    listens: oneshot::Sender<Result<(), StoreError>>,
}

impl Subscriber {
    pub(super) const fn new(client: Client) -> Self {
        Self { client, wanted: Mutex::new(None) }
    }

    /// What is published on a channel, from when this answers on.
    pub(super) async fn listen(
        self: Arc<Self>,
        channel: String,
    ) -> Result<Announcements, StoreError> {
        let (announcer, announcements) = Announcements::channel(ROOM);
        let (listens, answer) = oneshot::channel();
        self.send(Wanted { channel, announcer, listens });
        // The task ends with those who could ask it for more.
        drop(self);
        let answer = answer.await.unwrap_or_else(|_| Err(unavailable()));
        answer.map(|()| announcements)
    }

    fn send(&self, wanted: Wanted) {
        let mut sender = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let unsent = match &*sender {
            Some(sender) => sender.send(wanted).err().map(|error| error.0),
            None => Some(wanted),
        };
        // There is none yet, or it has ended with its runtime.
        let Some(wanted) = unsent else { return };
        let (new, receiver) = mpsc::unbounded_channel();
        let task = Task::new(self.client.clone(), receiver, wanted);
        tokio::spawn(task.run());
        *sender = Some(new);
    }
}

struct Task {
    client: Client,
    wanted: mpsc::UnboundedReceiver<Wanted>,
    /// Those who are not listening yet.
    waiting: Vec<Wanted>,
    listeners: Listeners,
    /// How often in a row there was no connection.
    failures: u32,
}

impl Task {
    fn new(client: Client, wanted: mpsc::UnboundedReceiver<Wanted>, first: Wanted) -> Self {
        let listeners = Listeners::default();
        Self { client, wanted, waiting: vec![first], listeners, failures: 0 }
    }

    async fn run(mut self) {
        while self.is_needed().await {
            if let Err(error) = self.listen().await {
                trace::failed!(error);
                self.refuse(error);
                self.pause().await;
            }
        }
    }

    /// Waits until somebody listens. False when nobody can any more.
    async fn is_needed(&mut self) -> bool {
        self.listeners.tidy();
        self.forget_who_has_gone();
        if self.listeners.is_empty() && self.waiting.is_empty() {
            let Some(wanted) = self.wanted.recv().await else { return false };
            self.waiting.push(wanted);
        }
        true
    }

    fn forget_who_has_gone(&mut self) {
        self.waiting.retain(|wanted| wanted.announcer.is_heard());
    }

    /// They may try again, and those who listen go on when there is a connection.
    fn refuse(&mut self, error: StoreError) {
        let error = Arc::new(error);
        for wanted in self.waiting.drain(..) {
            let error = StoreError::new(error.kind()).with_source(Arc::clone(&error));
            // Who has gone need not know.
            let _ = wanted.listens.send(Err(error));
        }
    }

    /// Until somebody wants to listen, at the longest.
    async fn pause(&mut self) {
        let [first, longest] = PAUSES;
        let pause = first.saturating_mul(1 << self.failures.min(8)).min(longest);
        self.failures = self.failures.saturating_add(1);
        tokio::select! {
            () = sleep(jittered(pause)) => {}
            Some(wanted) = self.wanted.recv() => self.waiting.push(wanted),
        }
    }

    /// Connects, and passes on what is published until nobody listens.
    async fn listen(&mut self) -> Result<(), StoreError> {
        let connected = within(CONNECTS_WITHIN, self.client.get_async_pubsub()).await?;
        let (mut sink, mut messages) = PubSub::split(connected);
        subscribe(&mut sink, &self.listeners.channels()).await?;
        // Now that nothing is missed any more.
        self.listeners.lapse();
        self.failures = 0;
        self.admit(&mut sink).await?;
        let mut pings = interval(PINGS_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Whoever could not wait until it was connected comes back in a moment, and finds it.
        pings.reset();
        loop {
            tokio::select! {
                message = next(&mut messages) => self.tell(&message.ok_or_else(unavailable)?),
                Some(wanted) = self.wanted.recv() => {
                    self.waiting.push(wanted);
                    self.admit(&mut sink).await?;
                }
                _ = pings.tick() => {
                    self.tidy(&mut sink).await?;
                    if self.listeners.is_empty() {
                        return Ok(());
                    }
                    within(ANSWERS_WITHIN, sink.ping::<()>()).await?;
                }
            }
        }
    }

    fn tell(&self, message: &Msg) {
        let entry = wire::announced(message.get_payload_bytes());
        let told = entry.map_or(Announced::Lapse, Announced::Event);
        self.listeners.tell(message.get_channel_name(), &told);
    }

    /// Subscribes to what is waited for, all of it at once.
    async fn admit(&mut self, sink: &mut PubSubSink) -> Result<(), StoreError> {
        while let Ok(wanted) = self.wanted.try_recv() {
            self.waiting.push(wanted);
        }
        self.forget_who_has_gone();
        let channels = self.waiting.iter().map(|wanted| &*wanted.channel);
        let new: Vec<_> = channels.filter(|channel| !self.listeners.has(channel)).collect();
        match subscribe(sink, &new).await {
            // The others are listening, which a new connection would interrupt.
            Err(error) if !error.is_outage() => {
                self.refuse(error);
                return Ok(());
            }
            answer => answer?,
        }
        for Wanted { channel, announcer, listens } in self.waiting.drain(..) {
            self.listeners.add(channel, announcer);
            // Who has gone meanwhile is found when it is tidied up.
            let _ = listens.send(Ok(()));
        }
        Ok(())
    }

    async fn tidy(&mut self, sink: &mut PubSubSink) -> Result<(), StoreError> {
        for some in self.listeners.tidy().chunks(AT_ONCE) {
            within(ANSWERS_WITHIN, sink.unsubscribe(some)).await?;
        }
        Ok(())
    }
}

async fn subscribe(sink: &mut PubSubSink, channels: &[&str]) -> Result<(), StoreError> {
    for some in channels.chunks(AT_ONCE) {
        within(ANSWERS_WITHIN, sink.subscribe(some)).await?;
    }
    Ok(())
}

async fn within<T>(
    time: Duration,
    answer: impl Future<Output = RedisResult<T>>,
) -> Result<T, StoreError> {
    match timeout(time, answer).await {
        Ok(answer) => answer.map_err(store_error),
        Err(_) => Err(StoreError::new(StoreErrorKind::TimedOut)),
    }
}

/// Nothing when the connection has broken.
async fn next(messages: &mut PubSubStream) -> Option<Msg> {
    std::future::poll_fn(|cx| Pin::new(&mut *messages).poll_next(cx)).await
}

const fn unavailable() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable)
}
