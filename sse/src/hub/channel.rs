//! One log, as it is read by those who are here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use stonework_core::{Key, StoreError};
use tokio::sync::{Notify, OnceCell};
use tokio::task::AbortHandle;

use super::Shared;
use super::waiters::{Place, Waiters};
use super::window::{Pushed, Window};
use crate::jitter::jittered;
use crate::store::{Announced, Announcements, Entry, Head, Listen, Read, ReadAfter};
use crate::{Position, trace};

/// How many events are read at once to fill a hole.
const BATCH: usize = 256;

/// After an error of the store.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Channel {
    log: Key,
    inner: Mutex<Inner>,
    /// How often something was new: the round of those who wait.
    round: AtomicU64,
    shared: Arc<Shared>,
    /// Listens, as long as anybody is here.
    pump: OnceCell<AbortHandle>,
    /// The log is not what the window says.
    doubted: Arc<Notify>,
}

/// What is new, and who waits for it.
pub(super) struct Inner {
    pub(super) window: Window,
    waiters: Waiters,
    /// Nobody listens any more.
    is_over: bool,
}

impl Inner {
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) const fn round(&self) -> u64 {
        self.waiters.round()
    }

    pub(super) fn wait(&mut self, before: Option<Place>, waker: &Waker) -> Place {
        self.waiters.wait(before, waker)
    }
}

impl Channel {
    pub(super) fn new(log: &Key, shared: &Arc<Shared>) -> Self {
        Self {
            log: log.clone(),
            inner: Mutex::new(Inner {
                window: Window::new(Position::start(0), shared.window),
                waiters: Waiters::default(),
                is_over: false,
            }),
            round: AtomicU64::new(0),
            shared: Arc::clone(shared),
            pump: OnceCell::new(),
            doubted: Arc::default(),
        }
    }

    /// Listens, and looks where the log ends after that: nothing can be appended unheard then.
    pub(super) async fn open(self: &Arc<Self>) -> Result<(), StoreError> {
        let opened = self.pump.get_or_try_init(|| async {
            let announcements = self.listen().await?;
            let head = self.head().await?;
            self.lock().window.restart(head);
            let alive = Alive(Arc::downgrade(self));
            let doubted = Arc::clone(&self.doubted);
            Ok(tokio::spawn(pump(alive, announcements, doubted)).abort_handle())
        });
        opened.await.map(drop)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the log looked at: somebody has read what the window cannot go on from.
    pub(super) fn doubt(&self) {
        self.doubted.notify_one();
    }

    /// Whether nothing is new since somebody began to wait here.
    pub(super) fn is_quiet_since(&self, place: Place) -> bool {
        self.round.load(Ordering::Acquire) == place.round()
    }

    pub(super) fn leave(&self, place: Place) {
        if self.is_quiet_since(place) {
            self.lock().waiters.leave(place);
        }
    }

    /// Wakes all who wait, once nothing is locked: they look at once, on other threads.
    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        let mut all = inner.waiters.all();
        self.round.store(inner.waiters.round(), Ordering::Release);
        drop(inner);
        all.drain().for_each(Waker::wake);
        self.lock().waiters.give_back(all);
    }

    pub(super) async fn head(&self) -> Result<Position, StoreError> {
        let Shared { log, guard, .. } = &*self.shared;
        guard.run(|| log.head(Head::new(&self.log))).await
    }

    pub(super) async fn read_after(
        &self,
        position: Position,
        limit: usize,
    ) -> Result<Read, StoreError> {
        let Shared { log, guard, reads, .. } = &*self.shared;
        // Whoever waits for its turn does not wait for the store.
        let _turn = reads.acquire().await;
        guard.run(|| log.read_after(ReadAfter::new(&self.log, position, limit))).await
    }

    async fn listen(&self) -> Result<Announcements, StoreError> {
        let Shared { log, listening, .. } = &*self.shared;
        listening.run(|| log.announcements(Listen::new(&self.log))).await
    }

