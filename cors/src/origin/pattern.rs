use std::fmt;
use std::str::FromStr;

use super::OriginError;
use super::mend::mend;
use super::read::{Port, Read, read};
use super::serialized::{Serialized, ipv4};

/// One origin, or several that look alike.
///
/// | pattern | matches |
/// |---|---|
/// | `https://app.example.com` | that one |
/// | `https://*.example.com` | every name below it, at any depth, and not itself |
/// | `http://localhost:*` | any port, also none |
/// | `capacitor://localhost` | that one |
///
/// ```
/// use stonework_cors::OriginPattern;
///
/// let pattern: OriginPattern = "https://*.example.com".parse()?;
/// assert!(pattern.matches(b"https://a.b.example.com"));
/// assert!(!pattern.matches(b"https://example.com"));
/// assert!(!pattern.matches(b"http://a.example.com"));
///
/// let error = "https://Example.com:443/".parse::<OriginPattern>().unwrap_err();
/// assert_eq!(error.suggestion(), Some("https://example.com"));
/// # Ok::<(), stonework_cors::OriginError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginPattern {
    text: Box<str>,
    scheme: usize,
    host: (usize, usize),
    below: bool,
    port: Port,
}

impl OriginPattern {
    /// Is this origin meant, byte for byte as the `Origin` header carries it?
    pub fn matches(&self, origin: &[u8]) -> bool {
        if self.is_exact() {
            return self.text.as_bytes() == origin;
        }
        let Some(origin) = Serialized::parse(origin) else { return false };
        let port = match self.port {
            Port::Any => true,
            Port::Is(port) => port == origin.port,
        };
        port && origin.scheme == self.scheme().as_bytes() && self.matches_host(origin.host)
    }

    pub(super) fn matches_host(&self, host: &[u8]) -> bool {
        let mine = self.host().as_bytes();
        match host.strip_suffix(mine) {
            Some([]) => !self.below,
            // A parsed host has no empty label, so there is one before the dot.
            Some(rest) => self.below && rest.last() == Some(&b'.'),
            None => false,
        }
    }

    /// Does it match one origin only?
    pub fn is_exact(&self) -> bool {
        !self.below && self.port != Port::Any
    }

    /// `http` to a host that is not this machine: what it carries can be read and changed on the way.
    pub fn is_insecure(&self) -> bool {
        self.scheme() == "http" && !is_loopback(self.host())
    }

    /// The public suffix under which it matches every name: `co.uk` of `https://*.co.uk`. Anybody can
    /// have a name there. `None` also where the Public Suffix List, as it is in this program, has no
    /// rule for the name.
    pub fn public_suffix(&self) -> Option<&str> {
        let base = self.host().strip_suffix('.').unwrap_or(self.host());
        let suffix = psl::suffix(base.as_bytes()).filter(|_| self.below)?;
        (suffix.is_known() && suffix.as_bytes() == base.as_bytes()).then_some(base)
    }

    pub(super) fn scheme(&self) -> &str {
        &self.text[..self.scheme]
    }

    /// Without the wildcard.
    pub(super) fn host(&self) -> &str {
        &self.text[self.host.0..self.host.1]
    }

    pub(super) const fn is_below(&self) -> bool {
        self.below
    }

    pub(super) const fn port(&self) -> Port {
        self.port
    }

    pub(super) const fn as_str(&self) -> &str {
        &self.text
    }
}

