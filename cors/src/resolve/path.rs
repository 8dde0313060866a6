use std::fmt;

use stonework_core::{ConfigError, ConfigErrors, RequestHead, StoreError, StoreFuture};

use super::PolicyResolver;
use crate::Policy;

/// A policy for each part of the paths of a service.
///
/// The longest prefix that ends where a segment does counts: `/public` is for `/public` and
/// `/public/x`, and not for `/publicity`. `/` is for all.
///
/// Paths are compared as they are sent. A router inside that decodes or tidies them reads
/// `/public/..%2fadmin` as another path than is looked at here, and then a loose policy for `/public` is
/// one for all. axum's does neither.
///
/// ```
/// use stonework_cors::{ByPath, CorsLayer, Policy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ours = Policy::builder().origins(["https://app.example.com"]).credentials(true).build()?;
/// let open = Policy::builder().origins(["*"]).build()?;
/// let paths = ByPath::new([("/", ours), ("/public", open)])?;
/// let cors = CorsLayer::builder().policies(paths).build()?;
/// # let _ = cors;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ByPath {
    /// Without a slash at the end, the longest first.
    policies: Vec<(Box<str>, Policy)>,
}

impl ByPath {
    /// These policies, by prefixes that begin with a slash.
    ///
    /// # Errors
    ///
    /// Prefixes that do not, or that are there twice.
    pub fn new<P: AsRef<str>>(
        policies: impl IntoIterator<Item = (P, Policy)>,
    ) -> Result<Self, ConfigErrors<ConfigError>> {
        let (mut known, mut errors) = (Vec::<(Box<str>, Policy)>::new(), Vec::new());
        for (given, policy) in policies {
            let given = given.as_ref();
            let prefix = given.strip_suffix('/').unwrap_or(given);
            let mut error = |reason| errors.push(ConfigError::new("path", given, reason));
            if !given.starts_with('/') || given.contains(['?', '#']) {
                error("is no prefix of a path; use one such as /public");
            } else if known.iter().any(|(other, _)| **other == *prefix) {
                error("is there twice; leave one out");
            } else {
                known.push((prefix.into(), policy));
            }
        }
        known.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        ConfigErrors::check(errors, Ok(Self { policies: known }))
    }

    fn find(&self, path: &str) -> Option<&Policy> {
        let covers = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.policies.iter().find(|(prefix, _)| covers(prefix)).map(|(_, policy)| policy)
    }
}

impl PolicyResolver for ByPath {
    fn resolve(&self, head: &RequestHead<'_>) -> StoreFuture<Result<Option<Policy>, StoreError>> {
        StoreFuture::ready(Ok(self.find(head.uri.path()).cloned()))
    }
}

impl fmt::Debug for ByPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByPath").field(&self.policies).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Policies that are told apart by their one origin.
    fn paths(prefixes: &[&str]) -> Result<ByPath, ConfigErrors<ConfigError>> {
        let policy = |n| Policy::builder().origins([format!("https://{n}.example")]).build();
        ByPath::new(prefixes.iter().enumerate().map(|(n, prefix)| (*prefix, policy(n).unwrap())))
    }

    #[test]
    fn the_longest_prefix_counts_and_ends_where_a_segment_does() {
        let paths = paths(&["/", "/a", "/a/b/", "/c"]).unwrap();
        for (path, policy) in [
            ("/", 0),
            ("/x", 0),
            ("/ab", 0),
            ("/A", 0),
            ("/%61", 0),
            ("//a", 0),
            ("/a", 1),
            ("/a/", 1),
            ("/a/x", 1),
            ("/a/bc", 1),
            ("/a/b", 2),
            ("/a/b/c", 2),
            ("/c/a/b", 3),
        ] {
            let found = format!("{:?}", paths.find(path).unwrap());
            assert!(found.contains(&format!("https://{policy}.example")), "{path}: {found}");
        }
        assert!(paths.find("").is_some_and(|policy| format!("{policy:?}").contains("//0.")));
    }

    #[test]
    fn what_no_prefix_covers_has_no_policy() {
        let paths = paths(&["/a"]).unwrap();
        assert!(paths.find("/b").is_none() && paths.find("*").is_none());
    }

    #[test]
    fn prefixes_that_are_none_are_all_told() {
        assert_eq!(paths(&["a", "", "/a?b", "/c", "/c/"]).unwrap_err().as_slice().len(), 4);
    }
}
