use std::error::Error;
use std::fmt;

use hyper_util::client::legacy;

use crate::Fault;
use crate::egress::{ConnectError, Forbidden};

/// Why a request was not answered.
#[derive(Debug)]
pub struct ClientError(Kind);

#[derive(Debug)]
enum Kind {
    Url(Forbidden),
    Client(legacy::Error),
}

impl ClientError {
    pub(super) const fn forbidden(forbidden: Forbidden) -> Self {
        Self(Kind::Url(forbidden))
    }

    pub(super) const fn client(error: legacy::Error) -> Self {
        Self(Kind::Client(error))
    }

    /// What went wrong.
    pub fn fault(&self) -> Fault {
        match &self.0 {
            Kind::Url(_) => Fault::Forbidden,
            Kind::Client(error) if !error.is_connect() => Fault::Broken,
            Kind::Client(error) => match connect_error(error) {
                Some(ConnectError::Forbidden(_)) => Fault::Forbidden,
                Some(ConnectError::TimedOut) => Fault::Timeout,
                _ => Fault::Connect,
            },
        }
    }

    /// Is it the URL itself, so that it will be the same the next time?
    pub const fn is_final(&self) -> bool {
        matches!(self.0, Kind::Url(_))
    }
}

fn connect_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e ConnectError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Url(_) => f.write_str("the egress guard does not allow the URL"),
            Kind::Client(_) => f.write_str("the request was not answered"),
        }
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Url(forbidden) => Some(forbidden),
            Kind::Client(error) => Some(error),
        }
    }
}
