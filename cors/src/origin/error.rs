use std::error::Error;
use std::fmt;

/// Why a text is no origin that a policy can name.
///
/// Displayed, it tells the text, what is wrong with it, and what to write instead.
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
    /// `null`, which anybody can have.
    Null,
    /// `*`, which a policy knows, and a set does not.
    Star,
    /// White space, or a control character.
    Space,
    /// A letter beyond ASCII. Browsers send the ASCII form of a name.
    Unicode,
    /// No scheme.
    MissingScheme,
    /// A scheme that is none.
    Scheme,
    /// A scheme whose pages have no origin that is sent, such as `file`, or that is no page's, such
    /// as `wss`.
    SchemeWithoutOrigin,
    /// A name or a password before the host.
    UserInfo,
    /// A slash at the end.
    TrailingSlash,
    /// A path.
    Path,
    /// A query.
    Query,
    /// A fragment.
    Fragment,
    /// A letter in upper case.
    Uppercase,
    /// A port that is none.
    Port,
    /// The scheme's own port.
    DefaultPort,
    /// A `*` that is neither the whole first label nor the port.
    Wildcard,
    /// A `*` below an address, which has nothing below it.
    WildcardAddress,
    /// An address in another form than browsers send.
    Address,
    /// A host that is none.
    Host,
}

impl OriginErrorKind {
    const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "is empty",
            Self::TooLong => "is longer than any origin",
            Self::Null => "is the origin of pages that anybody can make",
            Self::Star => "is every origin",
            Self::Space => "has white space or a control character in it",
            Self::Unicode => "has letters in it that browsers send in their ASCII form",
            Self::MissingScheme => "has no scheme",
            Self::Scheme => "has a scheme that is none",
            Self::SchemeWithoutOrigin => "has a scheme that browsers never send as an origin",
            Self::UserInfo => "has a user in it, which no origin has",
            Self::TrailingSlash => "has a slash at its end, which no origin has",
            Self::Path => "has a path, which no origin has",
            Self::Query => "has a query, which no origin has",
            Self::Fragment => "has a fragment, which no origin has",
            Self::Uppercase => "has upper case in it, which browsers never send",
            Self::Port => "has a port that is none",
            Self::DefaultPort => "has the scheme's own port, which browsers leave out",
            Self::Wildcard => "has a `*` where none can be",
            Self::WildcardAddress => "has a `*` below an address",
            Self::Address => "has an address in another form than browsers send",
            Self::Host => "has a host that is none",
        }
    }

    /// What to do, where no suggestion can be made.
    const fn fix(self) -> &'static str {
        match self {
            Self::Empty => "leave it out",
            Self::Null => "leave it out; danger_null_origin allows it",
            Self::Star => "name the origins",
            Self::Unicode => "write the host in its ASCII form (xn--…)",
            Self::MissingScheme => "begin with https://",
            Self::Port => "use 1 to 65535, or `*` for any",
            Self::Wildcard => "use https://*.example.com for all below a name",
            Self::WildcardAddress => "name the address alone",
            Self::TooLong
            | Self::Space
            | Self::Scheme
            | Self::SchemeWithoutOrigin
            | Self::UserInfo
            | Self::TrailingSlash
            | Self::Path
            | Self::Query
            | Self::Fragment
            | Self::Uppercase
            | Self::DefaultPort
            | Self::Address
            | Self::Host => "use an origin as browsers send it: https://app.example.com",
        }
    }
}

impl OriginError {
    pub(super) fn new(value: &str, kind: OriginErrorKind, suggestion: Option<String>) -> Self {
        Self { value: value.to_owned(), kind, suggestion }
    }

    /// The text that was given.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What is wrong with it, for `match`. The first thing, if there are several.
    pub const fn kind(&self) -> OriginErrorKind {
        self.kind
    }

    /// What was probably meant, if that can be told. All that is wrong is mended in it.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }

    /// What is wrong, and what to do.
    pub(crate) fn reason(&self) -> String {
        match &self.suggestion {
            Some(suggestion) => format!("{}; use {suggestion}", self.kind.reason()),
            None => format!("{}; {}", self.kind.reason(), self.kind.fix()),
        }
    }

    /// The text, cut off if it is long.
    pub(crate) fn shown(&self) -> String {
        const LONGEST: usize = 100;
        match self.value.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{:?}...", &self.value[..end]),
            None => format!("{:?}", self.value),
        }
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.shown(), self.reason())
    }
}

impl Error for OriginError {}
