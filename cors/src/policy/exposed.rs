use http::HeaderValue;
use stonework_core::ConfigError;

use super::list;
use crate::token::is_token;

/// Headers that no page may read (Fetch, "forbidden response-header name").
const FORBIDDEN: [&str; 2] = ["set-cookie", "set-cookie2"];

/// Headers that every page may read (Fetch, "CORS-safelisted response-header name").
const SAFELISTED: [&str; 7] = [
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
];

/// The value of `Access-Control-Expose-Headers`, if there is any need of one.
pub(crate) fn check(
    given: &[String],
    credentials: bool,
    errors: &mut Vec<ConfigError>,
) -> Option<HeaderValue> {
    let (any, named) = list::split(given);
    errors.extend(named.iter().filter_map(|name| fault(name)));
    if any && credentials {
        let reason = "is but a name where credentials are allowed; name the headers";
        errors.push(ConfigError::new("expose", "*", reason));
    }
    let mut names: Vec<String> = named.iter().map(|name| name.to_ascii_lowercase()).collect();
    names.retain(|name| !SAFELISTED.contains(&name.as_str()));
    names.sort();
    names.dedup();
    let names = names.iter().map(String::as_str);
    if any { Some(HeaderValue::from_static("*")) } else { list::value(names) }
}

fn fault(name: &str) -> Option<ConfigError> {
    let reason = if !is_token(name.as_bytes()) {
        "is no header name; use a name such as x-request-id"
    } else if FORBIDDEN.iter().any(|forbidden| forbidden.eq_ignore_ascii_case(name)) {
        "is never shown to a page; leave it out"
    } else {
        return None;
    };
    Some(ConfigError::new("expose", name, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(given: &[&str], credentials: bool) -> Result<Option<HeaderValue>, String> {
        let given: Vec<_> = given.iter().map(ToString::to_string).collect();
        let mut errors = Vec::new();
        let value = check(&given, credentials, &mut errors);
        if errors.is_empty() { Ok(value) } else { Err(errors[0].to_string()) }
    }

    #[test]
    fn what_every_page_may_read_is_not_told() {
        assert_eq!(value(&["Content-Type", "expires"], true), Ok(None));
        let value = value(&["X-B", "content-type", "x-a", "x-b"], true).unwrap();
        assert_eq!(value.unwrap(), "x-a,x-b");
    }

    #[test]
    fn a_star_needs_no_credentials() {
        assert_eq!(value(&["*"], false).unwrap().unwrap(), "*");
        assert_eq!(
            value(&["*"], true).unwrap_err(),
            r#"expose("*"): is but a name where credentials are allowed; name the headers"#
        );
    }

    #[test]
    fn what_no_page_may_read_is_an_error() {
        assert!(value(&["Set-Cookie"], false).is_err());
        assert!(value(&["a b"], false).is_err());
    }
}
