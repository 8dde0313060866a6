//! CORS for any tower service.

mod origin;
pub mod store;

pub use origin::{OriginError, OriginErrorKind, OriginPattern, OriginSet};
#[doc(no_inline)]
pub use stonework_core::{
    ConfigError, ConfigErrors, Key, NotExecuted, Problem, RequestHead, StoneBody,
};
