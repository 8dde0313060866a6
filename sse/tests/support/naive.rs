//! A log of lists, which can be made to break the contract.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use stonework_core::{Key, StoreError, StoreFuture};
use stonework_sse::Position;
use stonework_sse::store::{
    Announced, Announcements, Announcer, Append, Entry, EventLog, Head, Listen, Lost, Read,
    ReadAfter,
};

/// How far a listener may fall behind.
const ROOM: usize = 16;

/// What a log may do wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Defect {
    // When it appends.
    ForgetsIds,
    KnowsIdsOfAllLogs,
    HasOneLog,
    TakesNamesForTexts,
    CutsBodies,
    CutsTopics,
    ChangesWhatIsAppendedAgain,
    LosesSome,
    TellsAnotherPlace,
    IsNotAtomic,
    KeepsAll,
    ForgetsTheNewest,
    // When it is asked for its end.
    BeginsAnewEachTime,
    EndsBeforeItsEnd,
    // When it is read.
    ReadsWhatWasRead,
    ReadsBackwards,
    ReadsMore,
    ReadsNoLast,
    TakesWhatIsRead,
    LooksAtNoTags,
    LooksAtNoEpochs,
    Hides(Lost),
    GoesOnAtTheEnd,
    // When it announces.
    AnnouncesNothing,
    AnnouncesSome,
    AnnouncesTwice,
    AnnouncesWhatIsKnown,
    AnnouncesBackwards,
    AnnouncesEverything,
    AnnouncesToTheLast,
    AnnouncesUntilOneHasGone,
    AnnouncesWhatIsHeard,
    ListensLate,
}

#[derive(Clone)]
pub(crate) struct Naive {
    defect: Option<Defect>,
    keeps: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    logs: HashMap<Key, Kept>,
    ids: HashMap<(Key, [u8; 16]), Position>,
    listeners: Vec<Listener>,
    /// Listens from the next event on.
    late: Vec<Listener>,
}

struct Kept {
    head: Position,
    entries: Vec<Entry>,
    /// Is announced after the next.
    held: Option<Entry>,
}

struct Listener {
    log: Key,
    announcer: Announcer,
    told: usize,
}

#[derive(Clone)]
struct New {
    id: [u8; 16],
    topic: Key,
    body: Bytes,
}

impl Naive {
    pub(crate) fn new(defect: Option<Defect>) -> Self {
        Self { defect, keeps: usize::MAX, state: Arc::default() }
    }

