use std::error::Error;
use std::fmt;

use crate::SignFault;

/// Why a request was not sent, or what the client inside says.
///
/// A layer on a client cannot answer in place of a server, so this is where an error type is wrapped.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignError<E> {
    /// The client's own error.
    Inner(E),
    /// The request was not signed, and not sent.
    NotSigned(SignErrorKind),
}

/// Why a request was not signed.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignErrorKind {
    /// The body is larger than the cap.
    BodyTooLarge,
    /// The body did not come to its end in time.
    BodyTimedOut,
    /// The body failed by itself.
    Body(Box<dyn Error + Send + Sync>),
    /// There are no keys for this request, or they could not be looked up.
    Keys(Option<stonework_core::StoreError>),
    /// The scheme cannot sign it: the scheme's name, and why.
    Fault(&'static str, SignFault),
}

impl<E> SignError<E> {
    /// The client's own error, if it is that.
    ///
    /// # Errors
    ///
    /// Why the request was not signed.
    pub fn into_inner(self) -> Result<E, SignErrorKind> {
        match self {
            Self::Inner(error) => Ok(error),
            Self::NotSigned(kind) => Err(kind),
        }
    }
}

impl<E: fmt::Display> fmt::Display for SignError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inner(error) => error.fmt(f),
            Self::NotSigned(kind) => kind.fmt(f),
        }
    }
}

impl fmt::Display for SignErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyTooLarge => f.write_str("the body is too large to be signed"),
            Self::BodyTimedOut => f.write_str("the body did not come to its end in time"),
            Self::Body(_) => f.write_str("the body could not be read to its end"),
            Self::Keys(_) => f.write_str("there is no key to sign with"),
            Self::Fault(scheme, fault) => write!(f, "not signed by the scheme {scheme}: {fault}"),
        }
    }
}

impl<E: Error + 'static> Error for SignError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // It is shown in our place, and so is its source.
            Self::Inner(error) => error.source(),
            Self::NotSigned(kind) => kind.source(),
        }
    }
}

impl Error for SignErrorKind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Body(error) => Some(&**error),
            Self::Keys(error) => error.as_ref().map(|error| error as _),
            Self::Fault(_, fault) => Some(fault),
            Self::BodyTooLarge | Self::BodyTimedOut => None,
        }
    }
}
