use std::error::Error;
use std::fmt;

use stonework_core::StoreError;

use crate::IdError;
use crate::store::ContentTypeTooLong;

/// Why a message is not in the outbox.
#[derive(Debug)]
#[non_exhaustive]
pub enum EnqueueError {
    /// Its id cannot be used.
    Id(IdError),
    /// Its body has more bytes than [`max_body`](crate::DeliveryBuilder::max_body).
    TooLarge {
        /// The most.
        max: usize,
    },
    /// Its `content-type` is too long.
    ContentType(ContentTypeTooLong),
    /// The outbox has no room.
    Full,
    /// The endpoint is disabled.
    Disabled,
    /// The outbox did not answer: whether the message is in it is unknown. Enqueue it again, with the same id.
    Store(StoreError),
}

impl fmt::Display for EnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(error) => error.fmt(f),
            Self::TooLarge { max } => write!(f, "the body has more than {max} bytes"),
            Self::ContentType(error) => error.fmt(f),
            Self::Full => f.write_str("the outbox has no room"),
            Self::Disabled => f.write_str("the endpoint is disabled"),
            Self::Store(_) => f.write_str("whether the message is in the outbox is unknown"),
        }
    }
}

impl Error for EnqueueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<IdError> for EnqueueError {
    fn from(error: IdError) -> Self {
        Self::Id(error)
    }
}

impl From<ContentTypeTooLong> for EnqueueError {
    fn from(error: ContentTypeTooLong) -> Self {
        Self::ContentType(error)
    }
}