    pub(crate) fn keeping(self, keeps: usize) -> Self {
        Self { keeps, ..self }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn with<T>(&self, log: &Key, act: impl FnOnce(&mut State, &Key) -> T) -> T {
        let log = match self.defect {
            Some(Defect::HasOneLog) => Key::from("one"),
            Some(Defect::TakesNamesForTexts) => Key::from(text(log)),
            _ => log.clone(),
        };
        let mut state = self.state.lock().unwrap();
        state.logs.entry(log.clone()).or_insert_with(Kept::new);
        act(&mut state, &log)
    }

    fn new_event(&self, append: &Append<'_>) -> New {
        let (mut topic, mut body) = (append.topic.clone(), append.body.clone());
        if self.has(Defect::CutsTopics) {
            topic = Key::from(text(&topic).trim());
        }
        if self.has(Defect::CutsBodies) {
            body.truncate(60_000);
        }
        New { id: append.id, topic, body }
    }

    fn add(&self, state: &mut State, log: &Key, new: &New) -> Position {
        let id = match self.defect {
            Some(Defect::KnowsIdsOfAllLogs) => (Key::from(""), new.id),
            _ => (log.clone(), new.id),
        };
        if let Some(position) = state.ids.get(&id).filter(|_| !self.has(Defect::ForgetsIds)) {
            let position = *position;
            self.was_known(state, log, position, new);
            return position;
        }
        let head = state.logs[log].head;
        let position = self.push(state, log, head, new);
        state.ids.insert(id, position);
        if self.has(Defect::TellsAnotherPlace) { head } else { position }
    }

    fn was_known(&self, state: &mut State, log: &Key, position: Position, new: &New) {
        let kept = state.logs.get_mut(log).unwrap();
        let Some(entry) = kept.entries.iter_mut().find(|entry| entry.position == position) else {
            return;
        };
        if self.has(Defect::ChangesWhatIsAppendedAgain) {
            *entry = Entry::new(position, entry.previous, new.topic.clone(), &new.body);
        }
        if self.has(Defect::AnnouncesWhatIsKnown) {
            let entry = entry.clone();
            self.announce(state, log, &entry);
        }
    }

    fn push(&self, state: &mut State, log: &Key, head: Position, new: &New) -> Position {
        let kept = state.logs.get_mut(log).unwrap();
        let entry = Entry::new(head.then(new.id), head.tag, new.topic.clone(), &new.body);
        let position = entry.position;
        kept.head = position;
        if !self.has(Defect::LosesSome) || !position.offset.is_multiple_of(7) {
            kept.entries.push(entry.clone());
        }
        if kept.entries.len() > self.keeps && !self.has(Defect::KeepsAll) {
            let is_newest = self.has(Defect::ForgetsTheNewest);
            kept.entries.remove(if is_newest { self.keeps } else { 0 });
        }
        self.announce(state, log, &entry);
        position
    }

    fn announce(&self, state: &mut State, log: &Key, entry: &Entry) {
        let kept = state.logs.get_mut(log).unwrap();
        let entries = match self.defect {
            Some(Defect::AnnouncesNothing) => vec![],
            Some(Defect::AnnouncesSome) if entry.position.offset.is_multiple_of(3) => vec![],
            Some(Defect::AnnouncesTwice) => vec![entry; 2].into_iter().cloned().collect(),
            Some(Defect::AnnouncesBackwards) => match kept.held.take() {
                None => {
                    kept.held = Some(entry.clone());
                    vec![]
                }
                Some(held) => vec![entry.clone(), held],
            },
            _ => vec![entry.clone()],
        };
        for entry in entries {
            self.tell(&mut state.listeners, log, &entry);
        }
        state.listeners.append(&mut state.late);
    }

    fn tell(&self, listeners: &mut [Listener], log: &Key, entry: &Entry) {
        let mut heard: Vec<_> = listeners
            .iter_mut()
            .filter(|listener| self.has(Defect::AnnouncesEverything) || listener.log == *log)
            .collect();
        if self.has(Defect::AnnouncesToTheLast) {
            heard = heard.pop().into_iter().collect();
        }
        for listener in heard {
            listener.told += 1;
            if listener.told > ROOM && self.has(Defect::AnnouncesWhatIsHeard) {
                continue;
            }
            let is_heard = listener.announcer.tell(Announced::Event(entry.clone()));
            if !is_heard && self.has(Defect::AnnouncesUntilOneHasGone) {
                return;
            }
        }
    }

    fn read(&self, kept: &mut Kept, read: &ReadAfter<'_>) -> Read {
        let (mut position, head) = (read.position, kept.head);
        let mut is_same = position.epoch == head.epoch;
        if self.has(Defect::LooksAtNoEpochs) {
            (position.epoch, is_same) = (head.epoch, true);
        }
        let first = if is_same { position.offset.saturating_add(1) } else { 0 };
        let first =
            if self.has(Defect::ReadsWhatWasRead) { first.saturating_sub(1) } else { first };
        let limit = if self.has(Defect::ReadsMore) { usize::MAX } else { read.limit };
        let found = kept.entries.iter().filter(|entry| entry.position.offset >= first).take(limit);
        let mut events: Vec<_> = found.cloned().collect();
        if let Some(next) = events.first().filter(|_| self.has(Defect::LooksAtNoTags)) {
            position.tag = next.previous;
        }
        let judged = Read::judge(position, head, events.clone());
        match self.defect {
            Some(Defect::ReadsBackwards) => events.reverse(),
            Some(Defect::ReadsNoLast) => drop(events.pop()),
            Some(Defect::ReadsWhatWasRead) if position.offset > 0 => {}
            Some(Defect::TakesWhatIsRead) => kept.entries.clear(),
            _ => return self.gap(judged, head, events),
        }
        match judged {
            Read::Gap(gap) if !self.has(Defect::ReadsWhatWasRead) => Read::Gap(gap),
            _ => Read::Events(events),
        }
    }

    fn gap(&self, judged: Read, head: Position, events: Vec<Entry>) -> Read {
        match (judged, self.defect) {
            (Read::Gap(gap), Some(Defect::Hides(lost))) if gap.lost == lost => Read::Events(events),
            (Read::Gap(mut gap), Some(Defect::GoesOnAtTheEnd)) => {
                gap.resume = head;
                Read::Gap(gap)
            }
            (judged, _) => judged,
        }
    }
}

impl Kept {
    fn new() -> Self {
        let head = Position::start(uuid::Uuid::new_v4().as_fields().0);
        Self { head, entries: Vec::new(), held: None }
    }
}

fn text(key: &Key) -> String {
    String::from_utf8_lossy(key.as_bytes()).into_owned()
}

impl EventLog for Naive {
    fn append(&self, append: Append<'_>) -> StoreFuture<Result<Position, StoreError>> {
        let new = self.new_event(&append);
        if !self.has(Defect::IsNotAtomic) {
            let position = self.with(append.log, |state, log| self.add(state, log, &new));
            return StoreFuture::ready(Ok(position));
        }
        let (naive, log) = (self.clone(), append.log.clone());
        StoreFuture::new(async move {
            let looked = naive.with(&log, |state, log| {
                (state.ids.get(&(log.clone(), new.id)).copied(), state.logs[log].head)
            });
            if let (Some(position), _) = looked {
                return Ok(position);
            }
            tokio::task::yield_now().await;
            Ok(naive.with(&log, |state, log| {
                let position = naive.push(state, log, looked.1, &new);
                state.ids.insert((log.clone(), new.id), position);
                position
            }))
        })
    }

    fn read_after(&self, read: ReadAfter<'_>) -> StoreFuture<Result<Read, StoreError>> {
        StoreFuture::ready(Ok(
            self.with(read.log, |state, log| self.read(state.logs.get_mut(log).unwrap(), &read))
        ))
    }

    fn head(&self, head: Head<'_>) -> StoreFuture<Result<Position, StoreError>> {
        StoreFuture::ready(Ok(self.with(head.log, |state, log| {
            let kept = &state.logs[log];
            match self.defect {
                Some(Defect::BeginsAnewEachTime) if kept.entries.is_empty() => Kept::new().head,
                Some(Defect::EndsBeforeItsEnd) => {
                    kept.entries.last().map_or(kept.head, Entry::before)
                }
                _ => kept.head,
            }
        })))
    }

    fn announcements(&self, listen: Listen<'_>) -> StoreFuture<Result<Announcements, StoreError>> {
        let (announcer, announcements) = Announcements::channel(ROOM);
        self.with(listen.log, |state, log| {
            let listener = Listener { log: log.clone(), announcer, told: 0 };
            match self.defect {
                Some(Defect::ListensLate) => state.late.push(listener),
                _ => state.listeners.push(listener),
            }
        });
        StoreFuture::ready(Ok(announcements))
    }
}
