use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use http::HeaderValue;
use stonework_core::ConfigErrors;

use super::nearest::nearest;
use super::read::Port;
use super::serialized::Serialized;
use super::{OriginError, OriginPattern};

/// Up to so many, a comparison with each is faster than a hash.
const FEW: usize = 8;

/// A set of origins, of patterns of them, or of both. Clones share it.
///
/// To look one up takes as long in a set of 100,000 as in one of ten, and allocates nothing. It is of
/// use by itself where a layer is not, for instance for the handshake of a WebSocket, which no
/// browser asks about first:
///
/// ```
/// use stonework_cors::OriginSet;
///
/// let origins = OriginSet::parse(["https://app.example.com", "https://*.preview.example.com"])?;
/// assert!(origins.contains(b"https://pr-7.preview.example.com"));
/// assert!(!origins.contains(b"https://preview.example.com"));
/// # Ok::<(), stonework_cors::ConfigErrors<stonework_cors::OriginError>>(())
/// ```
#[derive(Clone, Default)]
pub struct OriginSet(Arc<Inner>);

#[derive(Default)]
struct Inner {
    patterns: Vec<OriginPattern>,
    exact: Exact,
    /// By scheme. Empty if all patterns are exact; then no origin need be parsed.
    loose: HashMap<Box<[u8]>, Loose>,
}

/// Origins that are matched as a whole.
enum Exact {
    Few(Vec<HeaderValue>),
    Many(HashSet<Whole>),
}

/// A value that is found by its bytes.
struct Whole(HeaderValue);

/// Patterns of one scheme.
#[derive(Default)]
struct Loose {
    /// Hosts of which any port is allowed.
    hosts: HashSet<Box<[u8]>>,
    /// Names below which all are allowed, with these ports.
    below: HashMap<Box<[u8]>, HashSet<Port>>,
    /// The length of the longest of these names.
    longest: usize,
}

impl OriginSet {
    /// A set of these patterns. One that is there twice counts once.
    ///
    /// # Errors
    ///
    /// All that are malformed.
    pub fn parse<P: AsRef<str>>(
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Self, ConfigErrors<OriginError>> {
        let mut errors = Vec::new();
        let parse = |text: P| text.as_ref().parse().map_err(|error| errors.push(error)).ok();
        let set = patterns.into_iter().filter_map(parse).collect();
        ConfigErrors::check(errors, Ok(set))
    }

    /// Is this origin in the set, byte for byte as the `Origin` header carries it?
    pub fn contains(&self, origin: &[u8]) -> bool {
        self.0.exact.get(origin).is_some() || self.0.matches(origin)
    }

    /// The value to send back to this origin, if it is in the set.
    ///
    /// Its own, where it was parsed. Where it was compared as a whole it is the set's: the clone of a
    /// value that a client has made from a string would allocate.
    #[inline]
    pub(crate) fn echo(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match self.0.exact.get(origin.as_bytes()) {
            Some(found) => Some(found.clone()),
            None => self.0.matches(origin.as_bytes()).then(|| origin.clone()),
        }
    }

    /// The pattern that this origin, which is not in the set, was probably meant to match: for
    /// explanations. The first thousand patterns are looked at.
    pub fn nearest(&self, origin: &[u8]) -> Option<&OriginPattern> {
        nearest(&self.0.patterns, origin)
    }

    /// The patterns, in the order in which they were given, each once.
    pub fn iter(&self) -> std::slice::Iter<'_, OriginPattern> {
        self.0.patterns.iter()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.0.patterns.len()
    }

    /// Is nothing in it?
    pub fn is_empty(&self) -> bool {
        self.0.patterns.is_empty()
    }
}

impl Inner {
    fn matches(&self, origin: &[u8]) -> bool {
        if self.loose.is_empty() {
            return false;
        }
        let Some(origin) = Serialized::parse(origin) else { return false };
        self.loose.get(origin.scheme).is_some_and(|loose| loose.matches(&origin))
    }
}

impl Loose {
    fn add(&mut self, pattern: &OriginPattern) {
        let host: Box<[u8]> = pattern.host().as_bytes().into();
        if pattern.is_below() {
            self.longest = self.longest.max(host.len());
            self.below.entry(host).or_default().insert(pattern.port());
        } else {
            self.hosts.insert(host);
        }
    }

    /// Looks at the host, and at what comes after each of its dots, from the right: no further than the
    /// longest name goes.
    fn matches(&self, origin: &Serialized<'_>) -> bool {
        let below = |name: &[u8]| {
            self.below.get(name).is_some_and(|ports| {
                ports.contains(&Port::Any) || ports.contains(&Port::Is(origin.port))
            })
        };
        let host = origin.host;
        let dots = host.iter().enumerate().rev().filter(|(_, byte)| **byte == b'.');
        self.hosts.contains(host)
            || dots
                .map(|(at, _)| &host[at + 1..])
                .take_while(|name| name.len() <= self.longest)
                .any(below)
    }
}

impl Exact {
    #[inline]
    fn get(&self, origin: &[u8]) -> Option<&HeaderValue> {
        match self {
            Self::Few(values) => values.iter().find(|value| value.as_bytes() == origin),
            Self::Many(values) => values.get(origin).map(|whole| &whole.0),
        }
    }
}

impl Default for Exact {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl FromIterator<HeaderValue> for Exact {
    fn from_iter<I: IntoIterator<Item = HeaderValue>>(values: I) -> Self {
        let values: Vec<_> = values.into_iter().collect();
        // The first clone of bytes that were made from a string allocates, and further ones count.
        values.iter().for_each(|value| drop(value.clone()));
        if values.len() <= FEW {
            return Self::Few(values);
        }
        Self::Many(values.into_iter().map(Whole).collect())
    }
}

impl Borrow<[u8]> for Whole {
    fn borrow(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Hash for Whole {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_bytes().hash(state);
    }
}

impl PartialEq for Whole {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes() == other.0.as_bytes()
    }
}

impl Eq for Whole {}

impl FromIterator<OriginPattern> for OriginSet {
    fn from_iter<I: IntoIterator<Item = OriginPattern>>(patterns: I) -> Self {
        let mut known = HashSet::new();
        let patterns: Vec<OriginPattern> =
            patterns.into_iter().filter(|pattern| known.insert(pattern.clone())).collect();
        let (exact, others): (Vec<_>, Vec<_>) =
            patterns.iter().partition(|pattern| pattern.is_exact());
        // A pattern is ASCII, and so a value.
        let value = |pattern: &OriginPattern| HeaderValue::from_str(pattern.as_str()).ok();
        let exact = exact.into_iter().filter_map(value).collect();
        let mut loose: HashMap<Box<[u8]>, Loose> = HashMap::new();
        for pattern in others {
            loose.entry(pattern.scheme().as_bytes().into()).or_default().add(pattern);
        }
        Self(Arc::new(Inner { patterns, exact, loose }))
    }
}

impl<'a> IntoIterator for &'a OriginSet {
    type Item = &'a OriginPattern;
    type IntoIter = std::slice::Iter<'a, OriginPattern>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for OriginSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().take(16).map(OriginPattern::as_str)).finish()
    }
}
