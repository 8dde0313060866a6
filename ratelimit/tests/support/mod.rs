//! What tests of more than one contract use.

// No test uses all of it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod app;
pub mod faulty;
pub mod limits;
#[cfg(feature = "axum-0-8")]
pub mod sockets;
pub mod streams;
