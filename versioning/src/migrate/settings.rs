use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use crate::table::Table;
use crate::{Index, PathSegment};

/// What all clones of a layer have in common.
pub(super) struct Settings {
    /// Each with the version that introduced it, oldest first.
    pub(super) gates: Vec<(Index, Gate)>,
    pub(super) names: Vec<Arc<str>>,
    pub(super) paths: Vec<PathSegment>,
    pub(super) table: Arc<dyn Table>,
    pub(super) max_request_body: usize,
    pub(super) max_response_body: usize,
    pub(super) read_timeout: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) problem_base: String,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.gates.iter().map(|(_, gate)| gate)).finish()
    }
}
