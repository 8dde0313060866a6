//! What a version is.

mod date;
mod major;
mod major_minor;
mod number;
mod status;

use std::error::Error;
use std::fmt;

pub use date::DateVersion;
pub use major::{Channel, Major};
pub use major_minor::MajorMinor;
pub use status::Status;

/// A kind of versions: how one is written, and which of two is newer.
///
/// [`Major`], [`MajorMinor`] and [`DateVersion`] are such kinds, and so is a type of yours. What is
/// ordered later is newer. `Display` writes the canonical form, which is what clients are told, and which
/// [`parse`](Self::parse) reads back.
pub trait Version: Ord + Clone + fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Reads a version as a client sent it, byte for byte.
    ///
    /// # Errors
    ///
    /// What is not written as a version has to be. Two texts that mean the same version are equal; a text
    /// that means none is an error and never rounded to one.
    fn parse(text: &[u8]) -> Result<Self, Malformed>;
}

/// A text that is no version of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Malformed;

impl Malformed {
    /// For a [`Version`] of your own.
    pub const fn new() -> Self {
        Self
    }
}

impl Default for Malformed {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a version")
    }
}

impl Error for Malformed {}

/// What `FromStr` of each kind does.
macro_rules! from_str {
    ($($kind:ty),*) => {$(
        impl std::str::FromStr for $kind {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                Version::parse(text.as_bytes())
            }
        }
    )*};
}

from_str!(Major, MajorMinor, DateVersion);
