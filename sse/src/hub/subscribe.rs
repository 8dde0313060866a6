use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stonework_core::Key;

use crate::LastEventId;
use crate::store::Entry;

type Allow = Arc<dyn Fn(&Entry) -> bool + Send + Sync>;

/// Which events are wanted.
#[derive(Clone, Default)]
pub(super) struct Wanted {
    topics: Option<Box<[Key]>>,
    allow: Option<Allow>,
}

/// What somebody wants to be told.
#[derive(Clone)]
#[must_use = "it is made by `Hub::subscribe`"]
pub struct Subscribe {
    pub(super) log: Key,
    pub(super) wanted: Wanted,
    pub(super) begins: Begins,
    pub(super) expires_at: Option<Duration>,
}

/// Where it begins.
#[derive(Clone, Debug)]
pub(super) enum Begins {
    Now,
    First,
    After(LastEventId),
}

impl Wanted {
    /// Is it one that is wanted?
    pub(super) fn wants(&self, entry: &Entry) -> bool {
        self.topics.as_ref().is_none_or(|topics| topics.contains(&entry.topic))
            && self.allow.as_ref().is_none_or(|allow| allow(entry))
    }
}

impl Subscribe {
    /// All events of this log, from now on. Who may read the log is for you to say. Its name is the same as
    /// [`Publish::to`](crate::Publish::to) has it, byte by byte: `7_u64` and `"7"` are two logs.
    pub fn to(log: impl Into<Key>) -> Self {
        Self { log: log.into(), wanted: Wanted::default(), begins: Begins::Now, expires_at: None }
    }

    /// Only events of these topics. May be said more than once.
    pub fn topics<K: Into<Key>>(mut self, topics: impl IntoIterator<Item = K>) -> Self {
        let known = self.wanted.topics.take().unwrap_or_default().into_iter();
        self.wanted.topics = Some(known.chain(topics.into_iter().map(Into::into)).collect());
        self
    }

    /// And before that, all that came after this: a [`Position`](crate::Position), or what a client sent for one. If
    /// there is none, it begins now.
    pub fn after(self, after: impl Into<Option<LastEventId>>) -> Self {
        Self { begins: after.into().map_or(Begins::Now, Begins::After), ..self }
    }

    /// And before that, all that the log has. If its first events are gone, that begins with a gap.
    pub fn from_the_first(self) -> Self {
        Self { begins: Begins::First, ..self }
    }

    /// Only events of which this says so. It is asked of each event whenever it is given, so that what somebody must
    /// not read any more is not replayed either.
    pub fn allow(mut self, allow: impl Fn(&Entry) -> bool + Send + Sync + 'static) -> Self {
        self.wanted.allow = Some(Arc::new(allow));
        self
    }

    /// It ends at this time, since 1970: when the token of whoever asks expires. A browser comes back at once, and is
    /// asked who it is.
    pub fn expires_at(self, unix: Duration) -> Self {
        Self { expires_at: Some(unix), ..self }
    }

    /// Whether it says where to begin, and whether that can be read.
    #[cfg(any(feature = "poll", feature = "ws"))]
    pub(crate) fn cursor(&self) -> (bool, bool) {
        match &self.begins {
            Begins::Now => (false, true),
            Begins::First => (true, true),
            Begins::After(after) => (true, after.position().is_some()),
        }
    }
}

impl fmt::Debug for Subscribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe").field("begins", &self.begins).finish_non_exhaustive()
    }
}

/// What becomes of a client that has fallen further behind than it [may](crate::HubBuilder::max_lag): its connection
/// takes less than what is published.
///
/// It is told as soon as it reads again. As long as it takes nothing at all, its stream cannot end by itself; what it
/// holds then is its place, and what the connection has in its buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SlowClients {
    /// Its stream ends. It comes back with its last id, and is given what it missed from the log.
    #[default]
    Disconnect,
    /// It is told of a gap, and goes on with what comes next.
    SkipToLatest,
    /// It is told of a gap, and goes on with the oldest event that is still in the window.
    Drop,
}