/// Names that browsers resolve to this machine (Secure Contexts, section 3.1).
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || ipv4(host.as_bytes()).is_some_and(|address| address.is_loopback())
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let Read { scheme, host, below, port } =
            read(text).map_err(|kind| OriginError::new(text, kind, mend(text)))?;
        let start = scheme.len() + "://".len() + if below { "*.".len() } else { 0 };
        Ok(Self {
            text: text.into(),
            scheme: scheme.len(),
            host: (start, start + host.len()),
            below,
            port,
        })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OriginErrorKind as Kind;

    fn pattern(text: &str) -> OriginPattern {
        text.parse().unwrap()
    }

    #[test]
    fn patterns_keep_to_scheme_label_and_port() {
        for (text, matched, others) in [
            (
                "https://*.example.com",
                &["https://a.example.com", "https://a.b.example.com", "https://x-_.example.com"][..],
                &[
                    "https://example.com",
                    "https://aexample.com",
                    "https://.example.com",
                    "https://a..example.com",
                    "https://*.example.com",
                    "https://a.example.com:8443",
                    "https://a.example.com.",
                    "https://a.example.com.evil.org",
                    "http://a.example.com",
                    "https://a.example.com/",
                    "https://A.example.com",
                ][..],
            ),
            (
                "http://localhost:*",
                &["http://localhost", "http://localhost:3000", "http://localhost:65535"],
                &[
                    "http://localhost:80",
                    "http://localhost:",
                    "http://localhost:0x",
                    "http://a.localhost:1",
                ],
            ),
            (
                "https://*.example.com:*",
                &["https://a.example.com", "https://a.example.com:8443"],
                &["https://example.com:8443", "https://a.example.com:443"],
            ),
            (
                "https://*.example.com:8443",
                &["https://a.example.com:8443"],
                &["https://a.example.com", "https://a.example.com:18443"],
            ),
            (
                "tauri://localhost",
                &["tauri://localhost"],
                &["tauri://localhost:1", "http://localhost"],
            ),
        ] {
            for origin in matched {
                assert!(pattern(text).matches(origin.as_bytes()), "{text} {origin}");
            }
            for origin in others {
                assert!(!pattern(text).matches(origin.as_bytes()), "{text} {origin}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_mended() {
        for (text, kind, suggestion) in [
            ("", Kind::Empty, None),
            ("null", Kind::Null, None),
            ("*", Kind::Star, None),
            (" https://a.example", Kind::Space, Some("https://a.example")),
            ("https://a.example\n", Kind::Space, Some("https://a.example")),
            ("https://a b.example", Kind::Space, None),
            ("a.example", Kind::MissingScheme, Some("https://a.example")),
            ("//a.example", Kind::MissingScheme, Some("https://a.example")),
            ("*.a.example", Kind::MissingScheme, Some("https://*.a.example")),
            ("localhost:3000", Kind::MissingScheme, Some("http://localhost:3000")),
            ("https:a.example", Kind::MissingScheme, None),
            ("1s://a.example", Kind::Scheme, None),
            ("*://a.example", Kind::Scheme, None),
            ("HTTPS://a.example", Kind::Uppercase, Some("https://a.example")),
            ("https://A.example", Kind::Uppercase, Some("https://a.example")),
            ("file://a", Kind::SchemeWithoutOrigin, None),
            ("wss://a.example", Kind::SchemeWithoutOrigin, Some("https://a.example")),
            ("ws://a.example:8080", Kind::SchemeWithoutOrigin, Some("http://a.example:8080")),
            ("https://u:p@a.example", Kind::UserInfo, Some("https://a.example")),
            ("https://a.example/", Kind::TrailingSlash, Some("https://a.example")),
            ("https://a.example/b/", Kind::Path, Some("https://a.example")),
            ("https://a.example?b", Kind::Query, Some("https://a.example")),
            ("https://a.example#b", Kind::Fragment, Some("https://a.example")),
            ("https://a.example:443", Kind::DefaultPort, Some("https://a.example")),
            ("http://a.example:80", Kind::DefaultPort, Some("http://a.example")),
            ("https://A.example:0443/", Kind::TrailingSlash, Some("https://a.example")),
            ("https://a.example:", Kind::Port, Some("https://a.example")),
            ("https://a.example:08080", Kind::Port, Some("https://a.example:8080")),
            ("https://a.example:99999", Kind::Port, None),
            ("https://a.example:http", Kind::Port, None),
            ("https://ex*mple.com", Kind::Wildcard, None),
            ("https://*", Kind::Wildcard, None),
            ("https://*.", Kind::Wildcard, None),
            ("https://*example.com", Kind::Wildcard, None),
            ("https://a.*.com", Kind::Wildcard, None),
            ("https://*.*.com", Kind::Wildcard, None),
            ("https://*.127.0.0.1", Kind::WildcardAddress, None),
            ("https://*.[::1]", Kind::Host, None),
            ("http://127.1", Kind::Address, None),
            ("http://0x7f.0.0.1", Kind::Address, None),
            ("http://[0:0::1]", Kind::Address, Some("http://[::1]")),
            ("http://[::FFFF]", Kind::Uppercase, Some("http://[::ffff]")),
            ("http://[::ffff:1.2.3.4]:80", Kind::DefaultPort, Some("http://[::ffff:102:304]")),
            ("http://::1", Kind::Host, Some("http://[::1]")),
            ("http://[::1", Kind::Host, Some("http://[::1]")),
            ("https://.example.com", Kind::Host, None),
            ("https://a..example.com", Kind::Host, None),
            ("https://a,b.example", Kind::Host, None),
            ("https://", Kind::Host, None),
        ] {
            let error = text.parse::<OriginPattern>().unwrap_err();
            assert_eq!((error.kind(), error.suggestion()), (kind, suggestion), "{text:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        let long = format!("https://{}", "a.".repeat(10_000));
        let error = long.parse::<OriginPattern>().unwrap_err();
        assert_eq!(error.kind(), Kind::TooLong);
        assert!(error.to_string().len() < 250, "{error}");
    }

    #[test]
    fn international_names_are_told_in_ascii_if_the_feature_is_on() {
        let error = "https://*.München.example".parse::<OriginPattern>().unwrap_err();
        assert_eq!(error.kind(), Kind::Unicode);
        let suggestion = cfg!(feature = "idna").then_some("https://*.xn--mnchen-3ya.example");
        assert_eq!(error.suggestion(), suggestion);
        assert!(error.to_string().contains("xn--"), "{error}");
    }

    #[test]
    fn public_suffixes_are_those_of_the_list() {
        let suffix = |text: &str| pattern(text).public_suffix().map(str::to_owned);
        for suffix_ in ["com", "co.uk", "github.io", "s3.amazonaws.com"] {
            assert_eq!(suffix(&format!("https://*.{suffix_}")).as_deref(), Some(suffix_));
            assert_eq!(suffix(&format!("https://a.{suffix_}")), None);
            assert_eq!(suffix(&format!("https://*.a-b-c.{suffix_}")), None);
        }
        for own in ["https://*.test", "https://*.internal", "http://*.localhost", "app://*.x"] {
            assert_eq!(suffix(own), None, "{own}");
        }
    }

    #[test]
    fn only_http_to_elsewhere_is_insecure() {
        for (text, insecure) in [
            ("http://a.example", true),
            ("http://*.example.com:*", true),
            ("http://192.168.0.1", true),
            ("http://0.0.0.0", true),
            ("http://[::2]", true),
            ("http://localhost.example", true),
            ("http://localhost", false),
            ("http://*.localhost:*", false),
            ("http://127.9.9.9:1", false),
            ("http://[::1]:3000", false),
            ("https://a.example", false),
            ("capacitor://a", false),
        ] {
            assert_eq!(pattern(text).is_insecure(), insecure, "{text}");
        }
    }
}
