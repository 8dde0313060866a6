//! Random histories of a log and of those who read it, against a list of all that has ever happened.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::ops::RangeInclusive;
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use stonework_core::Key;
use stonework_sse::store::{Entry, EventLog, Gap, Head, Lost, MemoryLog};
use stonework_sse::{
    Delivery, End, Event, Hub, Position, Publish, SlowClients, Subscribe, Subscription,
};

const LOG: &str = "acct_7";

/// How long events are kept. Nothing else takes as long.
const AGE: Duration = Duration::from_secs(3_600);

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    /// So many events are published at once, of which those of these topics are.
    Publish {
        events: u8,
        topics: u64,
        elsewhere: bool,
    },
    /// All that can be done is done.
    Settle,
    /// All that is kept becomes too old.
    Age,
    /// The log is lost, and begins anew.
    Lose,
    /// Somebody comes, who was there, or says so.
    Come {
        from: From,
        wants_all: bool,
    },
    /// One of them reads so many.
    Read {
        who: Index,
        deliveries: u8,
    },
    /// Its connection breaks, and it comes back with its last id.
    ComeBack {
        who: Index,
    },
    Leave {
        who: Index,
    },
}

#[derive(Clone, Debug)]
enum From {
    Now,
    /// A place where somebody was, in this history or one before.
    There(Index),
    /// A place that is like one.
    Nowhere {
        like: Index,
        epoch: bool,
        offset: u8,
        tag: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let topics = prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
    let publish = (prop_oneof![4 => 1_u8..6, 1 => 1_u8..=200], topics, any::<bool>());
    let from = prop_oneof![
        1 => Just(From::Now),
        3 => any::<Index>().prop_map(From::There),
        1 => (any::<Index>(), any::<bool>(), 0_u8..4, any::<bool>()).prop_map(
            |(like, epoch, offset, tag)| From::Nowhere { like, epoch, offset, tag }
        ),
    ];
    prop_oneof![
        8 => publish.prop_map(|(events, topics, elsewhere)| Step::Publish { events, topics, elsewhere }),
        6 => Just(Step::Settle),
        1 => Just(Step::Age),
        1 => Just(Step::Lose),
        4 => (from, any::<bool>()).prop_map(|(from, wants_all)| Step::Come { from, wants_all }),
        12 => (any::<Index>(), prop_oneof![1_u8..5, Just(255)])
            .prop_map(|(who, deliveries)| Step::Read { who, deliveries }),
        2 => any::<Index>().prop_map(|who| Step::ComeBack { who }),
        1 => any::<Index>().prop_map(|who| Step::Leave { who }),
    ]
}

fn slow() -> impl Strategy<Value = SlowClients> {
    prop::sample::select(vec![
        SlowClients::Disconnect,
        SlowClients::SkipToLatest,
        SlowClients::Drop,
    ])
}

/// One log from its beginning to its loss.
struct History {
    epoch: u32,
    /// Each event: where it is, whether it is wanted by those who do not want all, and what it says.
    events: Vec<(Position, bool, String)>,
    /// How many of them are not kept any more.
    gone: usize,
}

impl History {
    /// After so many events.
    fn at(&self, events: usize) -> Position {
        match events.checked_sub(1) {
            None => Position::start(self.epoch),
            Some(last) => self.events[last].0,
        }
    }

    fn head(&self) -> Position {
        self.at(self.events.len())
    }

    fn is_part(&self, position: Position) -> bool {
        let events = position.offset as usize;
        events <= self.events.len() && self.at(events) == position
    }
}

/// Somebody who reads.
struct Reader {
    events: Subscription,
    /// Where it says that it is: where it was given something last.
    at: Position,
    wants_all: bool,
}

/// How many events there are.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// In the log.
    kept: usize,
    /// For those who read along.
    window: usize,
    /// That somebody may be behind.
    lag: usize,
}

struct World {
    log: MemoryLog,
    hub: Hub,
    /// Of another process.
    other: Hub,
    limits: Limits,
    slow: SlowClients,
    /// The last one is that of now.
    histories: Vec<History>,
    /// Every place where somebody might have been.
    places: Vec<Position>,
    readers: Vec<Reader>,
    /// The hub has heard of all that has happened.
    is_settled: bool,
}

impl World {
    async fn new(limits: Limits, slow: SlowClients) -> Self {
        let Limits { kept, window, lag } = limits;
        let log = MemoryLog::builder().max_events(kept).max_age(AGE).max_logs(1).build().unwrap();
        let hub = || Hub::builder(log.clone()).window_events(window).max_lag(lag as u64);
        let hub = || hub().slow_clients(slow).build().unwrap();
        let (hub, other) = (hub(), hub());
        let mut world = Self {
            log,
            hub,
            other,
            limits,
            slow,
            histories: Vec::new(),
            places: Vec::new(),
            readers: Vec::new(),
            is_settled: true,
        };
        world.begin().await;
        world
    }

