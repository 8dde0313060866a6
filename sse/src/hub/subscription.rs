use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use stonework_core::{Deadline, StoreError, StoreFuture};
use tokio::sync::futures::OwnedNotified;

use super::channel::Channel;
use super::window::Next;
use super::{Delivery, Slow, SlowClients, Subscribe};
use crate::store::{Entry, Gap, Lost, Read};
use crate::{Position, trace};

/// How many events are read at once for one who comes back, and held until it takes them.
const BATCH: usize = 64;

/// After so many events that were not asked for, it is told how far it has come. Else one who comes back might have to
/// go through more than the log keeps.
const CHECKPOINT: u32 = 64;

/// What [`Hub::subscribe`](super::Hub::subscribe) gives: a stream of deliveries, in order, without holes and without
/// any twice. It ends when the [client is too slow](SlowClients), when its token expires, or when the log cannot be
/// read.
///
/// It begins with a [checkpoint](Delivery::Checkpoint) unless it was asked to begin after a position: who loses the
/// connection before the first event has something to come back with.
#[must_use = "streams do nothing unless polled"]
pub struct Subscription {
    reader: Reader,
    // Told first.
    first: Option<Delivery>,
    /// In a box, so that a subscription can be moved.
    changed: Pin<Box<Option<OwnedNotified>>>,
    expires: Option<Pin<Box<Deadline>>>,
    end: Option<End>,
}

/// Why a [`Subscription`] has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The client did not read as fast as others write ([`SlowClients::Disconnect`]).
    Slow,
    /// Its token has expired.
    Expired,
    /// The log could not be read.
    Failed,
}

impl End {
    /// One word; stable.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

/// Where it begins.
#[derive(Clone, Copy)]
pub(super) enum Start {
    Now(Position),
    After(Position),
    /// Nobody knows where it was.
    Unknown(Position),
}

struct Reader {
    channel: Arc<Channel>,
    wanted: Subscribe,
    slow: Slow,
    /// It has come to the end of the log once.
    has_caught_up: bool,
    at: Position,
    /// How many events were passed over since something was told.
    untold: u32,
    source: Source,
}

/// Where the next event comes from.
enum Source {
    /// The window, since this generation of it.
    Window(u64),
    /// What was read of the log.
    Read(std::vec::IntoIter<Entry>),
    /// What is being read of it, since the window ended here.
    Reading { reading: StoreFuture<Result<Read, StoreError>>, tail: Position },
}

impl Source {
    fn nothing() -> Self {
        Self::Read(Vec::new().into_iter())
    }
}

/// What there is to do next.
enum Step {
    Give(Delivery),
    /// Look again.
    Again,
    /// Nothing is there yet.
    Wait,
    End(End),
}

impl Subscription {
    pub(super) fn new(
        channel: Arc<Channel>,
        wanted: Subscribe,
        start: Start,
        slow: Slow,
        ends: Option<Duration>,
    ) -> Self {
        let (at, first) = match start {
            Start::Now(head) => (head, Some(Delivery::Checkpoint(head))),
            Start::After(position) => (position, None),
            Start::Unknown(head) => {
                let gap = Gap { lost: Lost::Unknown, resume: head };
                trace::lost!(gap.lost);
                (head, Some(Delivery::Gap(gap)))
            }
        };
        let source = Source::nothing();
        let has_caught_up = false;
        let reader = Reader { channel, wanted, slow, has_caught_up, at, untold: 0, source };
        let expires = ends.map(Deadline::after).map(Box::pin);
        Self { reader, first, changed: Box::pin(None), expires, end: None }
    }

    /// What comes next; nothing when it has ended. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Delivery> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// What comes next if it is here, or in the log; nothing if it would have to be waited for, or has ended.
    #[cfg(feature = "poll")]
    pub(crate) async fn ready(&mut self) -> Option<Delivery> {
        std::future::poll_fn(|cx| match Pin::new(&mut *self).poll_next(cx) {
            Poll::Pending if !self.reader.is_reading() => Poll::Ready(None),
            next => next,
        })
        .await
    }

    /// Why it has ended, if it has.
    pub const fn end(&self) -> Option<End> {
        self.end
    }

    /// Where it is: all before has been given, or was not asked for.
    pub const fn position(&self) -> Position {
        self.reader.at
    }
}

impl Reader {
    #[cfg(feature = "poll")]
    const fn is_reading(&self) -> bool {
        matches!(self.source, Source::Reading { .. })
    }

    /// Moves past an event, and gives it if it is wanted.
    fn pass(&mut self, entry: Entry) -> Step {
        self.at = entry.position;
        if self.wanted.wants(&entry) {
            self.untold = 0;
            return Step::Give(Delivery::Event(entry));
        }
        self.untold += 1;
        if self.untold < CHECKPOINT {
            return Step::Again;
        }
        self.untold = 0;
        Step::Give(Delivery::Checkpoint(self.at))
    }

