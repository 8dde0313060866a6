mod error;
mod pattern;
mod serialized;
mod set;

pub use error::{OriginError, OriginErrorKind};
pub use pattern::OriginPattern;
pub use set::OriginSet;
