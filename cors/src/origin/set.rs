use std::sync::Arc;

use http::HeaderValue;
use stonework_core::ConfigErrors;

use super::{OriginError, OriginPattern};

/// A set of origins.
#[derive(Clone, Debug, Default)]
pub struct OriginSet {
    patterns: Arc<[OriginPattern]>,
}

impl OriginSet {
    /// A set of these patterns.
    ///
    /// # Errors
    ///
    /// All that are malformed.
    pub fn parse<P: AsRef<str>>(
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Self, ConfigErrors<OriginError>> {
        let mut errors = Vec::new();
        let parse = |text: P| text.as_ref().parse().map_err(|error| errors.push(error)).ok();
        let set = patterns.into_iter().filter_map(parse).collect();
        ConfigErrors::check(errors, Ok(set))
    }

    /// Is this origin in the set?
    pub fn contains(&self, origin: &[u8]) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(origin))
    }

    /// The value to send back to this origin, if it is in the set.
    pub(crate) fn echo(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        self.contains(origin.as_bytes()).then(|| origin.clone())
    }

    /// The pattern that this origin, which is not in the set, was probably meant to match.
    pub fn nearest(&self, _origin: &[u8]) -> Option<&OriginPattern> {
        None
    }

    /// The patterns, in the order in which they were given, each once.
    pub fn iter(&self) -> std::slice::Iter<'_, OriginPattern> {
        self.patterns.iter()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Is nothing in it?
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

impl FromIterator<OriginPattern> for OriginSet {
    fn from_iter<I: IntoIterator<Item = OriginPattern>>(patterns: I) -> Self {
        Self { patterns: patterns.into_iter().collect() }
    }
}
