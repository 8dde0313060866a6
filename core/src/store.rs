use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What a store's method returns: a value that is already there, or a boxed future.
///
/// A store in memory answers with [`StoreFuture::ready`] and allocates nothing; a store behind a
/// network boxes its future. The type has a name and no lifetime, so that a trait which returns it
/// can be used as `Arc<dyn …>` and stored in a future.
///
/// An operation may take effect from the moment the method is called. Dropping the future neither
/// undoes it nor guarantees it: treat a drop or a timeout as *unknown*.
#[must_use = "futures do nothing unless polled"]
pub struct StoreFuture<T>(Kind<T>);

enum Kind<T> {
    Ready(Option<T>),
    Boxed(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> StoreFuture<T> {
    /// A future that is already done.
    pub const fn ready(value: T) -> Self {
        Self(Kind::Ready(Some(value)))
    }

    /// A future that has still to run.
    pub fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Kind::Boxed(Box::pin(future)))
    }

    /// The value, if it is already there. It stays where it is.
    #[inline]
    pub const fn get(&self) -> Option<&T> {
        match &self.0 {
            Kind::Ready(value) => value.as_ref(),
            Kind::Boxed(_) => None,
        }
    }

    /// The value, if it is already there; otherwise the future back.
    ///
    /// Lets a caller spare the timer that a future which waits would need.
    ///
    /// # Errors
    ///
    /// `Err(self)` when the future has still to run, or was polled to its end before.
    #[inline]
    pub fn try_ready(self) -> Result<T, Self> {
        match self.0 {
            Kind::Ready(Some(value)) => Ok(value),
            waiting => Err(Self(waiting)),
        }
    }
}

// Nothing here is pinned in place: the boxed future is behind its own pin.
impl<T> Unpin for StoreFuture<T> {}

impl<T> Future for StoreFuture<T> {
    type Output = T;

    /// Stays pending for ever when polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            Kind::Ready(value) => value.take().map_or(Poll::Pending, Poll::Ready),
            Kind::Boxed(future) => future.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for StoreFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            Kind::Ready(_) => "ready",
            Kind::Boxed(_) => "boxed",
        };
        f.debug_tuple("StoreFuture").field(&kind).finish()
    }
}

/// Why a store could not do what it was asked. The cause is its [`source`](Error::source).
///
/// Whatever the kind, the operation may or may not have taken effect; only after
/// [`NotAsked`](StoreErrorKind::NotAsked) it surely has not.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kinds of [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store was not reached, or the connection broke.
    Unavailable,
    /// No answer in time.
    TimedOut,
    /// The operation was not sent: the store has stopped answering and somebody else is probing it.
    NotAsked,
    /// The store holds something that this version cannot read.
    Incompatible,
    /// The store refused: a right is missing, a command is unknown, a script failed.
    Refused,
}

impl StoreError {
    /// An error of this kind without a cause.
    pub const fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// What happened, for `match`.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Did the store fail to answer? True of an outage, false of an answer that says no.
    pub const fn is_outage(&self) -> bool {
        match self.kind {
            StoreErrorKind::Unavailable | StoreErrorKind::TimedOut | StoreErrorKind::NotAsked => {
                true
            }
            StoreErrorKind::Incompatible | StoreErrorKind::Refused => false,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the store could not be reached",
            StoreErrorKind::TimedOut => "the store did not answer in time",
            StoreErrorKind::NotAsked => "the store is away and was not asked",
            StoreErrorKind::Incompatible => {
                "the store holds a record that this version cannot read"
            }
            StoreErrorKind::Refused => "the store refused the operation",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ready_and_boxed_give_their_value() {
        assert_eq!(StoreFuture::ready(1).await, 1);
        assert_eq!(StoreFuture::new(async { 2 }).await, 2);
        assert_eq!(StoreFuture::ready(3).get(), Some(&3));
        assert_eq!(StoreFuture::ready(3).try_ready().unwrap(), 3);
        assert_eq!(StoreFuture::new(async { 4 }).get(), None);
        assert_eq!(StoreFuture::new(async { 4 }).try_ready().unwrap_err().await, 4);
    }

    #[test]
    fn the_cause_is_kept() {
        let error = StoreError::new(StoreErrorKind::Unavailable).with_source("refused by peer");
        assert_eq!(error.to_string(), "the store could not be reached");
        assert_eq!(error.source().unwrap().to_string(), "refused by peer");
        assert!(error.is_outage());
    }
}