    fn go_on(&mut self, gap: Gap) -> Step {
        self.at = gap.resume;
        self.untold = 0;
        trace::lost!(gap.lost);
        Step::Give(Delivery::Gap(gap))
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        Poll::Ready(match &mut self.source {
            Source::Window(generation) => {
                let generation = *generation;
                self.read_along(generation)
            }
            Source::Read(events) => match events.next() {
                Some(entry) => self.pass(entry),
                None => self.read_on(),
            },
            Source::Reading { reading, tail } => {
                let tail = *tail;
                let read = ready!(Pin::new(reading).poll(cx));
                self.has_read(read, tail)
            }
        })
    }

    fn read_along(&mut self, generation: u64) -> Step {
        let window = self.channel.window();
        let event = match window.next(self.at, generation) {
            Next::Event(entry) => entry.clone(),
            Next::Wait => return Step::Wait,
            Next::Elsewhere => {
                drop(window);
                self.source = Source::nothing();
                return Step::Again;
            }
        };
        drop(window);
        self.pass(event)
    }

    /// Reads along from here on if it can, else more of the log.
    fn read_on(&mut self) -> Step {
        let window = self.channel.window();
        let (covers, generation) = (window.covers(self.at), window.generation());
        let (oldest, tail) = (window.start(), window.tail());
        drop(window);
        self.source = if covers {
            self.has_caught_up = true;
            Source::Window(generation)
        } else if self.has_caught_up && self.lag(tail) > self.slow.max_lag {
            return self.give_up(oldest, tail);
        } else {
            let (channel, at) = (Arc::clone(&self.channel), self.at);
            let read = async move { channel.read_after(at, BATCH).await };
            Source::Reading { reading: StoreFuture::new(read), tail }
        };
        Step::Again
    }

    /// How many events it is behind. In another history that cannot be said.
    const fn lag(&self, tail: Position) -> u64 {
        let is_same = self.at.epoch == tail.epoch;
        if is_same { tail.offset.saturating_sub(self.at.offset) } else { 0 }
    }

    /// It was here before, and others write faster than it reads.
    fn give_up(&mut self, oldest: Position, tail: Position) -> Step {
        let resume = match self.slow.policy {
            SlowClients::Disconnect => return Step::End(End::Slow),
            SlowClients::SkipToLatest => tail,
            SlowClients::Drop => oldest,
        };
        self.go_on(Gap { lost: Lost::Skipped, resume })
    }

    /// It has come to the end of the log. The window goes on from there, or has not got there yet, be it that nobody has
    /// looked since the log was lost; or it has gone further meanwhile.
    ///
    /// Else the two are of two histories that cannot be told apart from here: who was in one is neither slow nor fast
    /// in the other.
    fn wait_for_more(&mut self, before: Position) -> Step {
        let window = self.channel.window();
        let tail = window.tail();
        let is_ahead = self.at.epoch != tail.epoch || self.at.offset > tail.offset;
        self.has_caught_up = true;
        self.source = match is_ahead || window.covers(self.at) {
            true => Source::Window(window.generation()),
            false if tail == before => return Step::End(End::Failed),
            false => Source::nothing(),
        };
        Step::Again
    }

    fn has_read(&mut self, read: Result<Read, StoreError>, tail: Position) -> Step {
        match read {
            Ok(Read::Events(events)) if events.is_empty() => self.wait_for_more(tail),
            Ok(Read::Events(events)) => {
                self.source = Source::Read(events.into_iter());
                Step::Again
            }
            Ok(Read::Gap(gap)) => {
                // It has as far to go as one who comes back.
                (self.source, self.has_caught_up) = (Source::nothing(), false);
                self.go_on(gap)
            }
            Err(error) => {
                trace::failed!(error);
                Step::End(End::Failed)
            }
        }
    }
}

impl Stream for Subscription {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let this = &mut *self;
        if this.end.is_some() || this.has_expired(cx) {
            return this.over(End::Expired);
        }
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(first));
        }
        loop {
            match ready!(this.reader.step(cx)) {
                Step::Give(delivery) => return Poll::Ready(Some(delivery)),
                Step::Again => {}
                Step::Wait => ready!(this.wait(cx)),
                Step::End(end) => return this.over(end),
            }
        }
    }
}

impl Subscription {
    /// For this reason, unless there was another one before.
    fn over(&mut self, end: End) -> Poll<Option<Delivery>> {
        if self.end.is_none() {
            trace::refused!(end.slug());
            self.end = Some(end);
        }
        Poll::Ready(None)
    }

    fn has_expired(&mut self, cx: &mut Context<'_>) -> bool {
        self.expires.as_mut().is_some_and(|expires| expires.as_mut().poll(cx).is_ready())
    }

    /// Ready when it is time to look again.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(changed) = self.changed.as_mut().as_pin_mut() {
            ready!(changed.poll(cx));
            self.changed.set(None);
            return Poll::Ready(());
        }
        // From now on it hears what is new. What is new already is seen when it looks again.
        let changed = Arc::clone(&self.reader.channel.changed).notified_owned();
        self.changed.set(Some(changed));
        if let Some(changed) = self.changed.as_mut().as_pin_mut() {
            changed.enable();
        }
        Poll::Ready(())
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("position", &self.position()).finish_non_exhaustive()
    }
}
