//! Versions of a kind that is not named any more, so that a layer has none in its type.

use std::sync::Arc;

use stonework_core::RequestHead;

use crate::api_version::Requested;
use crate::life::Stage;
use crate::{ApiVersion, Fault, Index, Moment, Reader, Select, Source, Version, Versions};

pub(crate) trait Table: Send + Sync + 'static {
    /// The version that a request asks for.
    fn resolve(&self, head: &RequestHead<'_>) -> Result<Option<ApiVersion>, Fault>;

    fn stage(&self, index: Index, now: Moment) -> Stage;

    /// Is this a version, of these or of others?
    fn is_version(&self, text: &str) -> bool;

    /// The version of this text, as it is written in a configuration.
    fn find(&self, text: &str) -> Option<Index>;

    /// Where versions are looked for.
    #[cfg(feature = "utoipa-6")]
    fn readers(&self) -> &[Reader];

    /// Is the version switched off for a while, some day?
    #[cfg(feature = "utoipa-6")]
    fn has_brownouts(&self, index: Index) -> bool;
}

pub(crate) struct Typed<V> {
    pub(crate) versions: Versions<V>,
    pub(crate) readers: Vec<Reader>,
    pub(crate) select: Select,
    /// As clients are told them.
    pub(crate) names: Vec<Arc<str>>,
}

impl<V: Version> Table for Typed<V> {
    fn resolve(&self, head: &RequestHead<'_>) -> Result<Option<ApiVersion>, Fault> {
        let resolved = self.versions.resolve(&self.readers, head, self.select)?;
        Ok(resolved.map(|resolved| {
            let name = Arc::clone(&self.names[resolved.index.get()]);
            let requested = match self.select {
                Select::Exact => Requested::Resolved,
                Select::Waterfall => self.requested(head, &name),
            };
            ApiVersion {
                resolved: name,
                requested,
                index: resolved.index,
                source: Some(resolved.source),
                pinned: false,
                stripped_after: None,
                parameter: self.parameter(head, resolved.source),
            }
        }))
    }

    fn stage(&self, index: Index, now: Moment) -> Stage {
        self.versions.stage(index, now)
    }

    fn is_version(&self, text: &str) -> bool {
        V::parse(text.as_bytes()).is_ok()
    }

    fn find(&self, text: &str) -> Option<Index> {
        let version = V::parse(text.as_bytes()).ok()?;
        self.versions.iter().find(|index| self.versions.get(*index) == Some(&version))
    }

    #[cfg(feature = "utoipa-6")]
    fn readers(&self) -> &[Reader] {
        &self.readers
    }

    #[cfg(feature = "utoipa-6")]
    fn has_brownouts(&self, index: Index) -> bool {
        self.versions.has_brownouts(index)
    }
}

impl<V: Version> Typed<V> {
    /// The parameter that the version stands in.
    fn parameter(&self, head: &RequestHead<'_>, source: Source) -> Option<Arc<str>> {
        if source != Source::Query {
            return None;
        }
        self.readers.iter().find_map(|reader| match reader {
            Reader::Query(query) if query.is_in(head) => Some(Arc::clone(query.name())),
            _ => None,
        })
    }

    /// What was asked for, in its canonical form.
    fn requested(&self, head: &RequestHead<'_>, resolved: &str) -> Requested {
        let mut requested = None;
        for reader in &self.readers {
            reader.each(head, &mut |_, text| {
                if requested.is_none() {
                    requested = V::parse(text).ok();
                }
            });
        }
        match requested.map(|version| version.to_string()) {
            Some(name) if name != resolved => Requested::Other(name.into()),
            _ => Requested::Resolved,
        }
    }
}
