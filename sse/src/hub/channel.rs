//! One log, as it is read by those who are here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use stonework_core::{Key, StoreError};
use tokio::sync::OnceCell;
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
}

/// What is new, and who waits for it.
pub(super) struct Inner {
    pub(super) window: Window,
    waiters: Waiters,
}

impl Inner {
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
            }),
            round: AtomicU64::new(0),
            shared: Arc::clone(shared),
            pump: OnceCell::new(),
        }
    }

    /// Listens, and looks where the log ends after that: nothing can be appended unheard then.
    pub(super) async fn open(self: &Arc<Self>) -> Result<(), StoreError> {
        let opened = self.pump.get_or_try_init(|| async {
            let announcements = self.listen().await?;
            let head = self.head().await?;
            self.lock().window.restart(head);
            let pump = pump(Arc::downgrade(self), announcements);
            Ok(tokio::spawn(pump).abort_handle())
        });
        opened.await.map(drop)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        let Shared { log, guard, .. } = &*self.shared;
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

/// Takes what is announced, and reads what was not. Whatever happens to announcements, the log is looked at now and
/// then.
async fn pump(channel: Weak<Channel>, announcements: Announcements) {
    let mut announcements = Some(announcements);
    loop {
        let Some(looks_every) = channel.upgrade().map(|channel| channel.shared.looks_every) else {
            return;
        };
        let told = match &mut announcements {
            Some(announcements) => tokio::select! {
                told = announcements.next() => told,
                () = tokio::time::sleep(jittered(looks_every)) => Some(Announced::Lapse),
            },
            None => None,
        };
        if told.is_none() {
            let Some(channel) = channel.upgrade() else { return };
            announcements = channel.listen().await.inspect_err(|error| trace::failed!(error)).ok();
        } else if let Some(Announced::Event(entry)) = told {
            let Some(pushed) = channel.upgrade().map(|channel| channel.push(entry)) else { return };
            if pushed != Pushed::Hole {
                continue;
            }
        }
        // What was not announced is not announced later, so it is read as soon as the store answers.
        while !catch_up(&channel).await {
            tokio::time::sleep(jittered(PAUSE)).await;
        }
        if announcements.is_none() {
            tokio::time::sleep(jittered(PAUSE)).await;
        }
    }
}

/// Whether the store has answered, as long as anybody is here.
async fn catch_up(channel: &Weak<Channel>) -> bool {
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
