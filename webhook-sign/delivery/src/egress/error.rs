use std::error::Error;
use std::fmt;

use super::AddressKind;

/// Why nothing is sent somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Forbidden {
    /// The URL has no scheme, or no host.
    Incomplete,
    /// The scheme is not https.
    Scheme,
    /// The URL has a name or a password in it.
    UserInfo,
    /// The port is not among those that are allowed.
    Port,
    /// The address is not public.
    Address(AddressKind),
    /// The address was denied.
    Denied,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => {
                f.write_str("the URL is not absolute; write it with https and a host")
            }
            Self::Scheme => f.write_str("the scheme is not allowed; use https"),
            Self::UserInfo => f.write_str("the URL has a name or a password in it; leave them out"),
            Self::Port => f.write_str("the port is not allowed; use 443"),
            Self::Address(kind) => write!(f, "the address is not public ({kind})"),
            Self::Denied => f.write_str("the address is denied"),
        }
    }
}

impl Error for Forbidden {}
