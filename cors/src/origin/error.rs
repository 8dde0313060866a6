use std::error::Error;
use std::fmt::{self, Write};

/// How much of a value is shown, in characters.
const SHOWN: usize = 80;

/// Why a text is no origin that a policy can name.
///
/// Displayed, it is one line with the value, the reason and the fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginError {
    value: String,
    kind: OriginErrorKind,
    suggestion: Option<String>,
}

/// The kinds of [`OriginError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OriginErrorKind {
    /// Nothing at all.
    Empty,
    /// Longer than any origin.
    TooLong,
    /// Several origins, with commas, semicolons or white space between them.
    List,
    /// White space in it or around it.
    WhiteSpace,
    /// A control character in it or around it.
    Control,
    /// `null`, which is the origin of sandboxed frames, local files and whoever wants it.
    Null,
    /// `*`, which is no origin.
    Any,
    /// A host without `https://` or another scheme in front.
    NoScheme,
    /// What stands before `://` is no scheme (RFC 3986, section 3.1), or is longer than 64 bytes.
    Scheme,
    /// `*://`: a wildcard for the scheme.
    AnyScheme,
    /// `file`, `data`, `blob`, `javascript` or `about`, whose documents send `null`, or the origin
    /// of another document.
    OpaqueScheme,
    /// `ws` or `wss`: a WebSocket is opened by a page, and that has the scheme `http` or `https`.
    WebSocket,
    /// Upper-case letters, which browsers turn into lower case.
    UpperCase,
    /// A user name or password.
    UserInfo,
    /// No host.
    NoHost,
    /// A host with letters other than ASCII, which browsers turn into `xn--…`.
    NotAscii,
    /// A host longer than 253 bytes.
    HostTooLong,
    /// A host with an empty label.
    EmptyLabel,
    /// A host with characters other than `a-z`, `0-9`, `-`, `_` and `.`.
    Host,
    /// An IPv4 address that browsers write otherwise, or a name that ends in a number.
    Ipv4,
    /// An IPv6 address that browsers write otherwise, or no address in brackets.
    Ipv6,
    /// A wildcard for the whole host.
    AnyHost,
    /// More than one wildcard in a host.
    ManyWildcards,
    /// A wildcard for a part of a label.
    PartOfLabel,
    /// A wildcard elsewhere than in front of the host.
    InnerWildcard,
    /// A wildcard in front of an IP address.
    WildcardAddress,
    /// A colon without a port.
    NoPort,
    /// A port with a zero in front.
    LeadingZero,
    /// A port that is no number from 1 to 65535.
    Port,
    /// The scheme's own port, which browsers leave out.
    DefaultPort,
    /// A slash at the end.
    TrailingSlash,
    /// A path.
    Path,
    /// A query.
    Query,
    /// A fragment.
    Fragment,
}

impl OriginError {
    pub(super) fn new(value: &str, kind: OriginErrorKind, suggestion: Option<String>) -> Self {
        Self { value: value.to_owned(), kind, suggestion }
    }

    /// The text that was given.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What is wrong with it, for `match`. If several things are, the one that was found first.
    pub const fn kind(&self) -> OriginErrorKind {
        self.kind
    }

    /// What was probably meant, if that can be told. It is an [`OriginPattern`](super::OriginPattern)
    /// with nothing wrong.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

impl OriginError {
    /// The value as it is shown.
    pub(crate) fn shown(&self) -> String {
        Shown(&self.value).to_string()
    }

    /// What is wrong, and what to do.
    pub(crate) fn reason(&self) -> String {
        let (reason, fix) = self.kind.words();
        match &self.suggestion {
            Some(suggestion) => format!("{reason}; write {}", Shown(suggestion)),
            None => format!("{reason}; {fix}"),
        }
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the origin {} {}", self.shown(), self.reason())
    }
}

impl Error for OriginError {}

/// A value in quotes, escaped, without what is beyond a line's length.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut chars = self.0.chars();
        for char in chars.by_ref().take(SHOWN) {
            write!(f, "{}", char.escape_debug())?;
        }
        f.write_str(if chars.next().is_some() { "…\"" } else { "\"" })
    }
}

impl OriginErrorKind {
    /// The reason; and what to do, for when there is no suggestion. A table, to be read as one.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Empty => ("is empty", "write one such as https://app.example.com"),
            Self::TooLong => {
                ("is longer than any origin", "write scheme, host and port, and no more")
            }
            Self::List => ("is a list", "give its origins one by one"),
            Self::WhiteSpace => ("has white space", "write one origin, and nothing around it"),
            Self::Control => ("has a control character", "remove it"),
            Self::Null => (
                "is what sandboxed frames and local files send, and anyone can",
                "serve the page from an origin of its own",
            ),
            Self::Any => ("is no origin", "allow any origin by the policy, not in a list"),
            Self::NoScheme => ("has no scheme", "write one in front, such as https://"),
            Self::Scheme => (
                "has no well-formed scheme",
                "use up to 64 letters, digits, +, - and . before ://, a letter first",
            ),
            Self::AnyScheme => ("has a wildcard for a scheme", "list the schemes one by one"),
            Self::OpaqueScheme => (
                "has a scheme whose documents have no origin of their own",
                "name the origin of the page that makes the request",
            ),
            Self::WebSocket => (
                "has the scheme of a WebSocket, which a page opens",
                "name the page's origin, by http or https",
            ),
            Self::UpperCase => {
                ("has upper-case letters, which browsers never send", "use lower case")
            }
            Self::UserInfo => ("has a user name, and an origin has none", "remove it"),
            Self::NoHost => ("has no host", "write one after ://"),
            Self::NotAscii => (
                "has a host that is not ASCII, which browsers never send",
                "write its ASCII form, in which such labels begin with xn--",
            ),
            Self::HostTooLong => ("has a host longer than 253 bytes", "shorten it"),
            Self::EmptyLabel => ("has an empty label in its host", "remove a dot"),
            Self::Host => (
                "has a host with other characters than a-z, 0-9, -, _ and .",
                "write a host that DNS knows",
            ),
            Self::Ipv4 => (
                "has a host that ends in a number and is no IPv4 address as browsers write it",
                "write four numbers up to 255 with dots between them",
            ),
            Self::Ipv6 => (
                "has no IPv6 address as browsers write it",
                "write it in brackets and shortened, such as [2001:db8::1]",
            ),
            Self::AnyHost => {
                ("has a wildcard for all hosts", "name a domain, such as https://*.example.com")
            }
            Self::ManyWildcards => {
                ("has several wildcards in its host", "use one *. in front, which means any depth")
            }
            Self::PartOfLabel => (
                "has a wildcard for a part of a label",
                "list the hosts, or use *. in front of their domain",
            ),
            Self::InnerWildcard => {
                ("has a wildcard that is not in front of its host", "list the hosts one by one")
            }
            Self::WildcardAddress => {
                ("has a wildcard in front of an address", "list the addresses one by one")
            }
            Self::NoPort => ("has a colon without a port", "remove the colon"),
            Self::LeadingZero => ("has a port with a zero in front", "remove the zero"),
            Self::Port => {
                ("has a port that is no number from 1 to 65535", "write the number, or * for any")
            }
            Self::DefaultPort => {
                ("has the port that its scheme has anyway, which browsers leave out", "remove it")
            }
            Self::TrailingSlash => {
                ("has a slash at the end, which browsers never send", "remove it")
            }
            Self::Path => ("has a path, and an origin has none", "remove it"),
            Self::Query => ("has a query, and an origin has none", "remove it"),
            Self::Fragment => ("has a fragment, and an origin has none", "remove it"),
        }
    }
}