    /// A new log is there, which has nothing.
    async fn begin(&mut self) {
        let head = self.log.head(Head::new(&Key::from(LOG))).await.unwrap();
        assert_eq!(head.offset, 0);
        self.histories.push(History { epoch: head.epoch, events: Vec::new(), gone: 0 });
        self.places.push(head);
    }

    fn now(&self) -> &History {
        self.histories.last().unwrap()
    }

    /// The one of this place, if it is one.
    fn history(&self, position: Position) -> Option<&History> {
        let history = self.histories.iter().find(|history| history.epoch == position.epoch)?;
        history.is_part(position).then_some(history)
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Publish { events, topics, elsewhere } => {
                for event in 0..*events {
                    self.publish(topics >> (event % 64) & 1 == 1, *elsewhere).await;
                }
            }
            Step::Settle => self.settle(Duration::from_millis(1)).await,
            Step::Age => {
                self.settle(AGE).await;
                let history = self.histories.last_mut().unwrap();
                history.gone = history.events.len();
            }
            Step::Lose => {
                self.log.head(Head::new(&Key::from("other"))).await.unwrap();
                self.begin().await;
                self.is_settled = false;
            }
            Step::Come { from, wants_all } => {
                let after = self.place(from);
                self.come(after, *wants_all).await;
            }
            Step::Read { who, deliveries } if !self.readers.is_empty() => {
                let who = who.index(self.readers.len());
                self.read(who, usize::from(*deliveries)).await;
            }
            Step::ComeBack { who } if !self.readers.is_empty() => {
                let reader = self.readers.remove(who.index(self.readers.len()));
                self.come(Some(reader.at), reader.wants_all).await;
            }
            Step::Leave { who } if !self.readers.is_empty() => {
                drop(self.readers.remove(who.index(self.readers.len())));
            }
            Step::Read { .. } | Step::ComeBack { .. } | Step::Leave { .. } => {}
        }
    }

    /// Paused time goes on when nothing else does.
    async fn settle(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
        self.is_settled = true;
    }

    async fn publish(&mut self, is_wanted: bool, elsewhere: bool) {
        let (hub, said) =
            (if elsewhere { &self.other } else { &self.hub }, self.places.len().to_string());
        let topic = if is_wanted { "wanted" } else { "other" };
        let publish = Publish::to(LOG, Event::new(&*said)).topic(topic);
        let position = hub.publish(publish).await.unwrap();
        let kept = self.limits.kept;
        let history = self.histories.last_mut().unwrap();
        assert_eq!(
            (position.epoch, position.offset),
            (history.epoch, history.events.len() as u64 + 1)
        );
        history.events.push((position, is_wanted, said));
        history.gone = history.gone.max(history.events.len().saturating_sub(kept));
        self.places.push(position);
        self.is_settled = false;
    }

    fn place(&self, from: &From) -> Option<Position> {
        match from {
            From::Now => None,
            From::There(place) => Some(*place.get(&self.places)),
            From::Nowhere { like, epoch, offset, tag } => {
                let like = *like.get(&self.places);
                let epoch = like.epoch ^ u32::from(*epoch);
                let offset = like.offset + u64::from(*offset);
                Some(Position::new(epoch, offset, like.tag ^ u32::from(*tag)))
            }
        }
    }

    async fn come(&mut self, after: Option<Position>, wants_all: bool) {
        let mut wanted = Subscribe::to(LOG);
        if let Some(after) = after {
            wanted = wanted.after(after);
        }
        if !wants_all {
            wanted = wanted.topics(["wanted"]);
        }
        let mut events = self.hub.subscribe(wanted).await.unwrap();
        if after.is_none() {
            let first = Delivery::Checkpoint(self.now().head());
            assert_eq!(next(&mut events), Poll::Ready(Some(first)), "it is told where it begins");
        }
        let at = after.unwrap_or(self.now().head());
        self.readers.push(Reader { events, at, wants_all });
    }

    async fn read(&mut self, who: usize, deliveries: usize) {
        for _ in 0..deliveries {
            match next(&mut self.readers[who].events) {
                Poll::Pending => return self.check_quiet(&self.readers[who]),
                Poll::Ready(Some(delivery)) => {
                    self.check(&self.readers[who], &delivery);
                    self.readers[who].at = delivery.position();
                }
                Poll::Ready(None) => {
                    let reader = self.readers.remove(who);
                    self.check_end(&reader);
                    return self.come(Some(reader.at), reader.wants_all).await;
                }
            }
        }
    }

    /// May this be given to one who is there?
    fn check(&self, reader: &Reader, delivery: &Delivery) {
        match delivery {
            Delivery::Event(entry) => self.check_event(reader, entry),
            Delivery::Checkpoint(position) => {
                assert_eq!(self.passed_over(reader, *position), 0);
                assert!(!reader.wants_all && position.offset > reader.at.offset);
            }
            Delivery::Gap(gap) => self.check_gap(reader, *gap),
            other => panic!("{other:?}"),
        }
    }

    /// How many events that it wants lie between where it is and a later place.
    fn passed_over(&self, reader: &Reader, to: Position) -> usize {
        let history = self.history(reader.at).expect("who was nowhere is told of a gap first");
        assert!(history.is_part(to) && to.offset >= reader.at.offset, "{} {to}", reader.at);
        let between = &history.events[reader.at.offset as usize..to.offset as usize];
        between.iter().filter(|(_, is_wanted, _)| *is_wanted || reader.wants_all).count()
    }

    /// It is the very next that is wanted.
    fn check_event(&self, reader: &Reader, entry: &Entry) {
        assert_eq!(self.passed_over(reader, entry.position), 1);
        let history = self.history(entry.position).unwrap();
        let (position, is_wanted, said) = &history.events[entry.position.offset as usize - 1];
        assert!(*is_wanted || reader.wants_all);
        assert_eq!((entry.position, &entry.said().data), (*position, said));
    }

    /// Nothing is said to be missing that could be given.
    fn check_gap(&self, reader: &Reader, gap: Gap) {
        let (now, at) = (self.now(), reader.at);
        match gap.lost {
            Lost::Skipped => {
                assert_ne!(self.slow, SlowClients::Disconnect);
                self.check_slow(at);
                let history = self.history(at).unwrap();
                assert!(history.is_part(gap.resume) && gap.resume.offset > at.offset);
                if self.is_settled {
                    assert!(self.skips_to().contains(&(gap.resume.offset as usize)), "{gap:?}");
                }
            }
            lost => {
                let is_older = at.epoch == now.epoch && (at.offset as usize) < now.gone;
                assert_eq!(lost, if is_older { Lost::Trimmed } else { Lost::Replaced });
                assert!(is_older || !now.is_part(at), "{at} is a place like others");
                // With the oldest, or that which follows the place if there is one like it.
                let like = if at.epoch == now.epoch { at.offset as usize } else { 0 };
                assert_eq!(gap.resume, now.at(like.clamp(now.gone, now.events.len())));
            }
        }
    }

    /// Where somebody goes on who was slow: at the end, or with all that there may be for those who read along.
    fn skips_to(&self) -> RangeInclusive<usize> {
        let head = self.now().events.len();
        match self.slow {
            SlowClients::Drop => {
                let oldest = head.saturating_sub(self.limits.window);
                oldest..=oldest.max(self.now().gone)
            }
            _ => head..=head,
        }
    }

    /// More has come than it may be behind, and than is there for those who read along.
    fn check_slow(&self, at: Position) {
        let Limits { window, lag, .. } = self.limits;
        let history = self.history(at).unwrap();
        let behind = history.events.len() - at.offset as usize;
        let is_gone = behind > window || (at.offset as usize) < history.gone;
        assert!(behind > lag && is_gone, "{at} is {behind} behind");
    }

    /// The log has always answered, and nobody's token expires.
    fn check_end(&self, reader: &Reader) {
        assert_eq!((reader.events.end(), self.slow), (Some(End::Slow), SlowClients::Disconnect));
        self.check_slow(reader.at);
    }

    /// Who has nothing to read has read all.
    fn check_quiet(&self, reader: &Reader) {
        if self.is_settled {
            assert_eq!(reader.events.position(), self.now().head());
            assert_eq!(self.passed_over(reader, self.now().head()), 0);
        }
    }
}

fn next(events: &mut Subscription) -> Poll<Option<Delivery>> {
    tokio_test::task::spawn(events.next()).poll()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A reader is given exactly what comes after its place, in order and once, or is told what is missing.
    #[test]
    fn whatever_happens_nothing_is_lost_unsaid_and_nothing_comes_twice(
        steps in prop::collection::vec(step(), 0..150),
        limits in (1_usize..100, 1_usize..50, 0_usize..80),
        slow in slow(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (kept, window, lag) = limits;
            let mut world = World::new(Limits { kept, window, lag }, slow).await;
            for step in &steps {
                world.step(step).await;
            }
            world.settle(Duration::from_millis(1)).await;
            for who in 0..world.readers.len() {
                // Who ends comes back, at the end.
                world.read(who, usize::MAX).await;
            }
            for who in 0..world.readers.len() {
                world.read(who, usize::MAX).await;
            }
        });
    }
}
