//! `stonework-sse`: events written beside axum's, streams read beside other decoders, and one event for thousands.

mod decode;
mod decoders;
mod encode;
mod fan_out;
mod polled;
pub mod sockets;
mod sources;

pub use decode::{Case, reading};

use crate::suite::Suite;

pub(crate) fn suite() -> Suite {
    let written = encode::CASES.into_iter().map(encode::scenario);
    let read = Case::ALL.into_iter().map(reading);
    let given = fan_out::CASES.into_iter().map(fan_out::scenario);
    Suite::new("sse", written.chain(read).chain(given).collect())
}
