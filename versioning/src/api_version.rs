use std::sync::Arc;

use crate::{Index, Source};

/// The version that a request gets. In its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiVersion {
    pub(crate) resolved: Arc<str>,
    pub(crate) requested: Requested,
    pub(crate) index: Index,
    pub(crate) source: Option<Source>,
    pub(crate) pinned: bool,
    /// What stands in the path before the version, if the version was taken out of it.
    pub(crate) stripped_after: Option<Arc<str>>,
    /// The parameter of the query that it stands in, if it was found there first.
    pub(crate) parameter: Option<Arc<str>>,
}

/// Nearly always the one that it gets, which is counted once then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Requested {
    None,
    Resolved,
    Other(Arc<str>),
}

impl ApiVersion {
    /// The version, as clients are told it.
    pub fn resolved(&self) -> &str {
        &self.resolved
    }

    /// The version that was asked for, in the same form; nothing if none was. It is another one only under
    /// [`Select::Waterfall`](crate::Select::Waterfall).
    pub fn requested(&self) -> Option<&str> {
        match &self.requested {
            Requested::None => None,
            Requested::Resolved => Some(&self.resolved),
            Requested::Other(other) => Some(other),
        }
    }

    /// Its place among all versions, oldest first: to branch on, beside
    /// [`VersionLayer::index`](crate::VersionLayer::index).
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

    /// A path of this service as the client has to write it, so that it stays with its version: for
    /// `Location` and links.
    ///
    /// `/orders/7` becomes `/v1/orders/7` if the version was [taken out](crate::PathSegment::strip) of the
    /// path, and `/orders/7?version=v1` if it stands in the query, as the Azure API guidelines ask of links
    /// to the next page. A version in a header is no part of a link.
    pub fn path(&self, path: &str) -> String {
        let version = self.requested().unwrap_or(&self.resolved);
        let after = self.stripped_after.as_deref();
        let rest = after.and_then(|after| Some((after, path.strip_prefix(after)?)));
        // `/apiary` is not below `/api`.
        let rest = rest.filter(|(_, rest)| rest.is_empty() || rest.starts_with(['/', '?']));
        match (rest, &self.parameter) {
            (Some((after, rest)), _) => {
                let rest = if rest == "/" { "" } else { rest };
                [after, "/", version, rest].concat()
            }
            (None, Some(parameter)) => with_parameter(path, parameter, version),
            (None, None) => path.to_owned(),
        }
    }
}

/// A path that has the parameter already is left alone.
fn with_parameter(path: &str, name: &str, value: &str) -> String {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    if form_urlencoded::parse(query.as_bytes()).any(|(known, _)| known == name) {
        return path.to_owned();
    }
    let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    let joint = match (path.contains('?'), query.is_empty()) {
        (false, _) => "?",
        (true, true) => "",
        (true, false) => "&",
    };
    [path, joint, &pair].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_goes_behind_whole_segments() {
        let version = ApiVersion {
            resolved: "v1".into(),
            requested: Requested::Resolved,
            index: Index::of(0),
            source: Some(Source::Path),
            pinned: false,
            stripped_after: Some("/api".into()),
            parameter: None,
        };
        for (path, expected) in [
            ("/api/x", "/api/v1/x"),
            ("/api", "/api/v1"),
            ("/api?a", "/api/v1?a"),
            ("/apiary/x", "/apiary/x"),
            ("/other", "/other"),
        ] {
            assert_eq!(version.path(path), expected);
        }
    }

    #[test]
    fn a_parameter_is_added_once() {
        for (path, expected) in [
            ("/orders", "/orders?api-version=v1"),
            ("/orders?", "/orders?api-version=v1"),
            ("/orders?page=2", "/orders?page=2&api-version=v1"),
            ("/orders?api%2Dversion=2", "/orders?api%2Dversion=2"),
        ] {
            assert_eq!(with_parameter(path, "api-version", "v1"), expected);
        }
        assert_eq!(with_parameter("/", "a b", "1+2"), "/?a+b=1%2B2");
    }
}
