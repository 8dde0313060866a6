use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures_core::Stream;
use stonework_core::{Deadline, StoreError, StoreFuture};

use super::channel::{Channel, Inner};
use super::subscribe::Wanted;
use super::waiters::Place;
use super::window::Next;
use super::{Delivery, Slow, SlowClients};
use crate::store::{Entry, Gap, Lost, Read};
use crate::{Position, trace};

/// How many events are read at once for one who comes back, and held until it takes them.
const BATCH: usize = 64;

/// After so many events that were not asked for, it is told how far it has come. Else one who comes back might have to
/// go through more than the log keeps.
const CHECKPOINT: u32 = 64;

/// Or after so long, since the log may forget these few meanwhile: then it would be told of a gap.
const CHECKPOINT_WITHIN: Duration = Duration::from_secs(15);

/// What [`Hub::subscribe`](super::Hub::subscribe) gives: a stream of deliveries, in order, without holes and without
/// any twice. It ends when the [client is too slow](SlowClients), when its token expires, or when the log cannot be
/// read.
///
/// It begins with a [checkpoint](Delivery::Checkpoint) unless it was asked to begin after a position: who loses the
/// connection before the first event has something to come back with.
#[must_use = "streams do nothing unless polled"]
pub struct Subscription {
    reader: Reader,
    /// Told first.
    first: Option<First>,
    /// When it is told of events that were not asked for.
    untold: Option<Pin<Box<Deadline>>>,
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

/// What is told of where it begins.
#[derive(Clone, Copy)]
enum First {
    Checkpoint,
    Lost(Lost),
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
    wanted: Wanted,
    slow: Slow,
    /// It has come to the end of the log once.
    has_caught_up: bool,
    at: Position,
    /// How many events were passed over since something was told.
    untold: u32,
    source: Source,
    /// Where it waits for what is new, and who is woken then.
    waits: Option<(Place, Waker)>,
}

/// Where the next event comes from.
enum Source {
    /// The window, since this generation of it.
    Window(u64),
    /// What was read of the log.
    Read(std::vec::IntoIter<Entry>),
    /// What is being read of it, since the window ended here.
    Reading { reading: StoreFuture<Result<Read, StoreError>>, tail: Position },
    /// The log once more, when it has been looked at since this round: the window is of another history.
    Doubted(u64),
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
    End(End),
}

impl Subscription {
    pub(super) fn new(
        channel: Arc<Channel>,
        wanted: Wanted,
        start: Start,
        slow: Slow,
        ends: Option<Duration>,
    ) -> Self {
        let (at, first) = match start {
            Start::Now(head) => (head, Some(First::Checkpoint)),
            Start::After(position) => (position, None),
            Start::Unknown(head) => (head, Some(First::Lost(Lost::Unknown))),
        };
        let source = Source::nothing();
        let has_caught_up = false;
        let (untold, waits) = (0, None);
        let reader = Reader { channel, wanted, slow, has_caught_up, at, untold, source, waits };
        let expires = ends.map(Deadline::after).map(Box::pin);
        Self { reader, first, untold: None, expires, end: None }
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
        Step::Give(self.checkpoint())
    }

    const fn checkpoint(&mut self) -> Delivery {
        self.untold = 0;
        Delivery::Checkpoint(self.at)
    }

    fn begin(&mut self, first: First) -> Delivery {
        match first {
            First::Checkpoint => self.checkpoint(),
            First::Lost(lost) => self.go_on(Gap { lost, resume: self.at }),
        }
    }

