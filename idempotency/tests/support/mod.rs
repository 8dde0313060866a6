//! What tests of more than one contract use.

// No test uses all of it.
#![allow(dead_code, clippy::unwrap_used)]

#[cfg(feature = "redis-1")]
pub(crate) mod redis;
#[cfg(feature = "redis-1")]
pub(crate) mod run;