    fn push(&self, entry: Entry) -> Pushed {
        let mut inner = self.lock();
        let pushed = inner.window.push(entry);
        if pushed == Pushed::New {
            self.wake(inner);
        }
        pushed
    }

    /// Reads what was not announced. Says whether there is more.
    async fn catch_up(&self) -> Result<bool, StoreError> {
        let tail = self.lock().window.tail();
        let read = self.read_after(tail, BATCH).await?;
        let mut inner = self.lock();
        match read {
            Read::Events(entries) if entries.is_empty() => return Ok(false),
            Read::Events(entries) => {
                trace::repaired!(entries.len());
                for entry in entries {
                    inner.window.push(entry);
                }
            }
            Read::Gap(gap) => {
                trace::lost!(gap.lost);
                inner.window.restart(gap.resume);
            }
        }
        self.wake(inner);
        Ok(true)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some(pump) = self.pump.get() {
            pump.abort();
        }
        self.shared.forget(&self.log);
    }
}

/// The channel, as whoever listens knows it. When that ends before all have gone, since the log has panicked or its
/// runtime has ended, they are told: nothing would ever come.
struct Alive(Weak<Channel>);

impl Alive {
    fn upgrade(&self) -> Option<Arc<Channel>> {
        self.0.upgrade()
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(channel) = self.upgrade() {
            let mut inner = channel.lock();
            inner.is_over = true;
            channel.wake(inner);
        }
    }
}

/// What there is to do for whoever listens.
enum Heard {
    Event(Entry),
    /// There may be more in the log.
    Lapse,
    Doubt,
    Nobody,
}

/// Takes what is announced, and reads what was not. Whatever happens to announcements, the log is looked at now and
/// then.
async fn pump(channel: Alive, announcements: Announcements, doubted: Arc<Notify>) {
    let mut announcements = Some(announcements);
    loop {
        let Some(looks_every) = channel.upgrade().map(|channel| channel.shared.looks_every) else {
            return;
        };
        let heard = match &mut announcements {
            Some(announcements) => tokio::select! {
                biased;
                told = announcements.next() => heard(told),
                () = doubted.notified() => Heard::Doubt,
                () = tokio::time::sleep(jittered(looks_every)) => Heard::Lapse,
            },
            None => Heard::Nobody,
        };
        let is_doubted = matches!(heard, Heard::Doubt);
        match heard {
            Heard::Event(entry) => {
                let pushed = channel.upgrade().map(|channel| channel.push(entry));
                if pushed != Some(Pushed::Hole) {
                    continue;
                }
            }
            Heard::Nobody => {
                let Some(channel) = channel.upgrade() else { return };
                let listening = channel.listen().await;
                announcements = listening.inspect_err(|error| trace::failed!(error)).ok();
            }
            Heard::Lapse | Heard::Doubt => {}
        }
        // What was not announced is not announced later, so it is read as soon as the store answers.
        while !catch_up(&channel).await {
            tokio::time::sleep(jittered(PAUSE)).await;
        }
        if is_doubted {
            let Some(channel) = channel.upgrade() else { return };
            channel.wake(channel.lock());
        }
        if announcements.is_none() || is_doubted {
            tokio::time::sleep(jittered(PAUSE)).await;
        }
    }
}

fn heard(told: Option<Announced>) -> Heard {
    match told {
        Some(Announced::Event(entry)) => Heard::Event(entry),
        Some(Announced::Lapse) => Heard::Lapse,
        None => Heard::Nobody,
    }
}

/// Whether the store has answered, as long as anybody is here.
async fn catch_up(channel: &Alive) -> bool {
    loop {
        let Some(here) = channel.upgrade() else { return true };
        let more = here.catch_up().await;
        drop(here);
        match more {
            // Those who read along have their turn before there is more.
            Ok(true) => tokio::task::yield_now().await,
            Ok(false) => return true,
            Err(error) => {
                trace::failed!(error);
                return false;
            }
        }
    }
}
