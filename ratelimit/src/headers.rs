//! STUB
use crate::{Decision, Quota};
use http::HeaderMap;
use std::time::Duration;
#[derive(Clone, Copy, Debug, Default)]
pub enum Headers {
    #[default]
    Draft10,
    None,
}
pub(crate) struct Renderer;
impl Renderer {
    pub(crate) fn new<'a>(
        _: Headers,
        _: impl Iterator<Item = (&'a str, Option<&'a Quota>)>,
    ) -> Self {
        Self
    }
    pub(crate) const fn is_silent(&self) -> bool {
        false
    }
    pub(crate) fn write(&self, _: &Decision, _: impl FnOnce() -> Duration, _: &mut HeaderMap) {}
}
