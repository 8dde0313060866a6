//! What the tests share.
#![allow(dead_code, clippy::unwrap_used)] // Each test file uses its part; one that cannot go on has failed.

pub(crate) mod call;
pub(crate) mod sockets;
