use std::sync::Arc;

use stonework_core::{ConfigError, RequestHead};

use super::Source;

/// A parameter of the query: `?version=2`, `?api-version=2026-03-10`.
///
/// Names and values are decoded as forms are (URL, section 5.1), so that `api%2Dversion` is the same name.
/// Case matters. Every occurrence is read. A value that is empty is one that is malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    name: Arc<str>,
}

impl Query {
    /// The parameter of this name.
    pub fn named(name: &str) -> Self {
        Self { name: name.into() }
    }

    pub(crate) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Does the query have the parameter?
    pub(crate) fn is_in(&self, head: &RequestHead<'_>) -> bool {
        let mut is_in = false;
        self.each(head, &mut |_, _| is_in = true);
        is_in
    }

    pub(super) fn each(&self, head: &RequestHead<'_>, found: &mut dyn FnMut(Source, &[u8])) {
        let Some(query) = head.uri.query() else { return };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name == *self.name {
                found(Source::Query, value.as_bytes());
            }
        }
    }

    pub(super) fn fault(&self) -> Option<ConfigError> {
        self.name.is_empty().then(|| {
            let reason = "names no parameter; use a name such as version";
            ConfigError::new("Query::named", &self.name, reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::texts;
    use super::*;
    use http::Request;

    #[test]
    fn every_occurrence_is_read_and_decoded() {
        for (query, expected) in [
            ("?api-version=2", &["2"][..]),
            ("?a=b&api-version=2&c", &["2"]),
            ("?api%2Dversion=2", &["2"]),
            ("?%61pi-version=%32", &["2"]),
            ("?api-version=1&api-version=2", &["1", "2"]),
            ("?api-version=", &[""]),
            ("?api-version", &[""]),
            ("?api-version=+2", &[" 2"]),
            ("?api-version=2;v=3", &["2;v=3"]),
            ("?API-Version=2", &[]),
            ("?xapi-version=2&api-versionx=3", &[]),
            ("?", &[]),
            ("", &[]),
        ] {
            let request = Request::get(format!("/orders{query}")).body(()).unwrap();
            assert_eq!(texts(Query::named("api-version"), &request), expected, "{query}");
        }
    }
}
