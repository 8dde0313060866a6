use std::cmp::Ordering;

use http::HeaderValue;
use stonework_core::ConfigError;

use super::list;
use crate::token::{self, is_token};

/// Headers that a page cannot set (Fetch, "forbidden request-header"), but for those by prefix.
const FORBIDDEN: [&str; 22] = [
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
const FORBIDDEN_PREFIXES: [&str; 2] = ["proxy-", "sec-"];

/// The one name that `*` never covers (Fetch, "CORS non-wildcard request-header name").
const AUTHORIZATION: &str = "authorization";

/// How many names and lines a request may have beyond one of each for every name that is allowed:
/// empty ones, and repeats.
const SLACK: usize = 16;
/// How much white space may stand around a name.
const SPACE: usize = 16;
/// How many names a request may list where any is allowed.
const MOST: usize = 256;

/// The request headers that a policy allows.
#[derive(Debug)]
pub(crate) struct RequestHeaders {
    any: bool,
    /// In lower case and in order.
    names: Box<[Box<str>]>,
    longest: usize,
    value: Option<HeaderValue>,
}

/// What is wrong with the headers that a preflight asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault<'a> {
    NotAllowed(&'a [u8]),
    TooMany,
}

impl RequestHeaders {
    pub(crate) fn check(
        given: &[String],
        credentials: bool,
        errors: &mut Vec<ConfigError>,
    ) -> Self {
        let (any, named) = list::split(given);
        errors.extend(named.iter().filter_map(|name| fault(name)));
        let mut names: Vec<Box<str>> =
            named.iter().map(|name| name.to_ascii_lowercase().into()).collect();
        names.sort();
        names.dedup();
        // With credentials, `*` is but the name of a header.
        let value = match (any, credentials) {
            (true, true) => None,
            (true, false) => {
                // The one name that it never covers.
                let authorization = names.iter().map(AsRef::as_ref).filter(|n| *n == AUTHORIZATION);
                list::value(std::iter::once("*").chain(authorization))
            }
            (false, _) => list::value(names.iter().map(AsRef::as_ref)),
        };
        let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
        Self { any, names: names.into(), longest, value }
    }

    /// Those of these names, without credentials.
    #[cfg(feature = "testing")]
    pub(crate) fn of(names: &[&str]) -> Self {
        let given: Vec<_> = names.iter().map(ToString::to_string).collect();
        Self::check(&given, false, &mut Vec::new())
    }

    pub(crate) const fn value(&self) -> Option<&HeaderValue> {
        self.value.as_ref()
    }

    /// Is a preflight told the headers that it asks for?
    pub(crate) const fn echoes(&self) -> bool {
        self.any && self.value.is_none()
    }

    /// Are these lines of `Access-Control-Request-Headers` all allowed?
    ///
    /// A browser sends one line of names in lower case and in order, without spaces. Proxies fold
    /// and pad lines, and people write tests by hand, so neither order nor case is asked for. The
    /// work is bounded by the policy, whatever is sent, and nothing is allocated.
    #[inline]
    pub(crate) fn verify<'a>(
        &self,
        lines: impl Iterator<Item = &'a HeaderValue>,
    ) -> Result<(), Fault<'a>> {
        let mut left = if self.any { MOST } else { 2 * self.names.len() + SLACK };
        for line in lines {
            let mut rest = self.skip_in_order(line.as_bytes());
            // A line counts though nothing is left of it.
            left = left.checked_sub(1).ok_or(Fault::TooMany)?;
            while let Some(text) = rest {
                left = left.checked_sub(1).ok_or(Fault::TooMany)?;
                let (name, after) = self.first(text)?;
                if !name.is_empty() && !self.allows(name) {
                    return Err(Fault::NotAllowed(name));
                }
                rest = after;
            }
        }
        Ok(())
    }

    /// What is left of a line after the names that stand in it as a browser writes them: one look at
    /// each allowed name, in order.
    fn skip_in_order<'a>(&self, mut text: &'a [u8]) -> Option<&'a [u8]> {
        for name in &self.names {
            match text.strip_prefix(name.as_bytes()) {
                Some([]) => return None,
                Some([b',', rest @ ..]) => text = rest,
                Some(_) | None => {}
            }
        }
        Some(text)
    }

    /// The first name of a list, and what comes after its comma.
    fn first<'a>(&self, text: &'a [u8]) -> Result<(&'a [u8], Option<&'a [u8]>), Fault<'a>> {
        let longest = if self.any { token::LONGEST } else { self.longest };
        let seen = &text[..text.len().min(longest + SPACE + 1)];
        match seen.iter().position(|byte| *byte == b',') {
            Some(at) => Ok((trim(&text[..at]), Some(&text[at + 1..]))),
            None if seen.len() == text.len() => Ok((trim(text), None)),
            None => Err(Fault::NotAllowed(seen)),
        }
    }

    fn allows(&self, name: &[u8]) -> bool {
        let listed = self.names.binary_search_by(|listed| compare(listed.as_bytes(), name)).is_ok();
        listed
            || (self.any && is_token(name) && !name.eq_ignore_ascii_case(AUTHORIZATION.as_bytes()))
    }
}

