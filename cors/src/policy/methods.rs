use http::HeaderValue;
use stonework_core::ConfigError;

use super::list;
use crate::token::is_token;

/// Methods that need no permission (Fetch, "CORS-safelisted method").
const SAFELISTED: [&str; 3] = ["GET", "HEAD", "POST"];

/// Methods that a page cannot use at all (Fetch, "forbidden method").
const FORBIDDEN: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// Methods that a browser writes in upper case, however a page writes them (Fetch, "normalize").
const NORMALISED: [&str; 6] = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

/// The methods that a policy allows.
#[derive(Debug)]
pub(crate) struct Methods {
    any: bool,
    listed: Box<[Box<str>]>,
    /// What a preflight is told; nothing where it is the requested method itself.
    value: Option<HeaderValue>,
}

impl Methods {
    pub(crate) fn check(
        given: &[String],
        credentials: bool,
        errors: &mut Vec<ConfigError>,
    ) -> Self {
        let (any, named) = list::split(given);
        errors.extend(named.iter().filter_map(|name| fault(name)));
        let listed: Box<[Box<str>]> =
            named.into_iter().filter(|name| !SAFELISTED.contains(name)).map(Box::from).collect();
        // With credentials, `*` is but the name of a method.
        let value = match any {
            true => (!credentials).then(|| HeaderValue::from_static("*")),
            false => list::value(listed.iter().map(AsRef::as_ref)),
        };
        Self { any, listed, value }
    }

    /// The method of an `Access-Control-Request-Method`, byte by byte: case matters.
    #[inline]
    pub(crate) fn allows(&self, requested: &[u8]) -> bool {
        let is = |name: &str| name.as_bytes() == requested;
        SAFELISTED.into_iter().any(is)
            || self.listed.iter().any(|name| is(name))
            || (self.any && is_token(requested) && !is_forbidden(requested))
    }

    pub(crate) const fn value(&self) -> Option<&HeaderValue> {
        self.value.as_ref()
    }

    /// Is a preflight told the method that it asks for?
    pub(crate) const fn echoes(&self) -> bool {
        self.any && self.value.is_none()
    }

    /// The one that differs from this by its case alone.
    pub(crate) fn in_other_case(&self, requested: &[u8]) -> Option<&str> {
        let like = |name: &&str| name.as_bytes().eq_ignore_ascii_case(requested);
        let listed = self.listed.iter().map(AsRef::as_ref);
        SAFELISTED.into_iter().chain(listed).find(like)
    }
}

fn is_forbidden(name: &[u8]) -> bool {
    FORBIDDEN.iter().any(|forbidden| forbidden.as_bytes().eq_ignore_ascii_case(name))
}

fn fault(name: &str) -> Option<ConfigError> {
    let error = |reason: &str| Some(ConfigError::new("methods", name, reason.to_owned()));
    if !is_token(name.as_bytes()) {
        return error("is no method; use a name such as PUT");
    }
    if is_forbidden(name.as_bytes()) {
        return error("is refused by every browser; leave it out");
    }
    match NORMALISED.iter().find(|upper| upper.eq_ignore_ascii_case(name) && **upper != name) {
        Some(upper) => error(&format!("matches nothing, since case matters; use {upper}")),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(given: &[&str], credentials: bool) -> Result<Methods, Vec<String>> {
        let given: Vec<_> = given.iter().map(ToString::to_string).collect();
        let mut errors = Vec::new();
        let methods = Methods::check(&given, credentials, &mut errors);
        match errors.as_slice() {
            [] => Ok(methods),
            errors => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn safelisted_methods_need_no_permission() {
        let none = methods(&[], true).unwrap();
        for method in ["GET", "HEAD", "POST"] {
            assert!(none.allows(method.as_bytes()));
        }
        assert!(!none.allows(b"PUT") && !none.allows(b"get") && !none.allows(b""));
        assert_eq!(none.value(), None);
        assert_eq!(methods(&["GET", "POST"], true).unwrap().value(), None);
    }

    #[test]
    fn what_is_listed_is_allowed_in_its_own_case() {
        let some = methods(&["PUT", "PATCH", "PUT"], true).unwrap();
        assert!(some.allows(b"PUT") && some.allows(b"PATCH"));
        assert!(!some.allows(b"patch") && !some.allows(b"DELETE"));
        assert_eq!(some.value().unwrap(), "PUT,PATCH");
        assert_eq!(some.in_other_case(b"patch"), Some("PATCH"));
        assert_eq!(some.in_other_case(b"DELETE"), None);
    }

    #[test]
    fn any_is_a_star_without_credentials_and_the_method_itself_with_them() {
        let without = methods(&["*"], false).unwrap();
        assert!(without.allows(b"PURGE") && !without.echoes());
        assert_eq!(without.value().unwrap(), "*");
        let with = methods(&["*"], true).unwrap();
        assert!(with.allows(b"PURGE") && with.echoes());
        for bad in [&b"A B"[..], b"", b"TRACE", b"track", &[b'a'; 1000]] {
            assert!(!with.allows(bad) && !without.allows(bad));
        }
    }

    #[test]
    fn what_can_never_matter_is_an_error() {
        let errors = methods(&["PUT", "put", "Trace", "A B", ""], false).unwrap_err();
        assert_eq!(
            errors,
            [
                r#"methods("put"): matches nothing, since case matters; use PUT"#,
                r#"methods("Trace"): is refused by every browser; leave it out"#,
                r#"methods("A B"): is no method; use a name such as PUT"#,
                r#"methods(""): is no method; use a name such as PUT"#,
            ]
        );
        assert_eq!(methods(&["*", "PUT"], false).unwrap().value().unwrap(), "*", "`*` covers it");
        assert!(methods(&["patch"], false).is_ok(), "it is a method, if an odd one");
    }
}
