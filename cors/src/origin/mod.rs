mod error;
mod mend;
mod nearest;
mod pattern;
mod read;
mod serialized;
mod set;

pub use error::{OriginError, OriginErrorKind};
pub use pattern::OriginPattern;
pub(crate) use serialized::{Serialized, is_host};
pub use set::OriginSet;
