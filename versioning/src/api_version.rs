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
    pub(crate) pinned: bool,
    /// What stands in the path before the version, if the version was taken out of it.
    pub(crate) stripped_after: Option<Arc<str>>,
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

    /// Whether it is the one that the account is pinned to.
    pub const fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// A path of this service as the client has to write it: with the version, if that was
    /// [taken out](crate::PathSegment::strip) of the path of this request. For `Location` and links, which
    /// would lead elsewhere otherwise.
    ///
    /// `/orders/7` becomes `/v1/orders/7`. A path that the version is not taken out of stays as it is.
    pub fn path(&self, path: &str) -> String {
        let after = self.stripped_after.as_deref();
        match after.and_then(|after| Some((after, path.strip_prefix(after)?))) {
            Some((after, rest)) => {
                let rest = if rest == "/" { "" } else { rest };
                [after, "/", &self.resolved, rest].concat()
            }
            None => path.to_owned(),
        }
    }
}
