use std::fmt;
use std::str::FromStr;

use super::read::{Parts, Ports, read};
use super::serialized::Serialized;
use super::{OriginError, OriginErrorKind, host, mend, punycode};

/// One origin, or several that look alike.
///
/// | pattern | matches |
/// |---|---|
/// | `https://app.example.com` | this origin, byte for byte |
/// | `http://localhost:3000`, `http://[::1]:8080` | with this port only |
/// | `https://*.example.com` | any host under it, at any depth, on 443; not `https://example.com` |
/// | `http://localhost:*` | any port, the scheme's own among them |
/// | `https://*.example.com:*` | both |
/// | `capacitor://localhost`, `chrome-extension://abcdefghijklmnop` | an app or an extension |
///
/// It is written as browsers write origins (HTML, section 7.1.1): in lower case, without a slash,
/// without the scheme's own port, hosts in ASCII, addresses in their shortest form. What is written
/// otherwise would never match, and so it is an error that says what to write. The longest has 327
/// bytes.
///
/// ```
/// use stonework_cors::OriginPattern;
///
/// let previews: OriginPattern = "https://*.preview.example.com".parse()?;
/// assert!(previews.matches(b"https://pr-17.preview.example.com"));
/// assert!(!previews.matches(b"https://evilpreview.example.com"));
///
/// let error = "https://Example.com/".parse::<OriginPattern>().unwrap_err();
/// assert_eq!(error.suggestion(), Some("https://example.com"));
/// # Ok::<(), stonework_cors::OriginError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginPattern {
    text: Box<str>,
    parts: Parts,
}

impl OriginPattern {
    /// Is this origin meant, byte for byte as the `Origin` header carries it?
    ///
    /// Bytes that are no origin as a browser serialises it are none, however they resemble one.
    pub fn matches(&self, origin: &[u8]) -> bool {
        if self.is_exact() {
            return self.text.as_bytes() == origin;
        }
        Serialized::parse(origin).is_some_and(|origin| {
            self.scheme().as_bytes() == origin.scheme
                && self.has_host(origin.host)
                && self.parts.ports.allow(origin.port)
        })
    }

    /// `http` to a host that is not this machine: what it carries can be read and changed on the
    /// way.
    ///
    /// This machine is `localhost` and what is under it, `127.0.0.0/8` and `[::1]` (Secure Contexts,
    /// section 3.1). `0.0.0.0` is not.
    pub fn is_insecure(&self) -> bool {
        self.scheme() == "http" && !host::is_local(self.base().as_bytes())
    }

    /// The public suffix under which it allows any name: `co.uk` of `https://*.co.uk`, `github.io`
    /// of `https://*.github.io`. Anybody can have a name there.
    ///
    /// The list is that of publicsuffix.org with its private section, as it was when the crate
    /// `psl` was built. What is not on it, such as `test` or `internal`, is not public.
    pub fn public_suffix(&self) -> Option<&str> {
        if !self.has_subdomains() {
            return None;
        }
        let base = punycode::to_unicode(self.base());
        // Asked with a label in front, since some rules say that all labels under a name are
        // suffixes. The list takes the star for a label that it does not know.
        let name = format!("*.{base}");
        let suffix = psl::suffix(name.as_bytes()).filter(psl::Suffix::is_known)?;
        (suffix.as_bytes().len() >= base.len()).then(|| self.base())
    }

    /// The pattern, without thinking about what else may have been meant.
    pub(super) fn read(text: &str) -> Result<Self, OriginErrorKind> {
        Ok(Self { text: text.into(), parts: read(text)? })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn scheme(&self) -> &str {
        &self.text[..self.parts.scheme]
    }

    /// The host, without a wildcard.
    pub(super) fn base(&self) -> &str {
        &self.text[self.parts.host()]
    }

    pub(super) const fn ports(&self) -> Ports {
        self.parts.ports
    }

    pub(super) const fn has_subdomains(&self) -> bool {
        self.parts.subdomains
    }

    /// Without a wildcard, its text is the one origin that it matches.
    pub(super) const fn is_exact(&self) -> bool {
        !self.parts.subdomains && matches!(self.parts.ports, Ports::One(_))
    }

    /// Whether this host of a well-formed origin is meant, whatever the rest.
    pub(super) fn has_host(&self, host: &[u8]) -> bool {
        match host.strip_suffix(self.base().as_bytes()) {
            // Labels are never empty, so that one stands before the dot.
            Some(rest) if self.has_subdomains() => rest.ends_with(b"."),
            Some(rest) => rest.is_empty(),
            None => false,
        }
    }
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Self::read(text).map_err(|kind| OriginError::new(text, kind, mend::mend(text)))
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
