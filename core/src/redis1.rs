//! What the stores over Redis share, whatever they keep there. Feature `redis-1`, named after the
//! major version of the `redis` crate.

mod fault;
mod preflight;
mod script;

pub use fault::{is_full, store_error};
pub use preflight::{Warning, preflight};
pub use script::Script;
