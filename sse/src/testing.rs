//! Checks that a log keeps the contract of [`EventLog`]. Feature `testing`.
//!
//! ```
//! use stonework_sse::store::MemoryLog;
//! use stonework_sse::testing::{log_conformance, trim_conformance};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! log_conformance(MemoryLog::new()).await;
//! trim_conformance(MemoryLog::builder().max_events(10).build()?).await;
//! # Ok(())
//! # })
//! # }
//! ```

mod announcing;
mod appending;
mod reading;

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use stonework_core::{Key, StoreError, StoreErrorKind, StoreFuture};
use tokio::task::JoinSet;

use crate::Position;
use crate::store::{
    Announced, Announcements, Append, Entry, EventLog, Gap, Head, Listen, Read, ReadAfter,
};

/// How many at once.
const MANY: usize = 50;

/// Longer than any wait of a log that keeps the contract.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs every clause of [`EventLog`] upon `log`, short of what it forgets, for which there is [`trim_conformance`].
///
/// The logs are new ones in each run, and stay after it. There have to be 50 at once, each of which keeps 500 events
/// of the 100 bytes that most of these have, and one of 100,000. Within a tokio runtime whose time is enabled; on one
/// of many threads the races are real.
///
/// # Panics
///
/// When the log breaks a clause. The message says what was expected.
pub async fn log_conformance<L: EventLog>(log: L) {
    let store: Arc<dyn EventLog> = Arc::new(log);
    appending::conformance(&store).await;
    reading::conformance(&store).await;
    announcing::conformance(&store).await;
}

/// Runs the clauses about events that are forgotten upon `log`, which keeps only few: of the first 2,000 events the
/// oldest must be gone, and the newest must not.
///
/// # Panics
///
/// When the log breaks a clause. The message says what was expected.
pub async fn trim_conformance<L: EventLog>(log: L) {
    let store: Arc<dyn EventLog> = Arc::new(log);
    reading::trimming(&store).await;
}

/// One log.
#[derive(Clone)]
struct Log {
    store: Arc<dyn EventLog>,
    name: Key,
}

impl Log {
    fn new(store: &Arc<dyn EventLog>) -> Self {
        Self::named(store, new_name().as_bytes())
    }

    fn named(store: &Arc<dyn EventLog>, name: &[u8]) -> Self {
        Self { store: Arc::clone(store), name: Key::from(name) }
    }

    async fn append(&self, id: [u8; 16], topic: &[u8], body: &[u8]) -> Position {
        let (topic, body) = (Key::from(topic), Bytes::copy_from_slice(body));
        let append = Append::new(&self.name, id, &topic, body);
        self.store.append(append).await.expect("the log answers")
    }

    /// Any event.
    async fn append_one(&self) -> Position {
        self.append(new_id(), TOPIC, BODY).await
    }

    async fn append_some(&self, count: usize) -> Vec<Position> {
        let mut positions = Vec::new();
        for _ in 0..count {
            positions.push(self.append_one().await);
        }
        positions
    }

    /// By as many tasks.
    async fn append_at_once(&self, count: usize) -> Vec<Position> {
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let log = self.clone();
            tasks.spawn(async move { log.append_one().await });
        }
        tasks.join_all().await
    }

    async fn head(&self) -> Position {
        self.store.head(Head::new(&self.name)).await.expect("the log answers")
    }

    async fn read(&self, position: Position, limit: usize) -> Read {
        let read = ReadAfter::new(&self.name, position, limit);
        self.store.read_after(read).await.expect("the log answers")
    }

    /// So many at most that come after a position that is one of this log.
    async fn some_after(&self, position: Position, limit: usize) -> Vec<Entry> {
        match self.read(position, limit).await {
            Read::Events(events) => chained(position, events),
            Read::Gap(gap) => panic!("nothing is missing after {position}: {gap:?}"),
        }
    }

    /// All that come after it.
    async fn after(&self, mut position: Position) -> Vec<Entry> {
        let mut all = Vec::new();
        loop {
            let some = self.some_after(position, usize::MAX).await;
            let Some(last) = some.last() else { return all };
            position = last.position;
            all.extend(some);
        }
    }

    /// All that there are.
    async fn all(&self) -> Vec<Entry> {
        self.after(Position::start(self.head().await.epoch)).await
    }

    /// After a position after which something is missing.
    async fn gap(&self, position: Position) -> Gap {
        match self.read(position, usize::MAX).await {
            Read::Gap(gap) => gap,
            Read::Events(events) => panic!("{position} is none of this log, but {events:?}"),
        }
    }

    async fn listen(&self) -> Listener {
        let mut tries = 0..10;
        let told = loop {
            match self.store.announcements(Listen::new(&self.name)).await {
                // As it may on a busy machine, where it has to connect first.
                Err(error)
                    if error.kind() == StoreErrorKind::TimedOut && tries.next().is_some() => {}
                told => break told.expect("the log answers"),
            }
        };
        let head = self.head().await;
        Listener { log: self.clone(), told, at: head, heard: Vec::new(), read: head.offset }
    }
}

/// The same, if each follows the one before.
fn chained(mut position: Position, events: Vec<Entry>) -> Vec<Entry> {
    for event in &events {
        assert!(event.follows(position), "{event:?} is what comes after {position}");
        position = event.position;
    }
    events
}

/// One who knows what was appended, by what is told and, when that lapses, by reading.
struct Listener {
    log: Log,
    told: Announcements,
    at: Position,
    heard: Vec<Entry>,
    /// Up to here it has read by itself, and may be told again.
    read: u64,
}

impl Listener {
    /// Until it knows of so many events.
    async fn hear(&mut self, offset: u64) {
        while self.at.offset < offset {
            let told = tokio::time::timeout(DEADLINE, self.told.next()).await;
            match told.expect("what is appended is announced").expect("the log goes on") {
                Announced::Event(event) => self.add(event),
                Announced::Lapse => self.catch_up().await,
            }
        }
    }

    fn add(&mut self, event: Entry) {
        if event.position.offset <= self.read {
            return;
        }
        assert!(event.follows(self.at), "after {} it is told of {event:?}", self.at);
        self.at = event.position;
        self.heard.push(event);
    }

    async fn catch_up(&mut self) {
        for event in self.log.after(self.at).await {
            self.add(event);
        }
        self.read = self.at.offset;
    }
}

const TOPIC: &[u8] = b"topic";
const BODY: &[u8] = b"event: topic\ndata: {\"what\":\"is told\"}\n\n";

/// A name that nobody has used before.
fn new_name() -> String {
    // Each state has other keys than those before it, and those of other processes.
    format!("conformance-{:016x}", RandomState::new().hash_one("a name"))
}

fn new_id() -> [u8; 16] {
    uuid::Uuid::new_v4().into_bytes()
}

/// Texts that are as different as bytes can be.
const ODD: [&[u8]; 12] =
    [b"", b" ", b"a", b"A", b":", b"{x}", b"}", b"\0", b"\r\n", b"\xff", b"\xfe", &[b'l'; 300]];

/// Makes a step several times, each with its reply thrown away: before it is waited for, while it is, and
/// after.
async fn lose<T>(step: impl Fn() -> StoreFuture<Result<T, StoreError>>) {
    drop(step());
    give_up(step());
    let _ = step().await.expect("the log answers");
}

/// Drops a step that has begun.
fn give_up<T>(mut step: StoreFuture<T>) {
    let _ = Future::poll(Pin::new(&mut step), &mut Context::from_waker(Waker::noop()));
}
