//! Origins, and patterns of them.

mod error;
mod host;
mod index;
mod mend;
mod nearest;
mod pattern;
mod punycode;
mod read;
mod serialized;
mod set;

pub use error::{OriginError, OriginErrorKind};
pub use pattern::OriginPattern;
pub use set::OriginSet;

pub(crate) use host::is_host;
pub(crate) use serialized::Serialized;

#[cfg(test)]
mod tests;
