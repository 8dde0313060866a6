//! STUB
use bytes::Bytes;
use std::time::Duration;
pub(crate) fn encode<'a>(
    _: u16,
    _: &str,
    _: Option<Duration>,
    _: impl Iterator<Item = (&'a str, &'a str)>,
) -> Bytes {
    Bytes::new()
}
