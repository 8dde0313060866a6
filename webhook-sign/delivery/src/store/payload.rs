use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http::HeaderValue;

/// What is sent: a body, and what it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    content_type: HeaderValue,
    body: Bytes,
}

impl Payload {
    /// The longest `content-type`, in bytes.
    pub const MAX_CONTENT_TYPE: usize = 1_024;

    /// This body.
    ///
    /// # Errors
    ///
    /// When the `content-type` has more than [`MAX_CONTENT_TYPE`](Self::MAX_CONTENT_TYPE) bytes.
    pub fn new(content_type: HeaderValue, body: Bytes) -> Result<Self, ContentTypeTooLong> {
        if content_type.len() > Self::MAX_CONTENT_TYPE {
            return Err(ContentTypeTooLong);
        }
        Ok(Self { content_type, body })
    }

    /// The `content-type`.
    pub const fn content_type(&self) -> &HeaderValue {
        &self.content_type
    }

    /// The body.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it says may be nobody's business.
        f.debug_struct("Payload").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// A `content-type` of more bytes than a [`Payload`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentTypeTooLong;

impl fmt::Display for ContentTypeTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the content type has more than {} bytes", Payload::MAX_CONTENT_TYPE)
    }
}

impl Error for ContentTypeTooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_has_a_longest() {
        let payload = |bytes| {
            let content_type = HeaderValue::try_from("a".repeat(bytes)).unwrap();
            Payload::new(content_type, Bytes::new())
        };
        assert!(payload(Payload::MAX_CONTENT_TYPE).is_ok());
        assert_eq!(payload(Payload::MAX_CONTENT_TYPE + 1), Err(ContentTypeTooLong));
        assert_eq!(payload(70_000), Err(ContentTypeTooLong));
    }
}