/// A name in lower case beside one in any.
fn compare(listed: &[u8], name: &[u8]) -> Ordering {
    listed.iter().copied().cmp(name.iter().map(u8::to_ascii_lowercase))
}

/// Without the white space around it (RFC 9110, section 5.6.3).
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn fault(name: &str) -> Option<ConfigError> {
    let lower = name.to_ascii_lowercase();
    let error = |reason| Some(ConfigError::new("include", name, reason));
    if !is_token(name.as_bytes()) {
        return error("is no header name; use a name such as x-request-id");
    }
    let forbidden = FORBIDDEN.contains(&lower.as_str())
        || FORBIDDEN_PREFIXES.iter().any(|prefix| lower.starts_with(prefix));
    if forbidden {
        return error("is set by browsers and never by a page; leave it out");
    }
    if lower.starts_with("access-control-") {
        return error("is a header of responses; leave it out");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[&str], credentials: bool) -> RequestHeaders {
        let given: Vec<_> = given.iter().map(ToString::to_string).collect();
        let mut errors = Vec::new();
        let headers = RequestHeaders::check(&given, credentials, &mut errors);
        assert_eq!(errors, []);
        headers
    }

    fn verify<'a>(headers: &RequestHeaders, lines: &'a [HeaderValue]) -> Result<(), Fault<'a>> {
        headers.verify(lines.iter())
    }

    fn lines(lines: &[&str]) -> Vec<HeaderValue> {
        lines.iter().map(|line| line.parse().unwrap()).collect()
    }

    #[test]
    fn order_case_space_and_folding_do_not_matter() {
        let three = headers(&["X-B", "x-a", "content-type"], true);
        assert_eq!(three.value().unwrap(), "content-type,x-a,x-b");
        for good in [
            &["content-type,x-a,x-b"][..],
            &["x-b,x-a"],
            &["X-A"],
            &["x-a, \tx-b ,content-type"],
            &["x-a", "x-b"],
            &["x-a,,", ",x-b"],
            &["x-a,x-a"],
            &[""],
            &[],
        ] {
            assert_eq!(verify(&three, &lines(good)), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn the_first_name_that_is_not_allowed_is_told() {
        let two = headers(&["x-a", "x-b"], true);
        for (bad, name) in [
            ("x-c", "x-c"),
            ("x-a,x-bb", "x-bb"),
            ("x-a x-b", "x-a x-b"),
            ("x-a;x-b", "x-a;x-b"),
            ("*", "*"),
            ("x", "x"),
        ] {
            let bad = lines(&[bad]);
            assert_eq!(verify(&two, &bad), Err(Fault::NotAllowed(name.as_bytes())));
        }
    }

    #[test]
    fn junk_is_not_looked_at_to_its_end() {
        let two = headers(&["x-a", "x-b"], true);
        let long = lines(&[&"a".repeat(1_000_000)]);
        assert!(matches!(verify(&two, &long), Err(Fault::NotAllowed(name)) if name.len() < 32));
        let spaces = lines(&[&" ".repeat(1_000_000)]);
        assert!(matches!(verify(&two, &spaces), Err(Fault::NotAllowed(_))));
        for many in [",".repeat(1_000_000), "x-a,".repeat(250_000)] {
            assert_eq!(verify(&two, &lines(&[&many])), Err(Fault::TooMany));
        }
        let split = vec![HeaderValue::from_static("x-a"); 10_000];
        assert_eq!(verify(&two, &split), Err(Fault::TooMany));
        let any = headers(&["*"], false);
        assert_eq!(verify(&any, &split), Err(Fault::TooMany));
        assert!(matches!(verify(&any, &long), Err(Fault::NotAllowed(_))));
    }

    #[test]
    fn any_covers_all_but_authorization() {
        for credentials in [false, true] {
            let any = headers(&["*"], credentials);
            assert_eq!(verify(&any, &lines(&["x-a,y", "z"])), Ok(()));
            let bad = lines(&["x-a,Authorization"]);
            assert_eq!(verify(&any, &bad), Err(Fault::NotAllowed(b"Authorization")));
            assert!(verify(&any, &lines(&["a b"])).is_err());
            let both = headers(&["*", "authorization"], credentials);
            assert_eq!(verify(&both, &bad), Ok(()));
        }
        assert_eq!(headers(&["*", "authorization"], false).value().unwrap(), "*,authorization");
        assert!(headers(&["*"], true).echoes());
        assert!(!headers(&["*"], false).echoes());
    }

    #[test]
    fn nothing_is_allowed_at_first() {
        let none = headers(&[], false);
        assert_eq!(none.value(), None);
        assert_eq!(verify(&none, &[]), Ok(()));
        assert!(verify(&none, &lines(&["x-a"])).is_err());
    }

    #[test]
    fn what_can_never_matter_is_an_error() {
        let mut errors = Vec::new();
        let given = ["Cookie", "sec-fetch-site", "Proxy-Foo", "a b", "é", "access-control-max-age"];
        let given: Vec<_> = given.iter().map(ToString::to_string).collect();
        RequestHeaders::check(&given, false, &mut errors);
        assert_eq!(errors.len(), given.len(), "{errors:?}");
        assert_eq!(
            errors[0].to_string(),
            r#"include("Cookie"): is set by browsers and never by a page; leave it out"#
        );
    }
}
