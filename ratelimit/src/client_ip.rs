//! STUB
use stonework_core::{ConfigError, Key, RequestHead};
#[derive(Clone, Debug)]
pub struct ClientIp;
impl ClientIp {
    pub fn peer() -> Self {
        Self
    }
    pub(crate) fn key(&self, _: &RequestHead<'_>) -> Option<Key> {
        None
    }
    pub(crate) fn errors(&self) -> Vec<ConfigError> {
        vec![]
    }
}
