//! One log, as it is read by those who are here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use stonework_core::{Key, StoreError};
use tokio::sync::{Notify, OnceCell};
use tokio::task::AbortHandle;

use super::Shared;
use super::window::{Pushed, Window};
use crate::jitter::jittered;
use crate::store::{Announced, Announcements, Entry, Head, Listen, Read, ReadAfter};
use crate::{Position, trace};

/// How many events are read at once to fill a hole.
const BATCH: usize = 256;

/// After an error of the store.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Channel {
    pub(super) log: Key,
    window: Mutex<Window>,
    /// Something is new.
    pub(super) changed: Arc<Notify>,
    shared: Arc<Shared>,
    /// Listens, as long as anybody is here.
    pump: OnceCell<AbortHandle>,
}

impl Channel {
    pub(super) fn new(log: &Key, shared: &Arc<Shared>) -> Self {
        Self {
            log: log.clone(),
            window: Mutex::new(Window::new(Position::start(0), shared.window)),
            changed: Arc::new(Notify::new()),
            shared: Arc::clone(shared),
            pump: OnceCell::new(),
        }
    }

    /// Listens, and looks where the log ends after that: nothing can be appended unheard then.
    pub(super) async fn open(self: &Arc<Self>) -> Result<(), StoreError> {
        let opened = self.pump.get_or_try_init(|| async {
            let announcements = self.listen().await?;
            let head = self.head().await?;
            self.window().restart(head);
            let pump = pump(Arc::downgrade(self), announcements);
            Ok(tokio::spawn(pump).abort_handle())
        });
        opened.await.map(drop)
    }

    pub(super) fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
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
        let pushed = self.window().push(entry);
        if pushed == Pushed::New {
            self.changed.notify_waiters();
        }
        pushed
    }

    /// Reads what was not announced. Says whether there is more.
    async fn catch_up(&self) -> Result<bool, StoreError> {
        let tail = self.window().tail();
        let more = match self.read_after(tail, BATCH).await? {
            Read::Events(entries) if entries.is_empty() => false,
            Read::Events(entries) => {
                trace::repaired!(entries.len());
                let mut window = self.window();
                for entry in entries {
                    window.push(entry);
                }
                true
            }
            Read::Gap(gap) => {
                trace::lost!(gap.lost);
                self.window().restart(gap.resume);
                true
            }
        };
        if more {
            self.changed.notify_waiters();
        }
        Ok(more)
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
