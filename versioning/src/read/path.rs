use std::sync::Arc;

use stonework_core::{ConfigError, RequestHead};

use super::Source;

/// A whole segment of the path, at a fixed place: `/v1/orders`, or `/api/v1/orders`.
///
/// The path is compared as it is: `%76 1`, `//v1` and `/V1` are no other way to write `/v1`. A segment that
/// is no version is none that is malformed: the path then says nothing, and has other readers, or what is
/// done with the unspecified, take over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathSegment {
    after: Arc<str>,
    strips: bool,
}

impl PathSegment {
    /// The first segment.
    pub fn first() -> Self {
        Self::after("")
    }

    /// The segment after this part of the path: `/api`.
    pub fn after(prefix: &str) -> Self {
        Self { after: prefix.strip_suffix('/').unwrap_or(prefix).into(), strips: false }
    }

    /// Whether the segment is taken out of the path before the service sees it. Default `false`: to
    /// choose a service by its version needs no other path, and to leave it costs nothing. The URI as it was
    /// sent is left in the extensions then, as `OriginalUri`.
    #[must_use]
    pub fn strip(self, strip: bool) -> Self {
        Self { strips: strip, ..self }
    }

    pub(crate) const fn strips(&self) -> bool {
        self.strips
    }

    /// The part of the path before the segment.
    pub(crate) const fn prefix(&self) -> &Arc<str> {
        &self.after
    }

    pub(super) fn each(&self, head: &RequestHead<'_>, found: &mut dyn FnMut(Source, &[u8])) {
        if let Some((segment, _)) = self.split(head.uri.path()) {
            found(Source::Path, segment.as_bytes());
        }
    }

    /// The segment, and where in the path it ends.
    pub(crate) fn split<'p>(&self, path: &'p str) -> Option<(&'p str, usize)> {
        let rest = path.strip_prefix(&*self.after)?.strip_prefix('/')?;
        let length = rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len());
        (length > 0).then(|| (&rest[..length], self.after.len() + 1 + length))
    }

    /// The path and the query, without the segment: `/` for what has nothing behind it. Nothing if there is
    /// no segment.
    pub fn stripped(&self, path: &str, query: Option<&str>) -> Option<String> {
        let (_, end) = self.split(path)?;
        let rest = match (&*self.after, &path[end..]) {
            ("", "") => "/",
            (_, rest) => rest,
        };
        // In one go, and no larger than it is: a `Uri` keeps it without copying it.
        Some(match query {
            Some(query) => [&*self.after, rest, "?", query].concat(),
            None => [&*self.after, rest].concat(),
        })
    }

    pub(super) fn fault(&self) -> Option<ConfigError> {
        let wrong = !self.after.is_empty() && !self.after.starts_with('/')
            || self.after.contains(['?', '#']);
        wrong.then(|| {
            let reason = "is no part of a path; begin it with a slash, such as /api";
            ConfigError::new("PathSegment::after", &self.after, reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::texts;
    use super::*;
    use http::Request;

    fn read(reader: PathSegment, path: &str) -> Vec<String> {
        texts(reader, &Request::get(path).body(()).unwrap())
    }

    #[test]
    fn a_whole_segment_is_read_as_it_is() {
        for (path, text) in [
            ("/v1", Some("v1")),
            ("/v1/", Some("v1")),
            ("/v1/orders?v=2", Some("v1")),
            ("/v1x/orders", Some("v1x")),
            ("/V1/orders", Some("V1")),
            ("/%76%31/orders", Some("%76%31")),
            ("/v1%2Forders", Some("v1%2Forders")),
            ("/v1/../v2/orders", Some("v1")),
            ("http://example.com/v1/orders", Some("v1")),
            ("/", None),
            ("//v1/orders", None),
            ("http://example.com", None),
            ("*", None),
        ] {
            let expected: Vec<_> = text.into_iter().map(str::to_owned).collect();
            assert_eq!(read(PathSegment::first(), path), expected, "{path}");
        }
        for (path, text) in [
            ("/api/v1/x", Some("v1")),
            ("/api/v1", Some("v1")),
            ("/api", None),
            ("/api/", None),
            ("/apis/v1", None),
            ("/v1", None),
        ] {
            let expected: Vec<_> = text.into_iter().map(str::to_owned).collect();
            assert_eq!(read(PathSegment::after("/api"), path), expected, "{path}");
            assert_eq!(read(PathSegment::after("/api/"), path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_stripped_leaves_a_path() {
        for (after, path, stripped) in [
            ("", "/v1/orders", "/orders"),
            ("", "/v1/", "/"),
            ("", "/v1", "/"),
            ("", "/v1//orders", "//orders"),
            ("/api", "/api/v1/orders", "/api/orders"),
            ("/api", "/api/v1", "/api"),
        ] {
            assert_eq!(
                PathSegment::after(after).stripped(path, None).as_deref(),
                Some(stripped),
                "{path}"
            );
        }
        assert_eq!(PathSegment::first().stripped("/", None), None);
    }

    #[test]
    fn a_prefix_that_is_none_is_an_error() {
        assert!(PathSegment::after("api").fault().is_some());
        assert!(PathSegment::after("/api?x").fault().is_some());
        assert!(PathSegment::after("/").fault().is_none());
    }
}
