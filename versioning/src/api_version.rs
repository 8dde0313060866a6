use std::sync::Arc;

use crate::{Index, Source};

/// The version that a request gets. In its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiVersion {
    pub(crate) resolved: Arc<str>,
    pub(crate) requested: Option<Arc<str>>,
    pub(crate) index: Index,
    pub(crate) source: Option<Source>,
}

impl ApiVersion {
    /// The version, as clients are told it.
    pub fn resolved(&self) -> &str {
        &self.resolved
    }

    /// The version that was asked for, in the same form; nothing if none was. It is another one only under
    /// [`Select::Waterfall`](crate::Select::Waterfall).
    pub fn requested(&self) -> Option<&str> {
        self.requested.as_deref()
    }

    /// Its place among all versions, oldest first: to branch on.
    pub const fn index(&self) -> Index {
        self.index
    }

    /// Where it was found; nothing if the request did not say.
    pub const fn source(&self) -> Option<Source> {
        self.source
    }
}
