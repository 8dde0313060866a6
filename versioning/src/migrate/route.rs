//! Which paths a gate is for.

/// `/transfers/{id}`: a step in braces is any one step, and `{*rest}` at the end any number of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route(Box<str>);

impl Route {
    pub(super) fn new(pattern: &str) -> Self {
        Self(pattern.into())
    }

    pub(super) fn pattern(&self) -> &str {
        &self.0
    }

    /// A path begins with a slash; what is in braces has a name; nothing is behind the rest.
    pub(super) fn is_wrong(&self) -> bool {
        let mut steps = self.0.split('/').skip(1).peekable();
        let mut wrong = !self.0.starts_with('/') || self.0.contains(['?', '#']);
        while let Some(step) = steps.next() {
            let braces = step.contains(['{', '}']);
            let is_last = steps.peek().is_none();
            wrong |= match within_braces(step) {
                Some(name) if name.starts_with('*') => name.len() < 2 || !is_last,
                Some(name) => name.is_empty() || name.contains(['{', '}']),
                None => braces,
            };
        }
        wrong
    }

    /// The path without the version.
    pub(super) fn matches(&self, path: &str) -> bool {
        let (mut steps, mut pattern) = (path.split('/').skip(1), self.0.split('/').skip(1));
        loop {
            match (pattern.next(), steps.next()) {
                (None, None) => return true,
                (Some(wanted), Some(step)) => match within_braces(wanted) {
                    Some(name) if name.starts_with('*') => return true,
                    Some(_) if !step.is_empty() => {}
                    None if wanted == step => {}
                    _ => return false,
                },
                _ => return false,
            }
        }
    }
}

fn within_braces(step: &str) -> Option<&str> {
    step.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_compared_step_by_step() {
        for (pattern, path, matches) in [
            ("/", "/", true),
            ("/transfers", "/transfers", true),
            ("/transfers", "/transfers/", false),
            ("/transfers", "/transfer", false),
            ("/transfers", "/transfers/7", false),
            ("/transfers/{id}", "/transfers/7", true),
            ("/transfers/{id}", "/transfers/", false),
            ("/transfers/{id}", "/transfers", false),
            ("/transfers/{id}", "/transfers/7/lines", false),
            ("/transfers/{id}/lines", "/transfers/7/lines", true),
            ("/files/{*rest}", "/files/a/b", true),
            ("/files/{*rest}", "/files/", true),
            ("/files/{*rest}", "/files", false),
        ] {
            assert_eq!(Route::new(pattern).matches(path), matches, "{pattern} {path}");
        }
    }

    #[test]
    fn patterns_that_are_none_are_told() {
        for good in ["/", "/a", "/{a}/b", "/a/{*rest}"] {
            assert!(!Route::new(good).is_wrong(), "{good}");
        }
        for bad in ["", "a", "/{}", "/{*}", "/{*rest}/a", "/{a", "/a}", "/a{b}", "/a?b"] {
            assert!(Route::new(bad).is_wrong(), "{bad}");
        }
    }
}