    fn go_on(&mut self, gap: Gap) -> Delivery {
        self.at = gap.resume;
        self.untold = 0;
        trace::lost!(gap.lost);
        Delivery::Gap(gap)
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        Poll::Ready(match &mut self.source {
            Source::Window(generation) => {
                let generation = *generation;
                ready!(self.read_along(generation, cx.waker()))
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
            Source::Doubted(round) => {
                let round = *round;
                ready!(self.read_again(round, cx.waker()))
            }
        })
    }

    /// Who is given the newest event waits from then on, so that to find out that there is nothing more takes no lock.
    fn read_along(&mut self, generation: u64, waker: &Waker) -> Poll<Step> {
        if self.is_waiting(waker) {
            return Poll::Pending;
        }
        let mut here = self.channel.lock();
        let next = match here.window.next(self.at, generation) {
            Next::Event(entry) => Some(entry.clone()),
            Next::Wait => None,
            Next::Elsewhere => {
                drop(here);
                self.source = Source::nothing();
                return Poll::Ready(Step::Again);
            }
        };
        if next.is_none() && here.is_over() {
            return Poll::Ready(Step::End(End::Failed));
        }
        let tail = here.window.tail();
        if next.as_ref().is_none_or(|next| next.position == tail) {
            wait(&mut self.waits, &mut here, waker);
        }
        drop(here);
        next.map_or(Poll::Pending, |next| Poll::Ready(self.pass(next)))
    }

    fn read_again(&mut self, round: u64, waker: &Waker) -> Poll<Step> {
        let mut here = self.channel.lock();
        if here.is_over() {
            return Poll::Ready(Step::End(End::Failed));
        }
        if here.round() == round {
            wait(&mut self.waits, &mut here, waker);
            return Poll::Pending;
        }
        drop(here);
        self.source = Source::nothing();
        Poll::Ready(Step::Again)
    }

    fn is_waiting(&self, waker: &Waker) -> bool {
        let waits = self.waits.as_ref();
        waits.is_some_and(|(place, by)| self.channel.is_quiet_since(*place) && by.will_wake(waker))
    }

    /// Reads along from here on if it can, else more of the log.
    fn read_on(&mut self) -> Step {
        let here = self.channel.lock();
        let (covers, generation) = (here.window.covers(self.at), here.window.generation());
        let (oldest, tail) = (here.window.start(), here.window.tail());
        drop(here);
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
        Step::Give(self.go_on(Gap { lost: Lost::Skipped, resume }))
    }

    /// It has come to the end of the log. The window goes on from there, or has not got there yet, be it that nobody has
    /// looked since the log was lost; or it has gone further meanwhile.
    ///
    /// Else the two are of two histories that cannot be told apart from here: who was in one is neither slow nor fast
    /// in the other. The log is looked at then.
    fn wait_for_more(&mut self, before: Position) -> Step {
        let here = self.channel.lock();
        let tail = here.window.tail();
        let is_ahead = self.at.epoch != tail.epoch || self.at.offset > tail.offset;
        self.has_caught_up = true;
        self.source = match is_ahead || here.window.covers(self.at) {
            true => Source::Window(here.window.generation()),
            false if tail == before => {
                self.channel.doubt();
                Source::Doubted(here.round())
            }
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
                Step::Give(self.go_on(gap))
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
            return Poll::Ready(Some(this.reader.begin(first)));
        }
        loop {
            match this.reader.step(cx) {
                Poll::Ready(Step::Give(delivery)) => return Poll::Ready(Some(delivery)),
                Poll::Ready(Step::Again) => {}
                Poll::Ready(Step::End(end)) => return this.over(end),
                Poll::Pending => return this.tell_of_others(cx).map(Some),
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

    fn tell_of_others(&mut self, cx: &mut Context<'_>) -> Poll<Delivery> {
        if self.reader.untold == 0 {
            self.untold = None;
            return Poll::Pending;
        }
        let in_time = || Box::pin(Deadline::after(CHECKPOINT_WITHIN));
        ready!(self.untold.get_or_insert_with(in_time).as_mut().poll(cx));
        self.untold = None;
        Poll::Ready(self.reader.checkpoint())
    }

    fn has_expired(&mut self, cx: &mut Context<'_>) -> bool {
        self.expires.as_mut().is_some_and(|expires| expires.as_mut().poll(cx).is_ready())
    }
}

/// From now on, whatever is new wakes this one.
fn wait(waits: &mut Option<(Place, Waker)>, here: &mut Inner, waker: &Waker) {
    let (before, known) = waits.take().unzip();
    let waker = known.filter(|known| known.will_wake(waker)).unwrap_or_else(|| waker.clone());
    *waits = Some((here.wait(before, &waker), waker));
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some((place, _)) = self.waits {
            self.channel.leave(place);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("position", &self.position()).finish_non_exhaustive()
    }
}
