use std::fmt;
use std::sync::Arc;

use http::Uri;

use crate::asked::Asked;
use crate::profile::Profile;
use crate::{Binding, Cursors, Verified};

/// All that is known of a page before it is known how it is sorted.
pub(crate) struct Context {
    pub(crate) profile: Arc<Profile>,
    /// Nothing where cursors are ids of objects.
    pub(crate) cursors: Option<Cursors>,
    pub(crate) binding: Binding,
    pub(crate) asked: Asked,
    /// What the cursors of the request say, which have been looked at.
    pub(crate) cursor: Option<Verified>,
    pub(crate) until: Option<Verified>,
    /// As the client sent it.
    pub(crate) uri: Uri,
    /// What links begin with.
    pub(crate) prefix: String,
    pub(crate) problem_base: Arc<str>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("limit", &self.asked.limit)
            .field("direction", &self.asked.direction)
            .finish_non_exhaustive()
    }
}
