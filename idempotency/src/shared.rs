use std::fmt;
use std::sync::Arc;

use stonework_core::{Clock, StoreGuard};

use crate::policy::Policy;
use crate::runs::Runs;
use crate::store::IdempotencyStore;

/// What all clones of a layer and all its runs have in common.
pub(crate) struct Shared {
    pub(crate) policy: Policy,
    pub(crate) store: Arc<dyn IdempotencyStore>,
    pub(crate) guard: StoreGuard,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) runs: Arc<Runs>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("policy", &self.policy).finish_non_exhaustive()
    }
}
